import t from 'tap'
import { createGroupCommit } from '../../src/ingest/group-commit.js'

const options = {
  maxGroup: 8,
  maxWaiting: 100,
  turnAway: () => new Error('too busy'),
  concernsAll: (error: unknown) => error instanceof Error && error.message === 'database down'
}

t.test('what arrives while a group commits becomes the next group', async (t) => {
  const groups: number[][] = []
  const gate = createGroupCommit<number, number>(async (items) => {
    groups.push([...items])
    return items.map((item) => item * 10)
  }, options)

  const results = await Promise.all(Array.from({ length: 20 }, (_, n) => gate.submit(n)))

  t.same(
    results,
    Array.from({ length: 20 }, (_, n) => n * 10),
    'every item gets its own result'
  )
  t.same(
    groups.map((group) => group.length),
    [8, 8, 4]
  )
})

t.test('a bad item is found and never spoils its neighbours', async (t) => {
  let commits = 0
  const gate = createGroupCommit<number, string>(async (items) => {
    commits++
    if (items.includes(5)) throw new Error('five is bad')
    return items.map((item) => `kept ${item}`)
  }, options)

  const results = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => gate.submit(n)))

  t.same(
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
    ['kept 0', 'kept 1', 'kept 2', 'kept 3', 'kept 4', 'five is bad', 'kept 6', 'kept 7']
  )
  t.ok(commits <= 7, `found by halving, in ${commits} commits`)
})

t.test('a fault that is no item’s own rejects the whole group at once', async (t) => {
  let commits = 0
  const gate = createGroupCommit<number, string>(async () => {
    commits++
    throw new Error('database down')
  }, options)

  const results = await Promise.allSettled([gate.submit(1), gate.submit(2), gate.submit(3)])

  t.ok(results.every((result) => result.status === 'rejected'))
  t.equal(commits, 1)
})

t.test('more than may wait is turned away, and closing waits for what was taken', async (t) => {
  const release: (() => void)[] = []
  const gate = createGroupCommit<number, number>(
    async (items) => {
      await new Promise<void>((resolve) => release.push(resolve))
      return [...items]
    },
    { ...options, maxGroup: 1, maxWaiting: 2 }
  )

  const taken = [gate.submit(1), gate.submit(2)]
  await t.rejects(gate.submit(3), { message: 'too busy' })
  const closing = gate.close()
  await t.rejects(gate.submit(4), { message: 'too busy' })
  while (release.length < 1) await new Promise((resolve) => setImmediate(resolve))
  release.shift()?.()
  while (release.length < 1) await new Promise((resolve) => setImmediate(resolve))
  release.shift()?.()
  await closing

  t.same(await Promise.all(taken), [1, 2])
})

t.test('with two in flight, a second group is begun while the first is still being committed', async (t) => {
  const begun: number[][] = []
  const release: (() => void)[] = []
  const gate = createGroupCommit<number, number>(
    async (items) => {
      begun.push([...items])
      await new Promise<void>((resolve) => release.push(resolve))
      return [...items]
    },
    { ...options, maxInFlight: 2 }
  )

  const first = gate.submit(1)
  while (begun.length < 1) await new Promise((resolve) => setImmediate(resolve))
  const second = gate.submit(2)
  while (begun.length < 2) await new Promise((resolve) => setImmediate(resolve))
  const third = gate.submit(3)
  for (const done of release.splice(0)) done()
  while (begun.length < 3) await new Promise((resolve) => setImmediate(resolve))
  for (const done of release.splice(0)) done()

  t.same(await Promise.all([first, second, third]), [1, 2, 3])
  t.same(begun, [[1], [2], [3]], 'a third waits for one of the two')
})

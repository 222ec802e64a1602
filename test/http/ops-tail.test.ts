// Attempts as a stream: each once, whoever watches, however the connection breaks, and ended with the process.
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { createAttemptFeed, type FeedPolicy } from '../../src/delivery/attempt-feed.js'
import { readEvents, type ServerEvent } from '../../src/cli/read-events.js'
import type { AttemptLine, OpsAttemptQueries } from '../../src/storage/ops-attempt-queries.js'
import { openOps } from '../cli/open-ops.js'
import { HELD, RETRYING, woundHub } from '../cli/wounded-hub.js'
import { createTestLog } from '../support/delivery-rig.js'
import { waitFor } from '../support/wait-for.js'
import { NOW } from './open-door.js'

const at = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1_000)

async function openTail(t: Test) {
  const ops = await openOps(t)
  await woundHub(ops.pool)
  const url = await ops.server.listen({ host: '127.0.0.1', port: 0 })
  const authorization = await ops.bearer({ client: 'night-desk', scopes: ['ops/read'], permissions: [] })
  let epoch = 10
  const end = async (endedAt: Date, deliveryId = RETRYING): Promise<number> => {
    epoch += 1
    await ops.pool.query(
      `insert into delivery_attempt (
         delivery_id, epoch, series, attempt, triggered_by, worker, started_at, ended_at, outcome, http_status, message
       )
       values ($1, $2, 1, 1, 'schedule', 'w', $3::timestamptz - interval '1 second', $3, 'refused', 422, 'no such practice')`,
      [deliveryId, epoch, endedAt]
    )
    return epoch
  }
  const open = async (query = '', headers: Record<string, string> = {}) => {
    const stop = new AbortController()
    t.teardown(() => {
      stop.abort()
    })
    const response = await fetch(`${url}/ops/attempts/stream${query}`, {
      headers: { authorization, ...headers },
      signal: stop.signal
    })
    const events: ServerEvent[] = []
    let isOver = false
    const read = async (): Promise<void> => {
      if (response.body === null) return
      for await (const event of readEvents(response.body)) events.push(event)
    }
    void read()
      .catch(() => undefined)
      .finally(() => (isOver = true))
    const epochs = (): number[] =>
      events.flatMap(({ data }) => (data === undefined ? [] : [(JSON.parse(data) as AttemptLine).epoch]))
    return {
      response,
      events,
      epochs,
      isOver: () => isOver,
      cut: () => {
        stop.abort()
      }
    }
  }
  return { ...ops, end, open }
}

t.test(
  'what ends is told to everybody who watches, once, and only of the destination that was asked for',
  async (t) => {
    const { end, open } = await openTail(t)
    const all = await open()
    const some = await open('?destination=nhs-immunisation-api')
    t.equal(all.response.status, 200)
    t.equal(all.response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    t.equal(all.response.headers.get('cache-control'), 'no-store')

    const first = await end(at(1))
    await waitFor(() => all.epochs().includes(first), 'the first to be told')
    const second = await end(at(2), HELD)
    const late = await end(at(-1))
    await waitFor(() => all.epochs().length >= 3, 'the others, one of which was committed late')

    t.same([...all.epochs()].sort(), [first, second, late].sort())
    await waitFor(() => some.epochs().length > 0, 'the one of this destination')
    t.same(some.epochs(), [second])
    t.equal(all.events[0]?.id, at(-5).toISOString(), 'the stream says where it begins')
  }
)

t.test('a stream that broke goes on where it was', async (t) => {
  const { end, open } = await openTail(t)
  const watched = await open()
  const first = await end(at(1))
  await waitFor(() => watched.epochs().includes(first), 'the first to be told')
  watched.cut()
  const missed = [await end(at(60)), await end(at(120))]

  const resumed = await open('', { 'last-event-id': watched.events.at(-1)?.id ?? '' })
  await waitFor(() => missed.every((epoch) => resumed.epochs().includes(epoch)), 'what was missed')
  const next = await end(at(180))
  await waitFor(() => resumed.epochs().includes(next), 'what ends from now on')

  t.same(resumed.epochs(), [first, ...missed, next], 'in order; the one around the break again, which its key tells')
  t.equal((await open('', { 'last-event-id': 'yesterday' })).response.status, 400)
})

t.test('a process serves so many streams, and ends them when it stops', async (t) => {
  const { open, server } = await openTail(t)
  const streams = [await open(), await open(), await open()]
  const refused = await open()
  t.equal(refused.response.status, 503)
  t.equal(refused.response.headers.get('retry-after'), '5')
  streams[0]?.cut()
  const again = await waitFor(async () => {
    const stream = await open()
    return stream.response.status === 200 ? stream : undefined
  }, 'the place of one that went to be free')

  await server.close()

  await waitFor(() => [...streams, again].every(({ isOver }) => isOver()), 'every stream to end')
})

t.test('only who may read operations watches', async (t) => {
  const tail = await openTail(t)
  const { server } = tail
  const stranger = await tail.bearer({ client: 'pharmacy', scopes: ['system/Immunization.cruds'] })
  const asked = (headers: Record<string, string>) => server.inject({ url: '/ops/attempts/stream', headers })
  t.equal((await asked({ authorization: stranger })).statusCode, 403)
  t.equal((await asked({})).statusCode, 401)
})

/** Attempts that are there, without a database; counts who asks. */
function openFeed(t: Test, policy: Partial<FeedPolicy> = {}) {
  const attempts: AttemptLine[] = []
  const asked = { times: 0 }
  const ops: OpsAttemptQueries = {
    listEndedAttempts(after, { limit }) {
      asked.times += 1
      const found = attempts.filter(({ endedAt }) => endedAt > after)
      return Promise.resolve(found.sort((a, b) => a.endedAt.getTime() - b.endedAt.getTime()).slice(0, limit))
    }
  }
  const feed = createAttemptFeed({
    ops,
    now: () => NOW,
    log: createTestLog(),
    policy: { lookEveryMs: 5, quietMs: 10, watchers: 50, behind: 1_000, ...policy }
  })
  t.teardown(() => {
    feed.close()
  })
  const end = (seconds: number): void => {
    attempts.push({
      deliveryId: HELD,
      epoch: attempts.length + 1,
      destination: 'gp-record',
      recordId: HELD,
      version: 1,
      operation: 'create',
      triggeredBy: 'schedule',
      worker: 'w',
      startedAt: at(seconds - 1),
      endedAt: at(seconds),
      outcome: 'delivered',
      status: 201,
      message: null
    })
  }
  const follow = (after?: Date) => {
    const followed = feed.follow(after)
    if (followed === undefined) throw new Error('no place to watch')
    return { ...followed, iterator: followed.attempts[Symbol.asyncIterator]() }
  }
  return { feed, asked, end, follow }
}

t.test('forty watchers cost as many looks as one, and none when nobody watches', async (t) => {
  const { asked, end, follow } = openFeed(t)
  const watchers = Array.from({ length: 40 }, () => Readable.from(follow().attempts))
  const told = watchers.map(() => 0)
  watchers.forEach((watcher, index) => {
    watcher.on('data', (rows: AttemptLine[]) => {
      told[index] = (told[index] ?? 0) + rows.length
    })
  })
  await waitFor(() => asked.times > 40, 'every one to have looked for what it missed')
  const before = asked.times

  for (let seconds = 1; seconds <= 5; seconds++) {
    end(seconds)
    await waitFor(() => told.every((count) => count === seconds), `attempt ${seconds} to be told to all`)
  }

  t.ok(asked.times - before < 200, `${asked.times - before} looks for five attempts and forty watchers`)
  for (const watcher of watchers) watcher.destroy()
  await turn()
  const stopped = await waitFor(async () => {
    const now = asked.times
    for (let rounds = 0; rounds < 1_000; rounds++) await turn()
    return asked.times === now
  }, 'the looks to stop')
  t.ok(stopped)
})

t.test('who does not read is let go', async (t) => {
  const { asked, end, follow } = openFeed(t, { behind: 100 })
  const slow = follow()
  await slow.iterator.next()
  for (let count = 0; count < 101; count++) end(1)
  const before = asked.times
  await waitFor(() => asked.times > before + 2, 'what ended to be handed over')

  t.ok((await slow.iterator.next()).done, 'too far behind')
})

t.test('more that ended in one moment than a page holds is told whole', async (t) => {
  const { end, follow } = openFeed(t, { behind: 5_000 })
  for (let count = 0; count < 1_201; count++) end(1)
  const told: number[] = []

  for await (const rows of follow(at(0)).attempts) {
    told.push(...rows.map(({ epoch }) => epoch))
    if (told.length >= 1_201) break
  }

  t.equal(new Set(told).size, 1_201, 'each of them')
  t.equal(told.length, 1_201, 'once')
})

t.test('a place is given back at once, also by who never read', async (t) => {
  const { feed, follow } = openFeed(t, { watchers: 1, quietMs: 60_000 })
  follow().leave()
  const reader = follow()
  await reader.iterator.next()
  const waiting = reader.iterator.next()
  t.equal(feed.follow(undefined), undefined, 'the place is taken')

  reader.leave()

  t.ok((await waiting).done, 'who waits is woken')
  t.ok(feed.follow(undefined))
})

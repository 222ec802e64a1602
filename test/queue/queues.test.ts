import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import t from 'tap'
import type { Test } from 'tap'
import { migrateQueue } from '../../src/queue/migrate-queue.js'
import type { Queues } from '../../src/queue/queues.js'
import { createQueuePool } from '../../src/storage/queue-pool.js'
import { createTestLog } from '../support/delivery-rig.js'
import { openQueues } from '../support/delivery-queues.js'
import { forEachQueueEngine } from '../support/queue-engine.js'
import { redisLeftOut, startOwnRedis, startRedis, type OwnRedis } from '../support/redis.js'
import { createEmptyDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'

function someIds(count: number): string[] {
  return Array.from({ length: count }, () => randomUUID())
}

t.test('a ring reaches the worker of its destination, and nothing is left of it', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const log = createTestLog()
    const queues = await openQueues(t, engine, ['gp', 'nhs'], log)
    await waitFor(() => queues.isReady(), 'the engine to be ready')
    const heard: Record<string, string[][]> = { gp: [], nhs: [] }
    const listeners = ['gp', 'nhs'].map((name) =>
      queues.onJob(name, 2, (ids) => {
        heard[name]?.push([...ids])
        return Promise.resolve()
      })
    )
    t.teardown(() => Promise.all(listeners.map((listener) => listener.close(1_000))))
    const ids = someIds(120)

    await queues.ring('gp', ids, 50)
    await queues.ring('nhs', ids.slice(0, 1), 50)

    await waitFor(() => heard['gp']?.flat().length === 120 && heard['nhs']?.length === 1, 'all jobs to be heard')
    t.same(
      heard['gp']?.map((job) => job.length).sort((a, b) => a - b),
      [20, 50, 50]
    )
    t.same(heard['gp']?.flat().sort(), [...ids].sort())
    t.same(heard['nhs'], [[ids[0]]])
    t.equal(await queues.oldestWaitingMs('gp'), undefined)
    t.same(log.lines, [])
  })
)

t.test('a job waits for a worker, and its age is known', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const queues = await openQueues(t, engine, ['gp'], createTestLog())
    await waitFor(() => queues.isReady(), 'the engine to be ready')
    t.equal(await queues.oldestWaitingMs('gp'), undefined)

    await queues.ring('gp', someIds(1), 50)

    const age = await queues.oldestWaitingMs('gp')
    t.ok(age !== undefined && age >= 0 && age < 10_000, `age ${String(age)} ms`)
    const other = await openQueues(t, engine, ['gp'], createTestLog())
    let heard = 0
    const listener = other.onJob('gp', 1, () => {
      heard += 1
      return Promise.resolve()
    })
    t.teardown(() => listener.close(1_000))
    await waitFor(() => heard === 1, 'a worker that came later to take it')
  })
)

t.test('a handler that rejects is logged, and the next job goes on', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const log = createTestLog()
    const queues = await openQueues(t, engine, ['gp'], log)
    await waitFor(() => queues.isReady(), 'the engine to be ready')
    const heard: string[] = []
    const listener = queues.onJob('gp', 1, (ids) => {
      heard.push(...ids)
      return heard.length === 1 ? Promise.reject(new Error('the database is away')) : Promise.resolve()
    })
    t.teardown(() => listener.close(1_000))
    const ids = someIds(2)

    await queues.ring('gp', ids, 1)

    await waitFor(() => heard.length === 2, 'both jobs')
    t.match(log.lines, [{ level: 'error', line: 'queue.job_failed', fields: { destination: 'gp', deliveries: 1 } }])
    t.equal(log.lines.length, 1, 'a failed job is not tried again by the queue')
  })
)

t.test('a listener that closes lets its job end, but waits no longer than it is told', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const queues = await openQueues(t, engine, ['gp', 'nhs'], createTestLog())
    await waitFor(() => queues.isReady(), 'the engine to be ready')
    const heard: string[] = []
    let letGo: () => void = () => undefined
    const hanging = new Promise<void>((resolve) => (letGo = resolve))
    const ends = queues.onJob('gp', 1, async () => {
      heard.push('gp')
      await waitFor(() => heard.includes('gp closes'), 'the close to begin')
      heard.push('gp ended')
    })
    const hangs = queues.onJob('nhs', 1, () => {
      heard.push('nhs')
      return hanging
    })
    await Promise.all([queues.ring('gp', someIds(1), 50), queues.ring('nhs', someIds(1), 50)])
    await waitFor(() => heard.includes('gp') && heard.includes('nhs'), 'both jobs to begin')

    heard.push('gp closes')
    const startedAt = performance.now()
    await Promise.all([ends.close(20_000), hangs.close(200)])

    t.ok(heard.includes('gp ended'))
    t.ok(performance.now() - startedAt < 15_000)
    letGo()
  })
)

t.test('any number of processes may bring the tables of the queue up to date at once', async (t) => {
  const { connection } = await createEmptyDatabase(t)
  const pool = createQueuePool(connection, { workers: 6 })
  t.teardown(() => pool.end())

  await Promise.all(Array.from({ length: 20 }, () => migrateQueue(pool)))

  const { rows } = await pool.query<{ jobs: number }>('select count(*)::integer as jobs from job')
  t.same(rows, [{ jobs: 0 }])
})

async function openOwnRedis(t: Test, args: string[] = []): Promise<OwnRedis | undefined> {
  const redis = await startOwnRedis(t, args)
  if (!redis) t.pass(redisLeftOut, { skip: redisLeftOut })
  return redis
}

t.test('Redis holds nothing but ids', async (t) => {
  const server = await startRedis(t)
  if (!server) return t.pass(redisLeftOut, { skip: redisLeftOut })
  const queues = await openQueues(t, { kind: 'redis', url: server.url }, ['gp'], createTestLog())
  await waitFor(() => queues.isReady(), 'Redis')
  const [id] = someIds(1)
  await queues.ring('gp', [id!], 50)

  const redis = new Redis(server.url)
  t.teardown(() => {
    redis.disconnect()
  })
  const keys = (await redis.keys('*dlv*')).sort()

  t.ok(keys.length > 0)
  t.ok(
    keys.every((key) => key.startsWith('{dlv:gp}:gp:')),
    'one slot of a cluster for each destination'
  )
  const job = keys.find((key) => key.includes(':ring-'))
  t.same(JSON.parse((await redis.hget(job!, 'data'))!), { deliveryIds: [id] })
})

t.test('a Redis that may drop jobs is told in words', async (t) => {
  const careless = await openOwnRedis(t, ['--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no'])
  if (!careless) return
  const careful = (await openOwnRedis(t))!
  const checkAt = async (url: string): Promise<string[]> =>
    (await openQueues(t, { kind: 'redis', url }, ['gp'], createTestLog())).check()

  const warnings = await checkAt(careless.url)

  t.match(warnings, [/maxmemory-policy allkeys-lru, expected noeviction.*CONFIG SET/, /appendonly no, expected yes/])
  t.equal(warnings.length, 2)
  t.same(await checkAt(careful.url), [])
})

t.test('while Redis is away a ring fails soon, and works again when it is back', async (t) => {
  const redis = await openOwnRedis(t)
  if (!redis) return
  const log = createTestLog()
  const queues = await openQueues(t, { kind: 'redis', url: redis.url }, ['gp'], log)
  await waitFor(() => queues.isReady(), 'Redis')
  const heard: string[] = []
  const listener = queues.onJob('gp', 1, (ids) => Promise.resolve(void heard.push(...ids)))
  t.teardown(() => listener.close(1_000))
  const [before, during, after] = someIds(3)
  await queues.ring('gp', [before!], 50)
  await waitFor(() => heard.length === 1, 'the first job')

  await redis.kill()
  await waitFor(() => !queues.isReady(), 'the loss to be noticed')
  const startedAt = performance.now()
  await t.rejects(queues.ring('gp', [during!], 50))
  await t.rejects(queues.readEpoch())
  const tookMs = performance.now() - startedAt
  t.match(await queues.check(), [/does not answer/])
  await redis.restart()
  await waitFor(() => queues.isReady(), 'Redis to be back')
  await queues.ring('gp', [after!], 50)

  await waitFor(() => heard.includes(after!), 'the worker to have come back by itself')
  t.notOk(heard.includes(during!))
  t.ok(tookMs < 6_000, `failed within ${Math.round(tookMs)} ms`)
  t.ok(log.lines.some((line) => line.line === 'queue.engine_fault'))
})

t.test('queues may be opened while Redis is not there yet', async (t) => {
  const redis = await openOwnRedis(t)
  if (!redis) return
  await redis.kill()
  const queues: Queues = await openQueues(t, { kind: 'redis', url: redis.url }, ['gp'], createTestLog())
  const heard: string[] = []
  const listener = queues.onJob('gp', 1, (ids) => Promise.resolve(void heard.push(...ids)))
  t.teardown(() => listener.close(1_000))
  await t.rejects(queues.ring('gp', someIds(1), 50))

  await redis.restart()
  await waitFor(() => queues.isReady(), 'Redis')
  const [id] = someIds(1)
  await queues.ring('gp', [id!], 50)

  await waitFor(() => heard.includes(id!), 'the job')
})

t.test('closing does not wait for a Redis that is away', async (t) => {
  const redis = await openOwnRedis(t)
  if (!redis) return
  const queues = await openQueues(t, { kind: 'redis', url: redis.url }, ['gp'], createTestLog())
  await waitFor(() => queues.isReady(), 'Redis')
  let heard = 0
  const listener = queues.onJob('gp', 1, () => {
    heard += 1
    return Promise.resolve()
  })
  await queues.ring('gp', someIds(1), 50)
  await waitFor(() => heard === 1, 'the listener to listen')
  await redis.kill()
  const startedAt = performance.now()

  await listener.close(300)
  await queues.close(300)

  t.ok(performance.now() - startedAt < 5_000)
})

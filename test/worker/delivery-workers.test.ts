import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import t from 'tap'
import type { Test } from 'tap'
import type { Delivery, DeliveryOutcome } from '../../src/delivery/destination.js'
import { openFleet, type Fleet } from '../support/delivery-fleet.js'
import { openQueues } from '../support/delivery-queues.js'
import {
  answerAfter,
  countStates,
  createTestLog,
  DELIVERED,
  DOWN,
  scriptDestination,
  smallPolicy,
  versionsByRecord,
  waitForStates
} from '../support/delivery-rig.js'
import { forEachQueueEngine, type QueueEngine } from '../support/queue-engine.js'
import { redisLeftOut, startOwnRedis } from '../support/redis.js'
import { seedRecord, seedRecords } from '../support/seed-deliveries.js'
import { waitFor } from '../support/wait-for.js'

/** Stumbling is no outage. */
const NEVER_OPENS = { failuresToOpen: 1_000, sample: { leastTries: 1_000, failingShare: 1 } }

/** Fails the first attempt of every second version, in one of three ways. */
function stumble(delivery: Delivery): DeliveryOutcome {
  const isChosen = parseInt(delivery.deliveryId.slice(-1), 16) % 2 === 0
  if (!isChosen || delivery.attempt > 1) return DELIVERED
  const way = parseInt(delivery.deliveryId.slice(0, 1), 16) % 3
  if (way === 0) return DOWN
  if (way === 1) return { kind: 'unavailable', ambiguous: true, message: 'connection reset' }
  return { kind: 'unavailable', ambiguous: false, status: 500, message: 'answered 500' }
}

t.test('two relays and two workers deliver each version once and in order, though every second one stumbles', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const taken: Record<string, { recordId: string; version: number }[]> = { gp: [], nhs: [] }
    const destinations = ['gp', 'nhs'].map((name) =>
      scriptDestination({ name, concurrency: 5 }, async (delivery) => {
        const outcome = stumble(delivery)
        await answerAfter(3)(delivery, new AbortController().signal)
        if (outcome.kind === 'delivered') taken[name]?.push(delivery)
        return outcome
      })
    )
    const fleet = await openFleet(t, engine, destinations, smallPolicy({ breaker: NEVER_OPENS }))
    const records = await seedRecords(fleet.pool, 25, {
      destinations: ['gp', 'nhs'],
      versions: ['create', 'update', 'delete', 'reinstate']
    })

    await Promise.all([fleet.relay(), fleet.relay(), fleet.worker('worker-1'), fleet.worker('worker-2')])
    await waitForStates(fleet.pool, { delivered: 200 }, 60_000)

    for (const name of ['gp', 'nhs']) {
      t.equal(taken[name]?.length, 100, `${name}: each version once`)
      const lanes = [...Map.prototype.values.call(versionsByRecord(taken[name] as never))] as number[][]
      t.equal(lanes.length, 25)
      t.ok(
        lanes.every((versions) => versions.join() === '1,2,3,4'),
        `${name}: in order`
      )
    }
    const { rows } = await fleet.pool.query<{ workers: number }>(
      'select count(distinct worker)::integer as workers from delivery_attempt'
    )
    t.same(rows, [{ workers: 2 }], 'both workers had a share')
    t.equal(records.length, 25)
    t.same(
      fleet.log.lines.filter((line) => line.level === 'error'),
      []
    )
  })
)

t.test('what is refused holds its own lane, and no other', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const refused: string[] = []
    const gp = scriptDestination({}, (delivery) =>
      refused.includes(delivery.recordId) ? { kind: 'refused', status: 400, message: 'answered 400' } : DELIVERED
    )
    const fleet = await openFleet(t, engine, [gp])
    const records = await seedRecords(fleet.pool, 6, { destinations: ['gp'], versions: ['create', 'update'] })
    refused.push(records[0]!.recordId)

    await Promise.all([fleet.relay(), fleet.worker()])

    await waitForStates(fleet.pool, { blocked: 1, delivered: 10, held: 1 })
    t.equal(gp.received.filter((received) => received.recordId === refused[0]).length, 1, 'sent once, not again')
  })
)

t.test('a hundred jobs for the same deliveries send each once', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const gp = scriptDestination({ concurrency: 4 }, answerAfter(5))
    const fleet = await openFleet(t, engine, [gp])
    const records = await seedRecords(fleet.pool, 5, { destinations: ['gp'] })
    const queues = await openQueues(t, engine, ['gp'], createTestLog())
    await waitFor(() => queues.isReady(), 'the queue')
    const ids = records.flatMap((record) => record.deliveryIds)
    for (let job = 0; job < 100; job++) await queues.ring('gp', ids, 50)

    await Promise.all([fleet.worker('worker-1'), fleet.worker('worker-2')])

    await waitForStates(fleet.pool, { delivered: 5 })
    await waitFor(async () => (await queues.oldestWaitingMs('gp')) === undefined, 'all jobs to be taken')
    t.equal(gp.received.length, 5)
  })
)

t.test('what a killed worker was sending is verified and delivered by another when the lease is over', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const gp = scriptDestination({}, () => DELIVERED)
    const fleet = await openFleet(t, engine, [gp])
    const { deliveryIds } = await seedRecord(fleet.pool, { destinations: ['gp'], versions: ['create', 'update'] })
    await fleet.relay()
    const doomed = spawnDoomedWorker(t, engine, fleet)
    await waitFor(() => doomed.output().includes(deliveryIds[0]!), 'the worker to be sending', { withinMs: 30_000 })
    doomed.kill()

    await fleet.worker('alive')
    await waitForStates(fleet.pool, { delivered: 2 })

    t.match(gp.received, [
      { version: 1, outcomeUnknown: true },
      { version: 2, outcomeUnknown: false }
    ])
    const { rows } = await fleet.pool.query(
      'select worker, outcome from delivery_attempt where delivery_id = $1 order by epoch',
      [deliveryIds[0]]
    )
    t.same(rows, [
      { worker: 'doomed', outcome: null },
      { worker: 'alive', outcome: 'delivered' }
    ])
  })
)

/** A worker in a process of its own, whose destination says what it was given and never answers. */
function spawnDoomedWorker(t: Test, engine: QueueEngine, fleet: Fleet): { output: () => string; kill: () => void } {
  const script = fileURLToPath(new URL('../support/doomed-worker.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    ['--import=tsx', script, JSON.stringify({ engine, ledger: fleet.connection })],
    {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'inherit']
    }
  )
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  t.teardown(kill)
  return { output: () => output, kill }
}

t.test('an outage ends by itself: probes find out, and everything is delivered', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    let isUp = false
    const gp = scriptDestination({ concurrency: 3 }, () => (isUp ? DELIVERED : DOWN))
    const nhs = scriptDestination({ name: 'nhs' }, () => DELIVERED)
    const fleet = await openFleet(t, engine, [gp, nhs])
    await seedRecords(fleet.pool, 20, { destinations: ['gp', 'nhs'] })
    await Promise.all([fleet.relay(), fleet.worker()])
    await waitFor(() => nhs.received.length === 20, 'the healthy destination to have everything')
    await waitFor(() => fleet.log.lines.some((line) => line.line === 'destination.probe_failed'), 'a probe to fail')

    isUp = true
    await waitForStates(fleet.pool, { delivered: 40 })

    const tries = await fleet.pool.query<{ most: number }>(`select max(tries) as most from delivery`)
    t.ok(tries.rows[0]!.most <= 6, 'an outage uses up no tries')
  })
)

t.test('a worker that stops leaves nothing stuck: what waits for its retry is delivered by the next one', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    let isUp = false
    const gp = scriptDestination({ concurrency: 2, timeoutMs: 30_000 }, (_delivery, signal) =>
      isUp
        ? DELIVERED
        : new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              resolve({ kind: 'unavailable', ambiguous: true, message: 'cut off' })
            })
          })
    )
    const fleet = await openFleet(t, engine, [gp])
    await seedRecords(fleet.pool, 6, { destinations: ['gp'] })
    await fleet.relay()
    const first = await fleet.worker('worker-1')
    await waitFor(() => gp.received.length === 2, 'two to be under way')

    const startedAt = performance.now()
    await first.stop(800)
    const tookMs = performance.now() - startedAt

    const left = await countStates(fleet.pool)
    t.notOk(left['in_flight'], 'nothing stays claimed')
    t.ok(tookMs < 5_000, `stopped within ${Math.round(tookMs)} ms`)
    isUp = true
    await fleet.worker('worker-2')
    await waitForStates(fleet.pool, { delivered: 6 })
    const { rows } = await fleet.pool.query<{ crashes: number }>('select max(crash_count) as crashes from delivery')
    t.same(rows, [{ crashes: 0 }], 'a stop is no crash')
  })
)

t.test('jobs that vanish from the queue are missed, and rung for again', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const gp = scriptDestination({}, () => DELIVERED)
    const fleet = await openFleet(t, engine, [gp], smallPolicy({ relay: { lostQueuedMs: 300 } }))
    await seedRecords(fleet.pool, 5, { destinations: ['gp'] })
    // Marked, and the job never came: as when a relay is killed between the two.
    await fleet.database.stores.deliveries.ring(['gp'], 400)

    await Promise.all([fleet.relay(), fleet.worker()])

    await waitForStates(fleet.pool, { delivered: 5 })
  })
)

t.test('a Redis that is wiped loses nothing', async (t) => {
  const redis = await startOwnRedis(t)
  if (!redis) return t.pass(redisLeftOut, { skip: redisLeftOut })
  const gp = scriptDestination({ concurrency: 2 }, answerAfter(5))
  const fleet = await openFleet(t, { kind: 'redis', url: redis.url }, [gp])
  await seedRecords(fleet.pool, 40, { destinations: ['gp'], versions: ['create', 'update'] })
  await fleet.relay()
  await waitFor(() => fleet.log.lines.some((line) => line.line === 'queue.first_used'), 'the queue to be marked')
  await waitForStates(fleet.pool, { blocked: 40, queued: 40 })
  const admin = new Redis(redis.url)
  t.teardown(() => {
    admin.disconnect()
  })

  await admin.flushall()
  await fleet.worker()
  await waitFor(() => gp.received.length > 20, 'half of them')
  await admin.flushall()

  await waitForStates(fleet.pool, { delivered: 80 })
  t.equal(gp.received.length, 80)
  t.ok([...versionsByRecord(gp.received).values()].every((versions) => versions.join() === '1,2'))
  await waitFor(
    () => fleet.log.lines.filter((line) => line.line === 'queue.lost').length === 2,
    'both losses to be noticed'
  )
})

t.test('while Redis is away records wait in the ledger, and are delivered when it is back', async (t) => {
  const redis = await startOwnRedis(t)
  if (!redis) return t.pass(redisLeftOut, { skip: redisLeftOut })
  const gp = scriptDestination({ concurrency: 2 }, answerAfter(2))
  const fleet = await openFleet(t, { kind: 'redis', url: redis.url }, [gp])
  await Promise.all([fleet.relay(), fleet.worker('worker-1'), fleet.worker('worker-2')])
  await seedRecords(fleet.pool, 5, { destinations: ['gp'] })
  await waitForStates(fleet.pool, { delivered: 5 })

  await redis.kill()
  await seedRecords(fleet.pool, 20, { destinations: ['gp'], versions: ['create', 'update'] })
  await waitForStates(fleet.pool, { blocked: 20, delivered: 5, ready: 20 })
  await redis.restart()

  await waitForStates(fleet.pool, { delivered: 45 })
  t.ok([...versionsByRecord(gp.received).values()].every((versions) => /^1(,2)?$/.test(versions.join())))
})

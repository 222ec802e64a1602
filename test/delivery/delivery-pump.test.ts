import t from 'tap'
import type { Test } from 'tap'
import { createDeliveryPump, type DeliveryPump } from '../../src/delivery/delivery-pump.js'
import type { Destination } from '../../src/delivery/destination.js'
import type { DeliveryPolicy } from '../../src/delivery/policy.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import type { Pool } from '../../src/storage/pool.js'
import {
  answerAfter,
  countStates,
  createTestLog,
  DELIVERED,
  DOWN,
  openedFor,
  scriptDestination,
  smallPolicy,
  waitForStates
} from '../support/delivery-rig.js'
import { seedRecord, seedRecords, type SeededRecord } from '../support/seed-deliveries.js'
import { createTestDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'

interface Rig {
  pool: Pool
  database: Database
  log: ReturnType<typeof createTestLog>
  pump: (destination: Destination, policy?: DeliveryPolicy, worker?: string) => DeliveryPump
}

async function open(t: Test): Promise<Rig> {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  const log = createTestLog()
  const pump: Rig['pump'] = (destination, policy = smallPolicy(), worker = 'worker-1') =>
    createDeliveryPump({ database, destination, policy, worker, log, random: () => 0.5 })
  return { pool, database, log, pump }
}

function idsOf(records: readonly SeededRecord[]): string[] {
  return records.flatMap((record) => record.deliveryIds)
}

async function rowsOf(pool: Pool): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<Record<string, unknown>>('select * from delivery order by record_id, lane_seq')
  return rows
}

t.test('a chunk is sent side by side, never more at once than the destination takes', async (t) => {
  const { pool, pump, log } = await open(t)
  const records = await seedRecords(pool, 30, { destinations: ['gp'] })
  const gp = scriptDestination(
    { concurrency: 4 },
    answerAfter(5, { kind: 'delivered', remote: { id: 'r', version: '1' } })
  )

  await pump(gp).deliver(idsOf(records))

  t.same(await countStates(pool), { delivered: 30 })
  t.equal(gp.received.length, 30)
  t.equal(gp.busiest(), 4)
  const { rows } = await pool.query(
    `select count(*)::integer as attempts, count(ended_at)::integer as ended, min(outcome) as outcome
       from delivery_attempt`
  )
  t.same(rows, [{ attempts: 30, ended: 30, outcome: 'delivered' }])
  t.equal(log.lines.filter((line) => line.line === 'delivery.attempted').length, 30)
  const remote = await pool.query('select distinct remote_id, remote_version, delivered_version from remote_record')
  t.same(remote.rows, [{ remote_id: 'r', remote_version: '1', delivered_version: 1 }])
})

t.test('where answers are quick, more are claimed together than are sent at once', async (t) => {
  const { pool, database, log } = await open(t)
  const records = await seedRecords(pool, 120, { destinations: ['gp'] })
  const gp = scriptDestination({ concurrency: 4, timeoutMs: 100 }, answerAfter(1))
  const claimed: number[] = []
  const deliveries = {
    ...database.stores.deliveries,
    claim: async (...request: Parameters<typeof database.stores.deliveries.claim>) => {
      const taken = await database.stores.deliveries.claim(...request)
      claimed.push(taken.length)
      return taken
    }
  }
  const running = createDeliveryPump({
    database: { ...database, stores: { ...database.stores, deliveries } },
    destination: gp,
    policy: smallPolicy(),
    worker: 'worker-1',
    log,
    random: () => 0.5
  })

  await running.deliver(idsOf(records))

  t.same(await countStates(pool), { delivered: 120 })
  t.equal(gp.busiest(), 4)
  t.ok(Math.max(...claimed) > 4, `claimed ${claimed.join(', ')}`)
})

t.test('what was claimed ahead goes back untried when the destination fails', async (t) => {
  const { pool, pump } = await open(t)
  const records = await seedRecords(pool, 120, { destinations: ['gp'] })
  let fail: () => void = () => undefined
  const failing = new Promise<void>((resolve) => (fail = resolve))
  const gp = scriptDestination({ concurrency: 4, timeoutMs: 5_000 }, async () => {
    if (gp.received.length <= 80) return DELIVERED
    await failing
    return DOWN
  })
  const job = pump(gp).deliver(idsOf(records))
  // Four are under way, twelve wait behind them.
  await waitForStates(pool, { delivered: 80, in_flight: 16, ready: 24 })

  fail()
  await job

  const { rows } = await pool.query(
    `select last_class, tries, count(*)::integer as count
       from delivery
      where last_class = 'stopped'
      group by last_class, tries`
  )
  t.same(rows, [{ last_class: 'stopped', tries: 0, count: 12 }])
})

t.test('single ids that come one by one are sent side by side too', async (t) => {
  const { pool, pump } = await open(t)
  const records = await seedRecords(pool, 12, { destinations: ['gp'] })
  const gp = scriptDestination({ concurrency: 6 }, answerAfter(20))
  const running = pump(gp)

  await Promise.all(idsOf(records).map((id) => running.deliver([id])))

  t.same(await countStates(pool), { delivered: 12 })
  t.ok(gp.busiest() > 2, `${gp.busiest()} at once`)
})

t.test('an id that is named a hundred times is sent once, and each job ends', async (t) => {
  const { pool, pump } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  const gp = scriptDestination({}, answerAfter(20))
  const [one, two] = [pump(gp), pump(gp, smallPolicy(), 'worker-2')]

  await Promise.all(Array.from({ length: 100 }, (_value, place) => (place % 2 ? one : two).deliver(deliveryIds)))

  t.equal(gp.received.length, 1)
  t.same(await countStates(pool), { delivered: 1 })
})

t.test('an adapter that throws holds its own delivery, tells where, and leaves the others unharmed', async (t) => {
  const { pool, pump, log } = await open(t)
  const records = await seedRecords(pool, 5, { destinations: ['gp'] })
  const bad = records[2]
  const gp = scriptDestination({}, (delivery) => {
    if (delivery.recordId === bad?.recordId) throw new TypeError('9990000018 is no date')
    return DELIVERED
  })

  await pump(gp).deliver(idsOf(records))

  t.same(await countStates(pool), { delivered: 4, held: 1 })
  const held = (await rowsOf(pool)).find((row) => row['state'] === 'held')
  t.match(held, { last_class: 'fault', last_message: /TypeError at delivery-pump\.test\.ts:\d+/ })
  t.notMatch(JSON.stringify(held) + JSON.stringify(log.lines), /9990000018/, 'what it said may name a patient')
  t.match(
    log.lines.filter((line) => line.level === 'error'),
    [{ fields: { outcome: 'fault', state: 'held' } }]
  )
})

t.test('an adapter that hangs is cut off, and what it did is verified before it is sent again', async (t) => {
  const { pool, pump } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  const heeding = scriptDestination(
    { timeoutMs: 30 },
    (_delivery, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('cut off'))
        })
      })
  )
  const deaf = scriptDestination({ timeoutMs: 30 }, () => new Promise(() => undefined))
  const answering = scriptDestination({}, () => DELIVERED)

  await pump(heeding).deliver(deliveryIds)
  t.match(await rowsOf(pool), [{ state: 'verify', outcome_unknown: true, last_class: 'unavailable', tries: 1 }])
  await pool.query('update delivery set due_at = now()')
  await pump(deaf).deliver(deliveryIds)
  t.match(await rowsOf(pool), [{ state: 'verify', last_message: 'no answer within 30 ms', tries: 2 }])
  await pool.query('update delivery set due_at = now()')
  await pump(answering).deliver(deliveryIds)

  t.match(answering.received, [{ attempt: 3, outcomeUnknown: true }])
  t.match(await rowsOf(pool), [{ state: 'delivered', outcome_unknown: false }])
})

t.test(
  'an outage opens the breaker: tries stop counting, one probe at a time, and its success lets all go',
  async (t) => {
    const { pool, database, pump, log } = await open(t)
    const records = await seedRecords(pool, 12, { destinations: ['gp'] })
    let isUp = false
    const gp = scriptDestination({ concurrency: 3 }, () => (isUp ? DELIVERED : DOWN))
    const policy = smallPolicy({ retry: { firstMs: 1, longestMs: 1 } })
    const running = pump(gp, policy)

    await running.deliver(idsOf(records))

    const sent = gp.received.length
    t.ok(sent >= 5 && sent <= 7, `${sent} sent before it opened`)
    t.match(await database.stores.destinations.readDoor('gp'), { breakerOpen: true, breakerWaits: 1 })
    t.same(await countStates(pool), { ready: 12 }, 'what was not sent went back')
    const triesBefore = (await rowsOf(pool)).reduce((total, row) => total + Number(row['tries']), 0)

    await waitFor(
      async () => (await database.stores.destinations.readDoor('gp')).closedForMs === 0,
      'the wait to be over'
    )
    await running.deliver(idsOf(records))
    t.equal(gp.received.length, sent + 1, 'one probe')
    t.match(await database.stores.destinations.readDoor('gp'), { breakerOpen: true, breakerWaits: 2 })

    isUp = true
    await waitFor(async () => (await database.stores.destinations.readDoor('gp')).closedForMs === 0, 'the second wait')
    await running.deliver(idsOf(records))
    t.equal(gp.received.length, sent + 2, 'a probe again')
    await running.deliver(idsOf(records))

    t.same(await countStates(pool), { delivered: 12 })
    const tries = (await rowsOf(pool)).reduce((total, row) => total + Number(row['tries']), 0)
    t.ok(tries - triesBefore <= 12, 'the probe that failed was not counted')
    const { rows } = await pool.query(
      `select count(*)::integer as probes from delivery_attempt where triggered_by = 'probe'`
    )
    t.same(rows, [{ probes: 2 }])
    t.same(
      log.lines.filter((line) => line.line.startsWith('destination.')).map((line) => line.line),
      ['destination.breaker_opened', 'destination.probe_failed', 'destination.breaker_closed']
    )
  }
)

t.test('of many workers one sends the probe', async (t) => {
  const { pool, database, pump } = await open(t)
  const records = await seedRecords(pool, 10, { destinations: ['gp'] })
  const gp = scriptDestination({}, answerAfter(50, DOWN))
  await database.stores.destinations.recordHealth('gp', openedFor(0))

  const pumps = [1, 2, 3, 4].map((worker) => pump(gp, smallPolicy(), `worker-${worker}`))
  await Promise.all(pumps.map((running) => running.deliver(idsOf(records))))

  t.equal(gp.received.length, 1)
})

t.test('a receiver that asks for a rest gets it, for the whole destination, and no try is counted', async (t) => {
  const { pool, database, pump } = await open(t)
  const records = await seedRecords(pool, 8, { destinations: ['gp'] })
  const gp = scriptDestination({ concurrency: 2 }, () => ({
    kind: 'limited',
    status: 429,
    retryAfterMs: 700,
    message: 'answered 429'
  }))

  await pump(gp).deliver(idsOf(records))

  t.ok(gp.received.length <= 4, `${gp.received.length} sent`)
  const door = await database.stores.destinations.readDoor('gp')
  t.ok(!door.breakerOpen && door.closedForMs > 100 && door.closedForMs <= 700, `closed for ${door.closedForMs} ms`)
  t.same(await countStates(pool), { ready: 8 })
  t.ok((await rowsOf(pool)).every((row) => row['tries'] === 0))
})

t.test('credentials that are refused stop the destination at once', async (t) => {
  const { pool, database, pump, log } = await open(t)
  const records = await seedRecords(pool, 6, { destinations: ['gp'] })
  const gp = scriptDestination({ concurrency: 1 }, () => ({
    kind: 'credentials',
    status: 401,
    message: 'answered 401'
  }))

  await pump(gp).deliver(idsOf(records))

  t.equal(gp.received.length, 1)
  t.equal((await database.stores.destinations.readDoor('gp')).breakerOpen, true)
  t.match(await pool.query('select resume_reason from destination'), { rows: [{ resume_reason: 'credentials' }] })
  t.ok(log.lines.some((line) => line.level === 'error' && line.line === 'destination.breaker_opened'))
})

t.test('a rate holds for the fleet: two workers together send no faster than one may', async (t) => {
  const { pool, pump } = await open(t)
  const records = await seedRecords(pool, 60, { destinations: ['gp'] })
  const gp = scriptDestination({ concurrency: 10, ratePerSecond: 40 }, answerAfter(5))
  const [one, two] = [pump(gp), pump(gp, smallPolicy(), 'worker-2')]

  const ids = idsOf(records)
  await Promise.all([one.deliver(ids.slice(0, 30)), two.deliver(ids.slice(30))])

  t.same(await countStates(pool), { delivered: 60 })
  const times = gp.received.map((received) => received.at).sort((a, b) => a - b)
  const spanMs = times.at(-1)! - times[0]!
  t.ok(spanMs >= 59 * 25 * 0.9, `60 at 40 a second took ${Math.round(spanMs)} ms`)
  const { rows } = await pool.query('select worker, count(*)::integer from delivery_attempt group by worker')
  t.equal(rows.length, 2, 'both workers had a share')
})

t.test('a worker that stops finishes what it sends and gives back the rest', async (t) => {
  const { pool, database, pump } = await open(t)
  const records = await seedRecords(pool, 10, { destinations: ['gp'] })
  await database.stores.deliveries.ring(['gp'], 400)
  const gp = scriptDestination({ concurrency: 2 }, answerAfter(50))
  const running = pump(gp)
  const job = running.deliver(idsOf(records))
  await waitFor(() => gp.received.length === 2, 'two to be under way')

  await running.drain()
  await job
  await running.deliver(idsOf(records))

  t.equal(gp.received.length, 2)
  t.same(await countStates(pool), { delivered: 2, ready: 8 })
})

t.test('a worker that must stop now cuts off what it sends, and nobody is blamed for it', async (t) => {
  const { pool, database, pump } = await open(t)
  const records = await seedRecords(pool, 3, { destinations: ['gp'] })
  const gp = scriptDestination(
    { concurrency: 1, ratePerSecond: 1000 },
    (_delivery, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          resolve({ kind: 'unavailable', ambiguous: true, message: 'cut off' })
        })
      })
  )
  await database.stores.deliveries.ring(['gp'], 400)
  const running = pump(gp)
  const job = running.deliver(idsOf(records))
  await waitFor(() => gp.received.length === 1, 'one to be under way')

  running.abort()
  await Promise.all([running.drain(), job])

  t.same(await countStates(pool), { ready: 2, verify: 1 })
  const stopped = (await rowsOf(pool)).find((row) => row['state'] === 'verify')
  t.match(stopped, { last_class: 'stopped', tries: 0, lease_until: null })
  t.match(await database.stores.destinations.readDoor('gp'), { consecutiveFailures: 0 })
})

t.test('a worker that was thought dead and ends after all changes nothing', async (t) => {
  const { pool, database, pump, log } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  let answer: () => void = () => undefined
  const slow = scriptDestination(
    { timeoutMs: 30_000 },
    () =>
      new Promise(
        (resolve) =>
          (answer = () => {
            resolve(DELIVERED)
          })
      )
  )
  const quick = scriptDestination({}, () => ({ kind: 'refused', status: 400, message: 'answered 400' }))
  const job = pump(slow).deliver(deliveryIds)
  await waitFor(() => slow.received.length === 1, 'the first worker to send')
  await pool.query(`update delivery set lease_until = now() - interval '1 second'`)
  await database.stores.deliveries.sweepLeases(3, 10)
  await pump(quick, smallPolicy(), 'worker-2').deliver(deliveryIds)

  answer()
  await job

  t.match(await rowsOf(pool), [{ state: 'held', last_class: 'refused', epoch: 2 }])
  t.match(quick.received, [{ outcomeUnknown: true }])
  t.ok(log.lines.some((line) => line.level === 'warn' && line.fields['state'] === 'fenced'))
})

t.test(
  'a worker that was frozen after its claim sends nothing: a later version may have been delivered since',
  async (t) => {
    const { pool, database, log, pump } = await open(t)
    const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'], versions: ['create', 'update'] })
    let thaw: () => void = () => undefined
    const frozen = new Promise<void>((resolve) => (thaw = resolve))
    const deliveries = {
      ...database.stores.deliveries,
      claim: async (...request: Parameters<typeof database.stores.deliveries.claim>) => {
        const claimed = await database.stores.deliveries.claim(...request)
        await frozen
        return claimed
      }
    }
    const late = scriptDestination({ timeoutMs: 40 }, () => DELIVERED)
    const quick = scriptDestination({}, () => DELIVERED)
    const job = createDeliveryPump({
      database: { ...database, stores: { ...database.stores, deliveries } },
      destination: late,
      policy: smallPolicy({ attempt: { leaseMarginMs: 50, abortGraceMs: 10 } }),
      worker: 'frozen',
      log,
      random: () => 0.5
    }).deliver(deliveryIds.slice(0, 1))
    await waitFor(
      async () => (await database.stores.deliveries.sweepLeases(3, 10)).length === 1,
      'the lease to run out'
    )
    for (const deliveryId of deliveryIds) await pump(quick, smallPolicy(), 'worker-2').deliver([deliveryId])

    thaw()
    await job

    t.same(
      quick.received.map(({ version }) => version),
      [1, 2]
    )
    t.same(late.received, [])
    t.same(await countStates(pool), { delivered: 2 })
  }
)

t.test('a job ends with an error when the database stays away, and nothing is lost', async (t) => {
  const { pool, database, log } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  let isAway = true
  const deliveries = {
    ...database.stores.deliveries,
    claim: (...request: Parameters<typeof database.stores.deliveries.claim>) =>
      isAway ? Promise.reject(new Error('connection refused')) : database.stores.deliveries.claim(...request)
  }
  const gp = scriptDestination({}, () => DELIVERED)
  const running = createDeliveryPump({
    database: { ...database, stores: { ...database.stores, deliveries } },
    destination: gp,
    policy: smallPolicy({ attempt: { databaseRetryMs: 1, databaseTries: 3 } }),
    worker: 'worker-1',
    log,
    random: () => 0.5
  })

  await t.rejects(running.deliver(deliveryIds), /connection refused/)
  isAway = false
  await running.deliver(deliveryIds)

  t.same(await countStates(pool), { delivered: 1 })
  t.equal(log.lines.filter((line) => line.line === 'delivery.database_fault').length, 2)
})

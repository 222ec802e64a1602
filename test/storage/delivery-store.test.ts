import t from 'tap'
import type { Test } from 'tap'
import { createDatabase, type Database } from '../../src/storage/database.js'
import type { Delivery } from '../../src/storage/delivery.js'
import type { AttemptEnd } from '../../src/storage/delivery-endings.js'
import type { Pool } from '../../src/storage/pool.js'
import { closedAgain, countStates, openedFor } from '../support/delivery-rig.js'
import { seedRecord, seedRecords } from '../support/seed-deliveries.js'
import { createTestDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'

const MAX_AGE_MS = 14 * 86_400_000

async function open(t: Test): Promise<{ pool: Pool; database: Database }> {
  const { pool } = await createTestDatabase(t)
  return { pool, database: createDatabase(pool) }
}

function claim(database: Database, deliveryIds: string[], leaseMs = 60_000): Promise<Delivery[]> {
  return database.stores.deliveries.claim({ destination: 'gp', deliveryIds, worker: 'worker-1', leaseMs })
}

function endOf(delivery: Delivery, changes: Partial<AttemptEnd> = {}): AttemptEnd {
  const { deliveryId, recordId, epoch } = delivery
  const base = { deliveryId, recordId, epoch, dueInMs: 0, counts: true }
  return { ...base, next: 'delivered', class: 'delivered', outcome: 'known', ...changes }
}

const RETRY = { next: 'retry', class: 'unavailable', outcome: 'as-before', dueInMs: 60_000 } as const

async function rowOf(pool: Pool, deliveryId: string | undefined): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<Record<string, unknown>>('select * from delivery where delivery_id = $1', [
    deliveryId
  ])
  return rows[0]!
}

t.test('rings for what is due, the longest due first, up to the window', async (t) => {
  const { pool, database } = await open(t)
  const records = await seedRecords(pool, 5, { destinations: ['gp'] })
  const ids = records.flatMap((record) => record.deliveryIds)
  await pool.query(`update delivery set due_at = now() + interval '1 hour' where delivery_id = $1`, [ids[0]])
  await pool.query(`update delivery set due_at = now() - interval '1 hour' where delivery_id = $1`, [ids[4]])

  const first = await database.stores.deliveries.ring(['gp'], 3)
  const second = await database.stores.deliveries.ring(['gp'], 3)
  const third = await database.stores.deliveries.ring(['gp'], 4)

  t.equal(first.length, 3)
  t.equal(first[0]?.deliveryId, ids[4])
  t.same(second, [], 'the window is full')
  t.equal(third.length, 1)
  t.same(await countStates(pool), { queued: 4, ready: 1 })
  t.equal((await rowOf(pool, ids[0])).state, 'ready', 'not due yet')
})

t.test('two relays in the same moment never ring for the same delivery', async (t) => {
  const { pool, database } = await open(t)
  await seedRecords(pool, 40, { destinations: ['gp', 'nhs'] })

  const rings = await Promise.all([1, 2, 3, 4].map(() => database.stores.deliveries.ring(['gp', 'nhs'], 400)))

  const ids = rings.flat().map((rung) => rung.deliveryId)
  t.equal(new Set(ids).size, ids.length)
  t.same(await countStates(pool), { queued: 80 })
})

t.test('nothing is rung or claimed for a destination that is paused, rests, or has its breaker open', async (t) => {
  const { pool, database } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  const { deliveries, destinations } = database.stores
  const openings: [string, () => Promise<void>][] = [
    ['paused', () => destinations.setPaused('gp', true)],
    ['resting', () => destinations.closeFor('gp', 60_000)],
    ['open', () => destinations.recordHealth('gp', openedFor(60_000))]
  ]
  for (const [name, close] of openings) {
    await close()

    t.same(await deliveries.ring(['gp'], 400), [], name)
    t.same(await deliveries.ringProbes(['gp']), [], name)
    t.same(await claim(database, deliveryIds), [], name)
    await destinations.setPaused('gp', false)
  }
  t.equal((await claim(database, deliveryIds)).length, 1, 'resumed by a person: at once')
})

t.test(
  'a rest that the receiver asked for outlasts a shorter wait of the breaker, and the breaker itself',
  async (t) => {
    const { pool, database } = await open(t)
    await seedRecord(pool, { destinations: ['gp'] })
    const { destinations } = database.stores

    await destinations.closeFor('gp', 60_000)
    await destinations.closeFor('gp', 1_000)
    const rest = (await destinations.readDoor('gp')).closedForMs
    await destinations.recordHealth('gp', closedAgain())
    const kept = (await destinations.readDoor('gp')).closedForMs
    await destinations.recordHealth('gp', openedFor(5_000))
    const opened = (await destinations.readDoor('gp')).closedForMs
    await destinations.recordHealth('gp', closedAgain())

    for (const closedForMs of [rest, kept, opened]) t.ok(closedForMs > 30_000, `closed for ${closedForMs} ms`)
    t.match(await destinations.readDoor('gp'), { closedForMs: 0, breakerOpen: false }, 'closed by an answer')
  }
)

t.test('a probe takes the delivery that was tried least, so that one bad record keeps no breaker open', async (t) => {
  const { pool, database } = await open(t)
  const [bad, fresh] = await seedRecords(pool, 2, { destinations: ['gp'] })
  await pool.query(`update delivery set tries = 7, due_at = now() - interval '1 hour' where delivery_id = $1`, [
    bad?.deliveryIds[0]
  ])
  await database.stores.destinations.recordHealth('gp', openedFor(0))

  const probes = await database.stores.deliveries.ringProbes(['gp'])
  const more = await database.stores.deliveries.ringProbes(['gp'])

  t.same(probes, [{ destination: 'gp', deliveryId: fresh?.deliveryIds[0] }])
  t.same(more, [], 'one at a time')
})

t.test(
  'what waits for a destination that has come back goes by ones, twos and fours, what is under way counted',
  async (t) => {
    const { pool, database } = await open(t)
    await seedRecords(pool, 12, { destinations: ['gp'] })
    const { deliveries, destinations } = database.stores
    await destinations.recordHealth('gp', closedAgain(2))

    const two = await deliveries.ring(['gp'], 400)
    await claim(database, [two[0]!.deliveryId])
    const meanwhile = await deliveries.ring(['gp'], 400)
    await destinations.recordHealth('gp', closedAgain(4))
    const twoMore = await deliveries.ring(['gp'], 400)
    await destinations.recordHealth('gp', closedAgain())
    const rest = await deliveries.ring(['gp'], 400)

    t.same(
      [two, meanwhile, twoMore, rest].map((rung) => rung.length),
      [2, 0, 2, 8]
    )
  }
)

t.test('failures between answers are remembered for a minute', async (t) => {
  const { pool, database } = await open(t)
  await seedRecord(pool, { destinations: ['gp'] })
  const { destinations } = database.stores
  const remember = (tries: number): Promise<void> =>
    destinations.recordHealth('gp', { ...closedAgain(), sample: { tries, unavailable: 1 } })
  const seen = async (): Promise<unknown> => (await destinations.readDoor('gp')).sample

  await remember(1)
  await pool.query(`update destination set sample_since = sample_since - interval '59 seconds'`)
  await remember(2)
  t.same(await seen(), { tries: 2, unavailable: 1 }, 'the moment it began is kept')
  await pool.query(`update destination set sample_since = sample_since - interval '1 second'`)
  t.same(await seen(), { tries: 0, unavailable: 0 })
  await remember(1)
  t.same(await seen(), { tries: 1, unavailable: 1 }, 'a new one begins')
})

t.test('a claim hands out everything the adapter needs, and leaves an open attempt', async (t) => {
  const { pool, database } = await open(t)
  const { recordId, deliveryIds } = await seedRecord(pool, {
    destinations: ['gp'],
    versions: ['create', 'update', 'delete']
  })
  const [first] = await claim(database, deliveryIds)
  const remote = { id: 'remote-7', version: '3' }
  await database.transaction((stores) => stores.deliveries.finish([endOf(first!, { remote })], MAX_AGE_MS))
  const [second] = await claim(database, deliveryIds)
  await database.transaction((stores) => stores.deliveries.finish([endOf(second!)], MAX_AGE_MS))

  const [deletion, ...others] = await claim(database, deliveryIds)

  t.match(first, { version: 1, operation: 'create', vaccineType: 'FLU', supplier: 'supplier-a', attempt: 1, epoch: 1 })
  t.notOk(first!.remote)
  t.match(first!.body, '"version":1')
  t.match(deletion, { recordId, version: 3, operation: 'delete', remote, outcomeUnknown: false })
  t.match(deletion!.body, '"version":2', 'the last version that had a body')
  t.same(others, [])
  const { rows } = await pool.query(
    'select attempt, triggered_by, worker, ended_at, outcome from delivery_attempt where delivery_id = $1',
    [deletion!.deliveryId]
  )
  t.same(rows, [{ attempt: 1, triggered_by: 'schedule', worker: 'worker-1', ended_at: null, outcome: null }])
})

t.test('a hundred claims of the same delivery give it to one worker', async (t) => {
  const { pool, database } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })

  const claims = await Promise.all(Array.from({ length: 100 }, () => claim(database, deliveryIds)))

  t.equal(claims.flat().length, 1)
  const { rows } = await pool.query('select count(*)::integer as attempts from delivery_attempt')
  t.same(rows, [{ attempts: 1 }])
})

t.test('a finish with an older epoch changes nothing and is reported', async (t) => {
  const { pool, database } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'], versions: ['create', 'update'] })
  const [stale] = await claim(database, deliveryIds, 1)
  await waitFor(async () => (await database.stores.deliveries.sweepLeases(3, 10)).length > 0, 'the lease to be over')
  const [current] = await claim(database, deliveryIds)

  const late = await database.transaction((stores) => stores.deliveries.finish([endOf(stale!)], MAX_AGE_MS))

  t.same(late, { finished: [], fenced: [stale!.deliveryId], promoted: 0 })
  t.same(await countStates(pool), { blocked: 1, in_flight: 1 })
  const timely = await database.transaction((stores) => stores.deliveries.finish([endOf(current!)], MAX_AGE_MS))
  t.match(timely, { fenced: [], promoted: 1 })
  t.equal(current!.epoch, stale!.epoch + 1)
  t.ok(current!.outcomeUnknown, 'the dead worker may have sent it')
})

t.test(
  'a retry waits, an unknown outcome is verified, a hold keeps the lane, a success lets the next one go',
  async (t) => {
    const { pool, database } = await open(t)
    const records = await seedRecords(pool, 4, { destinations: ['gp'], versions: ['create', 'update'] })
    const claimed = await claim(
      database,
      records.flatMap((record) => record.deliveryIds)
    )
    const byRecord = (place: number): Delivery =>
      claimed.find((delivery) => delivery.recordId === records[place]?.recordId)!
    const ends = [
      endOf(byRecord(0), RETRY),
      endOf(byRecord(1), { ...RETRY, outcome: 'unknown' }),
      endOf(byRecord(2), { next: 'held', class: 'refused', status: 400, message: 'answered 400' }),
      endOf(byRecord(3))
    ]

    const { finished, promoted } = await database.transaction((stores) => stores.deliveries.finish(ends, MAX_AGE_MS))

    t.same(finished.map((delivery) => delivery.state).sort(), ['delivered', 'held', 'ready', 'verify'])
    t.equal(promoted, 1)
    t.same(await countStates(pool), { blocked: 3, delivered: 1, held: 1, ready: 2, verify: 1 })
    t.match(await rowOf(pool, records[0]?.deliveryIds[0]), {
      tries: 1,
      last_class: 'unavailable',
      outcome_unknown: false
    })
    t.match(await rowOf(pool, records[2]?.deliveryIds[0]), { last_status: 400, last_message: 'answered 400' })
    t.equal((await rowOf(pool, records[3]?.deliveryIds[1])).state, 'ready')
  }
)

t.test('an unknown outcome stays unknown until somebody knows', async (t) => {
  const { pool, database } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  const again = async (changes: Partial<AttemptEnd>): Promise<Delivery> => {
    const [delivery] = await claim(database, deliveryIds)
    await database.transaction((stores) => stores.deliveries.finish([endOf(delivery!, changes)], MAX_AGE_MS))
    return delivery!
  }
  await again({ ...RETRY, dueInMs: 0, outcome: 'unknown' })

  const second = await again({ ...RETRY, dueInMs: 0 })
  const third = await again({ next: 'held', class: 'refused', outcome: 'known' })

  t.equal(second.outcomeUnknown, true)
  t.equal(third.outcomeUnknown, true, 'not reached in between: still unknown')
  t.equal(third.attempt, 3)
  t.equal((await rowOf(pool, deliveryIds[0])).outcome_unknown, false)
})

t.test('a delivery that did not get through in fourteen days is held, with the last answer', async (t) => {
  const { pool, database } = await open(t)
  const [young, old] = await seedRecords(pool, 2, { destinations: ['gp'] })
  const age = (days: string, deliveryId: string | undefined): Promise<unknown> =>
    pool.query(`update delivery set series_started_at = now() - $1::interval where delivery_id = $2`, [
      days,
      deliveryId
    ])
  await age('13 days 23 hours', young?.deliveryIds[0])
  await age('14 days 1 hour', old?.deliveryIds[0])
  const claimed = await claim(
    database,
    [young, old].flatMap((record) => record?.deliveryIds ?? [])
  )

  await database.transaction((stores) =>
    stores.deliveries.finish(
      claimed.map((delivery) => endOf(delivery, { ...RETRY, message: 'answered 503' })),
      MAX_AGE_MS
    )
  )

  t.equal((await rowOf(pool, young?.deliveryIds[0])).state, 'ready')
  t.match(await rowOf(pool, old?.deliveryIds[0]), {
    state: 'held',
    last_class: 'expired',
    last_message: 'answered 503'
  })
})

t.test('three crashes in a row hold a delivery; an attempt that ends begins the count again', async (t) => {
  const { pool, database } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  const crash = async (): Promise<string> => {
    await claim(database, deliveryIds, 1)
    const swept = await waitFor(
      async () => (await database.stores.deliveries.sweepLeases(3, 10))[0],
      'the lease to be over'
    )
    return swept.state
  }
  t.same([await crash(), await crash()], ['verify', 'verify'])
  const [delivery] = await claim(database, deliveryIds)
  await database.transaction((stores) =>
    stores.deliveries.finish([endOf(delivery!, { ...RETRY, dueInMs: 0 })], MAX_AGE_MS)
  )

  t.same([await crash(), await crash(), await crash()], ['verify', 'verify', 'held'])
  t.match(await rowOf(pool, deliveryIds[0]), { last_class: 'crashed', last_message: /worker-1 .* 3 in a row/ })
})

t.test('a version that arrives while its predecessor finishes is neither lost nor early', async (t) => {
  const { pool, database } = await open(t)
  const { recordId, deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  const [first] = await claim(database, deliveryIds)
  // As ingest does it: record locked, the head is still live, so the next one is blocked.
  const ingest = await pool.connect()
  await ingest.query('begin')
  await ingest.query('select from record where record_id = $1 for update', [recordId])

  const finishing = database.transaction((stores) => stores.deliveries.finish([endOf(first!)], MAX_AGE_MS))
  await waitFor(async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    )
    return rows.length > 0
  }, 'the finish to wait for the record')
  await ingest.query(
    `insert into record_version (record_id, version, patient_key, operation, supplier, received_at, payload_sha256, body)
     select record_id, 2, patient_key, 'update', supplier, now(), payload_sha256, body from record_version where record_id = $1`,
    [recordId]
  )
  await ingest.query(
    `insert into delivery (delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at, created_at)
     select gen_random_uuid(), destination, record_id, 2, patient_key, 2, 'update', 'blocked', now(), now()
       from delivery where record_id = $1`,
    [recordId]
  )
  await ingest.query('commit')
  ingest.release()

  t.match(await finishing, { promoted: 1 })
  t.same(await countStates(pool), { delivered: 1, ready: 1 })
})

t.test('lanes without a head are found, and what is queued goes back by age or at once', async (t) => {
  const { pool, database } = await open(t)
  const { recordId, deliveryIds } = await seedRecord(pool, { destinations: ['gp'], versions: ['create', 'update'] })
  const { deliveries } = database.stores
  await deliveries.ring(['gp'], 400)
  t.equal(await deliveries.handBackOlder('gp', 60_000), 0)
  await pool.query(`update delivery set queued_at = now() - interval '2 minutes' where state = 'queued'`)
  t.equal(await deliveries.handBackOlder('gp', 60_000), 1)
  await pool.query('update delivery set outcome_unknown = true where delivery_id = $1', [deliveryIds[0]])
  await deliveries.ring(['gp'], 400)
  t.equal(await deliveries.handBackAll(), 1)
  t.same(await countStates(pool), { blocked: 1, verify: 1 }, 'still to be verified')
  t.same(await deliveries.findHeadlessLanes(10), [])

  await pool.query(`update delivery set state = 'cancelled', finished_at = now() where delivery_id = $1`, [
    deliveryIds[0]
  ])

  t.same(await deliveries.findHeadlessLanes(10), [{ destination: 'gp', recordId }])
  t.equal(await deliveries.promote([{ destination: 'gp', recordId }]), 1)
  t.same(await deliveries.findHeadlessLanes(10), [])
})

t.test('the database itself refuses a second live head in a lane', async (t) => {
  const { pool } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'], versions: ['create', 'update'] })

  const second = pool.query(`update delivery set state = 'ready' where delivery_id = $1`, [deliveryIds[1]])

  await t.rejects(second, /delivery_one_head_key/)
})

import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import { createDeliveryPump } from '../../src/delivery/delivery-pump.js'
import { createReplays, type ReplayPlan, type Replays } from '../../src/delivery/replay.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import type { Pool } from '../../src/storage/pool.js'
import type { ReplayFilter } from '../../src/storage/replay-store.js'
import {
  countStates,
  createTestLog,
  DELIVERED,
  scriptDestination,
  smallPolicy,
  type ScriptedDestination
} from '../support/delivery-rig.js'
import { seedRecord, seedRecords } from '../support/seed-deliveries.js'
import { createTestDatabase } from '../support/test-database.js'

interface Rig {
  pool: Pool
  database: Database
  replays: Replays
  woken(): number
}

const NOW = new Date('2026-11-22T02:14:00Z')

async function open(t: Test): Promise<Rig> {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  const auditChainId = randomUUID()
  await database.stores.audit.openChain(auditChainId, 'test')
  let woken = 0
  const replays = createReplays({
    database,
    destinations: [{ name: 'gp' }, { name: 'nhs', ratePerSecond: 20 }],
    policy: smallPolicy(),
    now: () => NOW,
    auditChainId,
    onRequeued: () => (woken += 1)
  })
  return { pool, database, replays, woken: () => woken }
}

interface Held {
  class?: string
  lastAttemptAt?: string
  createdAt?: string
}

/** As an adapter that refuses leaves it. */
async function hold(pool: Pool, deliveryIds: readonly (string | undefined)[], held: Held = {}): Promise<void> {
  await pool.query(
    `update delivery
        set state = 'held', epoch = 1, tries = 3, last_class = $2, last_attempt_at = coalesce($3, now()),
            created_at = coalesce($4, created_at)
      where delivery_id = any ($1)`,
    [deliveryIds, held.class ?? 'refused', held.lastAttemptAt ?? null, held.createdAt ?? null]
  )
}

async function plan(replays: Replays, filter: Partial<ReplayFilter> = {}): Promise<ReplayPlan> {
  const wanted = { destination: 'gp', states: ['held' as const], actor: 'ops-1', reason: 'INC-123', ...filter }
  const answer = await replays.plan(wanted)
  if (answer.kind !== 'planned') throw new Error(answer.message)
  return answer.plan
}

async function deliverAll({ pool, database }: Rig, destination: ScriptedDestination): Promise<void> {
  const { rows } = await pool.query<{ delivery_id: string }>('select delivery_id from delivery')
  const pump = createDeliveryPump({
    database,
    destination,
    policy: smallPolicy(),
    worker: 'worker-1',
    log: createTestLog(),
    random: Math.random
  })
  await pump.deliver(rows.map((row) => row.delivery_id))
}

async function auditOf(pool: Pool): Promise<unknown[]> {
  const { rows } = await pool.query<{ actor: string; action: string; detail: string }>(
    'select actor, action, detail from audit_entry order by position'
  )
  return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as unknown }))
}

t.test('a plan says what would be sent again, and changes nothing', async (t) => {
  const { pool, replays } = await open(t)
  const records = await seedRecords(pool, 4, { destinations: ['gp', 'nhs'] })
  const gp = records.map((record) => record.deliveryIds[0])
  await hold(pool, gp.slice(0, 1), { createdAt: '2026-11-01T00:00:00Z' })
  await hold(pool, gp.slice(1, 2))
  await hold(pool, gp.slice(2, 3), { class: 'fault' })
  const before = await pool.query('select * from delivery order by delivery_id')

  const planned = await plan(replays)
  const none = await plan(replays, { destination: 'nhs' })

  t.match(planned, { planned: 3, records: 3, byClass: { refused: 2, fault: 1 }, estimatedSeconds: 1 })
  t.same(planned.oldest, new Date('2026-11-01T00:00:00Z'))
  t.ok(planned.newest!.getTime() > planned.oldest!.getTime())
  t.match(none, { planned: 0, records: 0, oldest: null, newest: null, byClass: {}, estimatedSeconds: 0 })
  t.same((await pool.query('select * from delivery order by delivery_id')).rows, before.rows)
  t.match(await auditOf(pool), [
    { actor: 'ops-1', action: 'replay.plan', detail: { planned: 3, destination: 'gp', reason: 'INC-123' } },
    { action: 'replay.plan' }
  ])
})

t.test('a plan is narrowed by class, by time of the last attempt and by a limit', async (t) => {
  const { pool, replays } = await open(t)
  const records = await seedRecords(pool, 3, { destinations: ['gp'] })
  const [early, onTheHour, fault] = records.map((record) => record.deliveryIds[0])
  await hold(pool, [early], { lastAttemptAt: '2026-11-22T01:59:59Z', createdAt: '2026-11-20' })
  await hold(pool, [onTheHour], { lastAttemptAt: '2026-11-22T02:00:00Z', createdAt: '2026-11-21' })
  await hold(pool, [fault], { lastAttemptAt: '2026-11-22T03:00:00Z', class: 'fault' })
  const hour = { since: new Date('2026-11-22T02:00:00Z'), until: new Date('2026-11-22T03:00:00Z') }
  const idsOf = async (replayId: string): Promise<unknown> =>
    (await replays.show(replayId))?.items.map((item) => item.deliveryId)

  const inTheHour = await plan(replays, hour)
  const faults = await plan(replays, { class: 'fault' })
  const oldest = await plan(replays, { limit: 1 })

  t.same(await idsOf(inTheHour.replayId), [onTheHour])
  t.same(await idsOf(faults.replayId), [fault])
  t.same(await idsOf(oldest.replayId), [early])
})

t.test('a replay sends what was held again, as a new series, before the versions that wait behind it', async (t) => {
  const rig = await open(t)
  const { pool, database, replays } = rig
  const records = await seedRecords(pool, 3, { destinations: ['gp'], versions: ['create', 'update'] })
  await hold(
    pool,
    records.map((record) => record.deliveryIds[0])
  )
  const planned = await plan(replays)

  const started = await replays.start(planned.replayId, { actor: 'ops-2', confirmCount: 3 })
  t.same(started, { kind: 'started', requeued: 3, skipped: 0 })
  t.equal(rig.woken(), 1)
  t.match(await replays.show(planned.replayId), { state: 'running', progress: { requeued: 3, waiting: 3 } })
  t.same(await database.stores.replays.finishEnded(), [], 'not before each was attempted')
  const gp = scriptDestination({}, () => DELIVERED)
  await pool.query('update delivery set due_at = now()')
  await deliverAll(rig, gp)
  await deliverAll(rig, gp)

  t.same(await countStates(pool), { delivered: 6 })
  for (const { recordId } of records) {
    const versions = gp.received.filter((received) => received.recordId === recordId).map(({ version }) => version)
    t.same(versions, [1, 2])
  }
  const { rows } = await pool.query(
    `select distinct series, attempt, triggered_by
       from delivery_attempt
      where delivery_id = any ($1)`,
    [records.map((record) => record.deliveryIds[0])]
  )
  t.same(rows, [{ series: 2, attempt: 1, triggered_by: 'replay' }])
  t.match(await database.stores.replays.finishEnded(), [{ replayId: planned.replayId, destination: 'gp' }])
  t.match(await replays.show(planned.replayId), { state: 'done', progress: { requeued: 3, delivered: 3, waiting: 0 } })
  t.match((await auditOf(pool))[1], { actor: 'ops-2', action: 'replay.start', detail: { planned: 3, requeued: 3 } })
})

t.test('a start is refused when the count differs, when it was started, and while another one runs', async (t) => {
  const { pool, replays } = await open(t)
  const records = await seedRecords(pool, 2, { destinations: ['gp', 'nhs'] })
  await hold(
    pool,
    records.flatMap((record) => record.deliveryIds)
  )
  const [first, second] = [await plan(replays), await plan(replays)]
  const other = await plan(replays, { destination: 'nhs' })
  const start = (replayId: string, confirmCount: number): Promise<unknown> =>
    replays.start(replayId, { actor: 'ops-1', confirmCount })

  t.match(await start(first.replayId, 3), {
    kind: 'refused',
    why: 'count-differs',
    message: /has 2 .* 3 were confirmed/
  })
  t.match(await start(first.replayId, 2), { kind: 'started' })
  t.match(await start(first.replayId, 2), { kind: 'refused', why: 'not-planned', message: /is running/ })
  t.match(await start(second.replayId, 2), { kind: 'refused', why: 'another-runs' })
  t.match(await start(other.replayId, 2), { kind: 'started' }, 'another destination')
  t.match(await start(randomUUID(), 2), { kind: 'refused', why: 'unknown-replay' })
  t.match(await plan(replays).then((planned) => planned.planned), 0, 'nothing is held any more')
})

t.test('of many people who start the same replay one does', async (t) => {
  const { pool, replays } = await open(t)
  const records = await seedRecords(pool, 2, { destinations: ['gp'] })
  await hold(
    pool,
    records.flatMap((record) => record.deliveryIds)
  )
  const { replayId } = await plan(replays)

  const answers = await Promise.all(
    Array.from({ length: 8 }, () => replays.start(replayId, { actor: 'ops-1', confirmCount: 2 }))
  )

  t.equal(answers.filter((answer) => answer.kind === 'started').length, 1)
  t.equal(answers.filter((answer) => answer.kind === 'refused' && answer.why === 'not-planned').length, 7)
})

t.test('what has moved on since the plan is skipped, and the item says why', async (t) => {
  const { pool, replays } = await open(t)
  const records = await seedRecords(pool, 4, { destinations: ['gp'] })
  const [same, again, gone, given] = records.map((record) => record.deliveryIds[0])
  await hold(pool, [same, again, gone, given])
  const { replayId } = await plan(replays)
  await pool.query('update delivery set epoch = 2 where delivery_id = $1', [again])
  await pool.query(`update delivery set state = 'delivered', epoch = 2, finished_at = now() where delivery_id = $1`, [
    gone
  ])
  await replays.skip(given!, { actor: 'ops-1', reason: 'sent by hand' })

  const started = await replays.start(replayId, { actor: 'ops-1', confirmCount: 4 })

  t.match(started, { kind: 'started', requeued: 1, skipped: 3 })
  const shown = await replays.show(replayId)
  const itemOf = (id: string | undefined): unknown => shown?.items.find((item) => item.deliveryId === id)
  t.match(itemOf(same), { result: 'requeued', reason: null })
  t.match(itemOf(again), { result: 'skipped', reason: 'It was attempted again since, and is held', state: 'held' })
  t.match(itemOf(gone), { result: 'skipped', reason: 'It is delivered since' })
  t.match(itemOf(given), { result: 'skipped', reason: 'It is cancelled since' })
})

t.test(
  'what waits for its retry is tried now, and an unknown outcome is still verified and keeps its quiet',
  async (t) => {
    const { pool, replays } = await open(t)
    const records = await seedRecords(pool, 3, { destinations: ['gp'] })
    const [known, unknown, due] = records.map((record) => record.deliveryIds[0])
    await pool.query(
      `update delivery set due_at = now() + interval '1 hour', tries = 2, epoch = 2, last_attempt_at = now()`
    )
    await pool.query(`update delivery set state = 'verify', outcome_unknown = true where delivery_id = $1`, [unknown])
    await pool.query('update delivery set due_at = now() where delivery_id = $1', [due])

    const { replayId, planned } = await plan(replays, { states: ['ready'] })
    await replays.start(replayId, { actor: 'ops-1', confirmCount: planned })

    t.equal(planned, 2, 'what is due needs no replay')
    const { rows } = await pool.query(
      `select delivery_id, state, series, tries, due_at <= now() + interval '30 milliseconds' as soon,
            due_at >= last_attempt_at + interval '20 milliseconds' as quiet
       from delivery
      where delivery_id = any ($1)
      order by state`,
      [[known, unknown]]
    )
    t.match(rows, [
      { delivery_id: known, state: 'ready', series: 1, tries: 2, soon: true },
      { delivery_id: unknown, state: 'verify', series: 1, tries: 2, soon: true, quiet: true }
    ])
  }
)

t.test('a replay takes its share of the rate, so that what comes in meanwhile is not kept waiting', async (t) => {
  const { pool, replays } = await open(t)
  const records = await seedRecords(pool, 11, { destinations: ['nhs'] })
  await hold(
    pool,
    records.flatMap((record) => record.deliveryIds)
  )
  const planned = await plan(replays, { destination: 'nhs' })

  await replays.start(planned.replayId, { actor: 'ops-1', confirmCount: 11 })

  const { rows } = await pool.query(
    'select extract(epoch from max(due_at) - min(due_at))::float as seconds from delivery'
  )
  t.same(rows, [{ seconds: 2 }], 'a quarter of 20 a second: the eleventh goes after ten fifths of a second')
  t.equal(planned.estimatedSeconds, 3)
})

t.test('a plan can be cancelled, once, and not after it started', async (t) => {
  const { pool, replays } = await open(t)
  const { deliveryIds } = await seedRecord(pool, { destinations: ['gp'] })
  await hold(pool, deliveryIds)
  const [unwanted, wanted] = [await plan(replays), await plan(replays)]
  await replays.start(wanted.replayId, { actor: 'ops-1', confirmCount: 1 })

  t.match(await replays.cancel(unwanted.replayId, { actor: 'ops-1' }), { kind: 'cancelled' })
  t.match(await replays.cancel(unwanted.replayId, { actor: 'ops-1' }), { kind: 'refused', why: 'not-planned' })
  t.match(await replays.cancel(wanted.replayId, { actor: 'ops-1' }), { kind: 'refused', message: /is running/ })
  t.match(await replays.start(unwanted.replayId, { actor: 'ops-1', confirmCount: 1 }), { message: /is cancelled/ })
  t.same(
    (await replays.list(10)).map((replay) => replay.state),
    ['running', 'cancelled']
  )
})

t.test('a held delivery that is given up makes way for the next one', async (t) => {
  const rig = await open(t)
  const { pool, replays } = rig
  const { recordId, deliveryIds } = await seedRecord(pool, { destinations: ['gp'], versions: ['create', 'update'] })
  await hold(pool, deliveryIds.slice(0, 1))

  const skipped = await replays.skip(deliveryIds[0]!, { actor: 'ops-1', reason: 'superseded by hand' })
  const twice = await replays.skip(deliveryIds[0]!, { actor: 'ops-1', reason: 'again' })

  t.same(skipped, { kind: 'skipped', promoted: true })
  t.match(twice, { kind: 'refused', why: 'not-held' })
  t.same(await countStates(pool), { cancelled: 1, ready: 1 })
  t.match(await auditOf(pool), [
    { action: 'delivery.skip', detail: { deliveryId: deliveryIds[0], reason: 'superseded by hand' } }
  ])
  const { rows } = await pool.query('select record_id from audit_entry')
  t.same(rows, [{ record_id: recordId }])
})

t.test('a destination that is not configured is refused, with the ones that are', async (t) => {
  const { replays } = await open(t)

  const answer = await replays.plan({ destination: 'ghs', states: ['held'], actor: 'ops-1', reason: 'INC-1' })

  t.match(answer, { kind: 'refused', why: 'unknown-destination', message: /no destination "ghs"; known are gp, nhs/ })
})

import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import type { Pool } from '../../src/storage/pool.js'
import { DELIVERED, scriptDestination } from '../support/delivery-rig.js'
import { begin, deliver, deliverAll, hold, openReplays, plan, type ReplayRig } from '../support/replay-rig.js'
import { seedRecord, seedRecords, type SeededRecord } from '../support/seed-deliveries.js'

/** A record whose versions all arrived at the GP system. */
async function arrived(pool: Pool, versions: NonNullable<Parameters<typeof seedRecord>[1]['versions']>) {
  const record = await seedRecord(pool, { destinations: ['gp'], versions })
  await deliver(pool, record.deliveryIds)
  await pool.query(`update record set deleted = $2 where record_id = $1`, [
    record.recordId,
    versions.at(-1) === 'delete'
  ])
  return record
}

async function lastOf(pool: Pool, { recordId }: SeededRecord): Promise<unknown> {
  const { rows } = await pool.query(
    `select version, operation, kind, state, lane_seq from delivery where record_id = $1 order by lane_seq desc limit 1`,
    [recordId]
  )
  return rows[0]
}

async function reasonsOf({ replays }: ReplayRig, replayId: string): Promise<unknown> {
  return (await replays.show(replayId))?.items.map(({ reason }) => reason)
}

t.test('the current version of what a destination has is sent again, at the end of its lane', async (t) => {
  const rig = await openReplays(t)
  const { pool, replays, runner } = rig
  const corrected = await arrived(pool, ['create', 'update'])
  const deleted = await arrived(pool, ['create', 'delete'])
  const reinstated = await arrived(pool, ['create', 'delete', 'reinstate'])
  const takenBack = await arrived(pool, ['create', 'delete'])
  await pool.query('update record set deleted = false where record_id = $1', [takenBack.recordId])
  const never = await seedRecord(pool, { destinations: ['gp'] })
  await hold(pool, never.deliveryIds)

  const replayId = await begin(replays, { mode: 'resend-latest' })
  t.match(await replays.show(replayId), { mode: 'resend-latest', planned: 4, records: 4 })
  await runner.release()
  t.same(await lastOf(pool, corrected), {
    version: 2,
    operation: 'update',
    kind: 'resend',
    state: 'ready',
    lane_seq: 3
  })
  t.same(await lastOf(pool, deleted), { version: 2, operation: 'delete', kind: 'resend', state: 'ready', lane_seq: 3 })
  t.match(await lastOf(pool, reinstated), { version: 3, operation: 'update', kind: 'resend', lane_seq: 4 })
  const gp = scriptDestination({}, () => DELIVERED)
  await deliverAll(rig, gp)
  await runner.settle()

  t.same(
    gp.received.map(({ recordId, version }) => [recordId, version]).sort(),
    [
      [corrected.recordId, 2],
      [deleted.recordId, 2],
      [reinstated.recordId, 3]
    ].sort()
  )
  t.match(await replays.show(replayId), { state: 'done', progress: { delivered: 3, skipped: 1 } })
  const reasons = await reasonsOf(rig, replayId)
  t.ok((reasons as unknown[]).includes('It was taken back there: another record counts in its place'))
})

t.test('a resend waits behind what is on its way, and is needless when that is the current version', async (t) => {
  const rig = await openReplays(t)
  const { pool, replays, runner } = rig
  const onItsWay = await seedRecord(pool, { destinations: ['gp'], versions: ['create', 'update'] })
  await deliver(pool, onItsWay.deliveryIds.slice(0, 1))
  await pool.query(`update delivery set state = 'ready' where delivery_id = $1`, [onItsWay.deliveryIds[1]])
  const stuck = await arrived(pool, ['create', 'update'])
  const { replayId } = await plan(replays, { mode: 'resend-latest' })
  await pool.query(
    `insert into record_version (record_id, version, patient_key, operation, supplier, received_at, payload_sha256, body)
     select record_id, 3, patient_key, 'update', 'supplier-a', now(), '', '{}' from record where record_id = $1`,
    [stuck.recordId]
  )
  await hold(pool, stuck.deliveryIds.slice(1))
  await pool.query('update record set current_version = 3 where record_id = $1', [stuck.recordId])

  await replays.start(replayId, { actor: 'ops-1', confirmCount: 2 })
  await runner.release()

  t.same(await lastOf(pool, stuck), { version: 3, operation: 'update', kind: 'resend', state: 'blocked', lane_seq: 3 })
  const reasons = await reasonsOf(rig, replayId)
  t.ok((reasons as (string | null)[]).includes('Its current version is on its way'), JSON.stringify(reasons))
  t.match(await replays.show(replayId), { progress: { blocked: 1, skipped: 1 } })
})

t.test('one delivery is sent once more as it was, unless something newer went', async (t) => {
  const rig = await openReplays(t)
  const { pool, replays, runner } = rig
  const { deliveryIds } = await arrived(pool, ['create', 'update'])
  const [old, current] = deliveryIds
  const wanted = { destination: 'gp', mode: 'resend-exact' as const, states: [], actor: 'ops-1', reason: 'INC-9' }

  t.match(await replays.plan({ ...wanted, delivery: randomUUID() }), { why: 'unknown-delivery' })
  t.match(await replays.plan({ ...wanted, delivery: old!, destination: 'nhs' }), { why: 'unknown-delivery' })
  t.match(await replays.plan({ ...wanted, delivery: old! }), { why: 'stale-version', message: /A later version/ })
  await begin(replays, { mode: 'resend-exact', delivery: current! })
  await runner.release()
  const gp = scriptDestination({}, () => DELIVERED)
  await deliverAll(rig, gp)

  t.match(gp.received, [{ version: 2 }])
})

t.test('an older version goes over a newer one only when a second person says so', async (t) => {
  const rig = await openReplays(t)
  const { pool, replays, runner } = rig
  const record = await arrived(pool, ['create', 'update'])
  const stale = { mode: 'resend-exact' as const, delivery: record.deliveryIds[0]!, allowStale: true }
  const planned = await plan(replays, stale)
  const start = (): Promise<unknown> => replays.start(planned.replayId, { actor: 'ops-1', confirmCount: 1 })

  t.equal(planned.approvalNeeded, 'stale')
  t.match(await start(), { why: 'approval-needed', message: /an older version over a newer one/ })
  t.match(await replays.approve(planned.replayId, { actor: 'ops-2', reason: 'the update was wrong' }), {
    kind: 'approved'
  })
  t.match(await start(), { kind: 'started' })
  await runner.release()

  t.same(await lastOf(pool, record), { version: 1, operation: 'update', kind: 'resend', state: 'ready', lane_seq: 3 })
})

t.test('a version that became stale after the plan is skipped', async (t) => {
  const rig = await openReplays(t)
  const { pool, replays, runner } = rig
  const { recordId, deliveryIds } = await seedRecord(pool, { destinations: ['gp'], versions: ['create', 'update'] })
  await pool.query('delete from delivery where delivery_id = $1', [deliveryIds[1]])
  await deliver(pool, deliveryIds.slice(0, 1))
  const { replayId } = await plan(replays, { mode: 'resend-exact', delivery: deliveryIds[0]! })
  await pool.query(
    `insert into delivery (delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at,
                           created_at)
     select gen_random_uuid(), 'gp', record_id, 2, patient_key, 2, 'update', 'ready', now(), now()
       from record where record_id = $1`,
    [recordId]
  )

  await replays.start(replayId, { actor: 'ops-1', confirmCount: 1 })
  await runner.release()

  t.same(await reasonsOf(rig, replayId), ['Something later was sent since, or is on its way'])
})

/** Records of the history that a new destination has never heard of. */
async function history(t: Test, wants: (vaccineType: string) => boolean) {
  const rig = await openReplays(t, [
    { name: 'new', sends: 'survivors', wants: ({ vaccineType }) => wants(vaccineType) },
    { name: 'gp', sends: 'all', wants: () => true }
  ])
  const records = await seedRecords(rig.pool, 4, { destinations: ['gp'], versions: ['create', 'update'] })
  await rig.pool.query(`insert into destination (destination) values ('new')`)
  return { ...rig, records }
}

t.test('a new destination is told of what the history holds, by vaccine and day, as a create each', async (t) => {
  const rig = await history(t, () => true)
  const { pool, replays, runner, records } = rig
  const [early, mmr, deleted, wanted] = records
  await pool.query(`update record set occurrence_from = '2026-08-31T12:00:00Z' where record_id = $1`, [early!.recordId])
  await pool.query(`update record set vaccine_type = 'MMR' where record_id = $1`, [mmr!.recordId])
  await pool.query(`update record set deleted = true where record_id = $1`, [deleted!.recordId])

  const since = new Date('2026-09-01T00:00:00Z')
  const replayId = await begin(replays, { destination: 'new', mode: 'backfill', since, vaccineTypes: ['FLU'] })
  t.equal(await runner.release(), 1)

  const { rows } = await pool.query(
    `select record_id, version, operation, kind, state, lane_seq from delivery where destination = 'new'`
  )
  t.same(rows, [
    { record_id: wanted!.recordId, version: 2, operation: 'create', kind: 'backfill', state: 'ready', lane_seq: 1 }
  ])
  const again = await plan(replays, { destination: 'new', mode: 'backfill', since, vaccineTypes: ['FLU'] })
  t.equal(again.planned, 0, 'it is on its way')
  await deliverAll(
    rig,
    scriptDestination({ name: 'new' }, () => DELIVERED)
  )
  await runner.settle()
  t.match(await replays.show(replayId), { state: 'done', progress: { delivered: 1 } })
})

t.test('what the destination does not want, and what it was told of meanwhile, is skipped', async (t) => {
  const rig = await history(t, (vaccineType) => vaccineType === 'FLU')
  const { pool, replays, runner, records } = rig
  const [mmr, alternate, told] = records
  await pool.query(`update record set vaccine_type = 'MMR' where record_id = $1`, [mmr!.recordId])
  await pool.query(
    `with event as (
       insert into event_group (group_id, patient_key, anchor_record_id, survivor_record_id)
       select gen_random_uuid(), patient_key, record_id, gen_random_uuid() from record where record_id = $1
       returning group_id, patient_key
     )
     insert into event_group_member (record_id, group_id, patient_key, role)
     select $1, group_id, patient_key, 'alternate' from event`,
    [alternate!.recordId]
  )
  const replayId = await begin(replays, { destination: 'new', mode: 'backfill' })
  await pool.query(
    `insert into delivery (delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at,
                           created_at)
     select gen_random_uuid(), 'new', record_id, 2, patient_key, 1, 'create', 'ready', now(), now()
       from record where record_id = $1`,
    [told!.recordId]
  )
  await runner.release()

  const items = (await replays.show(replayId))?.items
  const reasonOf = (record: SeededRecord | undefined): unknown =>
    items?.find(({ recordId }) => recordId === record?.recordId)?.reason
  t.equal(reasonOf(mmr), 'The destination is not sent such a record')
  t.equal(reasonOf(alternate), 'The destination is not sent such a record')
  t.equal(reasonOf(told), 'It went there since')
  t.equal(reasonOf(records[3]), null)
})

t.test('a backfill waits while live traffic is late, a retry takes its share', async (t) => {
  const rig = await history(t, () => true)
  const { pool, replays, runner } = rig
  const { deliveryIds } = await seedRecord(pool, { destinations: ['new'] })
  await pool.query(`update delivery set due_at = now() - interval '2 seconds' where delivery_id = $1`, deliveryIds)
  const backfill = await begin(replays, { destination: 'new', mode: 'backfill' })

  t.equal(await runner.release(), 0)
  await pool.query(
    `update delivery set state = 'queued', queued_at = now() - interval '2 seconds' where delivery_id = $1`,
    deliveryIds
  )
  t.equal(await runner.release(), 0, 'late in the queue')
  await pool.query(
    `update delivery set state = 'ready', queued_at = null, due_at = now() where delivery_id = $1`,
    deliveryIds
  )
  t.equal(await runner.release(), 4)
  await replays.cancel(backfill, { actor: 'ops-1', reason: 'enough' })
  await hold(pool, deliveryIds)
  const retry = await begin(replays, { destination: 'new' })
  const late = await seedRecord(pool, { destinations: ['new'] })
  await pool.query(`update delivery set due_at = now() - interval '2 seconds' where delivery_id = $1`, late.deliveryIds)
  t.equal(await runner.release(), 1)
  t.match(await replays.show(retry), { progress: { waiting: 1 } })
})

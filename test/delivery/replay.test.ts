import { randomUUID } from 'node:crypto'
import t from 'tap'
import { countStates, DELIVERED, scriptDestination } from '../support/delivery-rig.js'
import { auditOf, begin, deliver, deliverAll, hold, openReplays, plan } from '../support/replay-rig.js'
import { seedRecord, seedRecords } from '../support/seed-deliveries.js'

const firstOf = (records: readonly { deliveryIds: string[] }[]): (string | undefined)[] =>
  records.map((record) => record.deliveryIds[0])

t.test('a plan says what would be sent again, and changes nothing', async (t) => {
  const { pool, replays } = await openReplays(t)
  const gp = firstOf(await seedRecords(pool, 4, { destinations: ['gp', 'nhs'] }))
  await hold(pool, gp.slice(0, 1), { createdAt: '2026-11-01T00:00:00Z' })
  await hold(pool, gp.slice(1, 2))
  await hold(pool, gp.slice(2, 3), { class: 'fault' })
  const before = await pool.query('select * from delivery order by delivery_id')

  const planned = await plan(replays)
  const none = await plan(replays, { destination: 'nhs' })

  t.match(planned, { planned: 3, records: 3, more: false, byClass: { refused: 2, fault: 1 }, approvalNeeded: null })
  t.match(planned, { ratePerSecond: 1_000, mostPerSecond: 1_000, estimatedSeconds: 1 })
  t.same(planned.oldest, new Date('2026-11-01T00:00:00Z'))
  t.ok(planned.newest!.getTime() > planned.oldest!.getTime())
  t.match(none, { planned: 0, records: 0, oldest: null, newest: null, byClass: {}, estimatedSeconds: 0 })
  t.match(none, { ratePerSecond: 5, mostPerSecond: 20 }, 'a quarter of its rate')
  t.same((await pool.query('select * from delivery order by delivery_id')).rows, before.rows)
  t.match(await auditOf(pool), [
    {
      actor: 'ops-1',
      action: 'replay.plan',
      detail: { planned: 3, destination: 'gp', mode: 'retry', reason: 'INC-123' }
    },
    { action: 'replay.plan' }
  ])
})

t.test('a plan is narrowed by class, by time of the last attempt, by vaccine, by record and by a limit', async (t) => {
  const { pool, replays } = await openReplays(t)
  const records = await seedRecords(pool, 3, { destinations: ['gp'] })
  const [early, onTheHour, fault] = firstOf(records)
  await hold(pool, [early], { lastAttemptAt: '2026-11-22T01:59:59Z', createdAt: '2026-11-20' })
  await hold(pool, [onTheHour], { lastAttemptAt: '2026-11-22T02:00:00Z', createdAt: '2026-11-21' })
  await hold(pool, [fault], { lastAttemptAt: '2026-11-22T03:00:00Z', class: 'fault' })
  await pool.query(`update record set vaccine_type = 'MMR' where record_id = $1`, [records[1]!.recordId])
  const idsOf = async (filter: Parameters<typeof plan>[1]): Promise<unknown> => {
    const { replayId } = await plan(replays, filter)
    return (await replays.show(replayId))?.items.map((item) => item.deliveryId)
  }

  const inTheHour = { since: new Date('2026-11-22T02:00:00Z'), until: new Date('2026-11-22T03:00:00Z') }
  t.same(await idsOf(inTheHour), [onTheHour])
  t.same(await idsOf({ class: 'fault' }), [fault])
  t.same(await idsOf({ vaccineTypes: ['MMR', 'RSV'] }), [onTheHour])
  t.same(await idsOf({ record: records[2]!.recordId }), [fault])
  t.same(await idsOf({ limit: 1 }), [early])
  t.match(await plan(replays, { limit: 1 }), { planned: 1, more: true })
})

t.test('a replay holds so many deliveries and no more, and says that there are more', async (t) => {
  const { pool, replays } = await openReplays(t, undefined, { mostItems: 2 })
  await hold(pool, firstOf(await seedRecords(pool, 3, { destinations: ['gp'] })))

  t.match(await plan(replays), { planned: 2, more: true })
  t.match(await plan(replays, { limit: 3 }), { planned: 2, more: true })
})

t.test('a replay sends what was held again, as a new series, before the versions that wait behind it', async (t) => {
  const rig = await openReplays(t)
  const { pool, replays, runner } = rig
  const records = await seedRecords(pool, 3, { destinations: ['gp'], versions: ['create', 'update'] })
  await hold(pool, firstOf(records))
  const planned = await plan(replays)

  const started = await replays.start(planned.replayId, { actor: 'ops-2', confirmCount: 3 })
  t.same(started, { kind: 'started', planned: 3, ratePerSecond: 1_000 })
  t.equal(rig.woken(), 1)
  t.match(await replays.show(planned.replayId), { state: 'running', progress: { left: 3, waiting: 0 } })
  t.equal(await runner.release(), 3)
  await runner.settle()
  t.match(await replays.show(planned.replayId), { state: 'running', progress: { left: 0, waiting: 3 } })
  const gp = scriptDestination({}, () => DELIVERED)
  await deliverAll(rig, gp)
  await deliverAll(rig, gp)
  await runner.settle()

  t.same(await countStates(pool), { delivered: 6 })
  for (const { recordId } of records) {
    const versions = gp.received.filter((received) => received.recordId === recordId).map(({ version }) => version)
    t.same(versions, [1, 2])
  }
  const { rows } = await pool.query(
    'select distinct series, attempt, triggered_by from delivery_attempt where delivery_id = any ($1)',
    [firstOf(records)]
  )
  t.same(rows, [{ series: 2, attempt: 1, triggered_by: 'replay' }])
  const shown = await replays.show(planned.replayId)
  t.match(shown, { state: 'done', progress: { left: 0, waiting: 0, delivered: 3, failed: 0 } })
  t.same(
    shown?.items.map(({ result }) => result),
    ['delivered', 'delivered', 'delivered']
  )
  t.match((await auditOf(pool)).slice(1), [
    { actor: 'ops-2', action: 'replay.start', detail: { planned: 3, ratePerSecond: 1_000 } },
    { actor: 'service', action: 'replay.done', detail: { planned: 3, delivered: 3, failed: 0, skipped: 0 } }
  ])
})

t.test(
  'each item says what became of it: delivered, failed again and how, tried again, or skipped and why',
  async (t) => {
    const rig = await openReplays(t)
    const { pool, replays, runner } = rig
    const [fine, refused, down, gone] = firstOf(await seedRecords(pool, 4, { destinations: ['gp'] }))
    await hold(pool, [fine, refused, down, gone])
    const { replayId } = await plan(replays)
    await replays.skip(gone!, { actor: 'ops-1', reason: 'sent by hand' })
    await replays.start(replayId, { actor: 'ops-1', confirmCount: 4 })
    await runner.release()

    await deliverAll(
      rig,
      scriptDestination({}, ({ deliveryId }) => {
        if (deliveryId === fine) return DELIVERED
        if (deliveryId === refused) return { kind: 'refused', status: 422, message: 'no dose' }
        return { kind: 'unavailable', ambiguous: false, status: 503, message: 'answered 503' }
      })
    )
    await runner.settle()

    const shown = await replays.show(replayId)
    t.match(shown, { state: 'done', progress: { delivered: 1, failed: 1, retrying: 1, skipped: 1, left: 0 } })
    const itemOf = (id: string | undefined): unknown => shown?.items.find((item) => item.deliveryId === id)
    t.match(itemOf(fine), { result: 'delivered' })
    t.match(itemOf(refused), { result: 'failed', class: 'refused', state: 'held' })
    t.match(itemOf(down), { result: 'requeued', class: 'unavailable', state: 'ready' })
    t.match(itemOf(gone), { result: 'skipped', reason: 'It is cancelled since' })
    t.same(
      (await replays.show(replayId, { result: 'failed' }))?.items.map(({ deliveryId }) => deliveryId),
      [refused]
    )
    await deliverAll(
      rig,
      scriptDestination({}, () => DELIVERED)
    )
    await runner.settle()
    t.match(await replays.show(replayId), { progress: { delivered: 2, retrying: 0 } }, 'also after it was done')
  }
)

t.test('a start is refused when the count differs, when it was started, and while another one runs', async (t) => {
  const { pool, replays } = await openReplays(t)
  const records = await seedRecords(pool, 2, { destinations: ['gp', 'nhs'] })
  await hold(
    pool,
    records.flatMap((record) => record.deliveryIds)
  )
  const [first, same, other] = [await plan(replays), await plan(replays), await plan(replays, { limit: 1 })]
  const elsewhere = await plan(replays, { destination: 'nhs' })
  const start = (replayId: string, confirmCount: number): Promise<unknown> =>
    replays.start(replayId, { actor: 'ops-1', confirmCount })

  t.match(await start(first.replayId, 3), { why: 'count-differs', message: /has 2 .* 3 were confirmed/ })
  t.match(await start(first.replayId, 2), { kind: 'started' })
  t.match(await start(first.replayId, 2), { why: 'not-planned', message: /is running/ })
  t.match(await start(same.replayId, 2), { why: 'another-runs', message: /^The same plan is being sent already/ })
  t.match(await start(other.replayId, 1), { why: 'another-runs', message: /^Replay \S+ of gp has not ended/ })
  t.match(await start(elsewhere.replayId, 2), { kind: 'started' }, 'another destination')
  t.match(await start(randomUUID(), 2), { why: 'unknown-replay' })
})

t.test('of many people who start the same replay one does', async (t) => {
  const { pool, replays } = await openReplays(t)
  await hold(pool, firstOf(await seedRecords(pool, 2, { destinations: ['gp'] })))
  const { replayId } = await plan(replays)

  const answers = await Promise.all(
    Array.from({ length: 8 }, () => replays.start(replayId, { actor: 'ops-1', confirmCount: 2 }))
  )

  t.equal(answers.filter((answer) => answer.kind === 'started').length, 1)
  t.equal(answers.filter((answer) => answer.kind === 'refused' && answer.why === 'not-planned').length, 7)
})

t.test('a plan is too old after a quarter of an hour', async (t) => {
  const { pool, replays } = await openReplays(t)
  await hold(pool, firstOf(await seedRecords(pool, 1, { destinations: ['gp'] })))
  const { replayId, expiresAt } = await plan(replays)
  const minutes = (expiresAt.getTime() - Date.now()) / 60_000
  t.ok(minutes > 14 && minutes <= 15.1, String(minutes))

  await pool.query(`update replay set expires_at = now() - interval '1 second'`)

  t.match(await replays.start(replayId, { actor: 'ops-1', confirmCount: 1 }), { why: 'plan-expired' })
})

t.test('a large replay needs a second person, who gives it another quarter of an hour', async (t) => {
  const { pool, replays } = await openReplays(t, undefined, { approveAbove: 2 })
  await hold(pool, firstOf(await seedRecords(pool, 3, { destinations: ['gp'] })))
  const small = await plan(replays, { limit: 2 })
  const large = await plan(replays)
  const approve = (replayId: string, actor: string): Promise<unknown> =>
    replays.approve(replayId, { actor, reason: 'looked through' })
  const start = (): Promise<unknown> => replays.start(large.replayId, { actor: 'ops-1', confirmCount: 3 })

  t.equal(small.approvalNeeded, null)
  t.equal(large.approvalNeeded, 'many')
  t.match(await approve(small.replayId, 'ops-2'), { why: 'approval-needless' })
  t.match(await start(), { why: 'approval-needed', message: /^It has 3 deliveries: a second person/ })
  t.match(await approve(large.replayId, 'ops-1'), { why: 'same-person' })
  await pool.query(`update replay set expires_at = now() + interval '1 second'`)
  t.match(await approve(large.replayId, 'ops-2'), { kind: 'approved' })
  const { rows } = await pool.query(
    `select expires_at > now() + interval '14 minutes' as renewed from replay where replay_id = $1`,
    [large.replayId]
  )
  t.same(rows, [{ renewed: true }])
  t.match(await start(), { kind: 'started' })
  t.match(await approve(large.replayId, 'ops-2'), { why: 'not-planned' })
  t.match((await auditOf(pool)).slice(2), [
    { actor: 'ops-2', action: 'replay.approve', detail: { plannedBy: 'ops-1', approvalNeeded: 'many', planned: 3 } },
    { actor: 'ops-1', action: 'replay.start', detail: { approvedBy: 'ops-2' } }
  ])
})

t.test('behind an open breaker, and at a paused destination, a replay starts only to wait', async (t) => {
  const { pool, replays, runner } = await openReplays(t)
  await hold(pool, firstOf(await seedRecords(pool, 2, { destinations: ['gp'] })))
  const { replayId } = await plan(replays)
  const start = (queueOnly: boolean): Promise<unknown> =>
    replays.start(replayId, { actor: 'ops-1', confirmCount: 2, queueOnly })

  await pool.query(`update destination set breaker_opened_at = now(), resume_at = now() where destination = 'gp'`)
  t.match(await start(false), { why: 'destination-closed', message: /the breaker is open/ })
  await pool.query(`update destination set breaker_opened_at = null, resume_at = null, state = 'paused'`)
  t.match(await start(false), { why: 'destination-closed', message: /the destination is paused/ })
  t.match(await start(true), { kind: 'started' })
  t.equal(await runner.release(), 0)
  await pool.query(`update destination set state = 'active', breaker_opened_at = now()`)
  t.equal(await runner.release(), 0)
  await pool.query(`update destination set breaker_opened_at = null, resume_at = now() + interval '1 minute'`)
  t.equal(await runner.release(), 0, 'it rests after a limit')
  t.same(await countStates(pool), { held: 2 })
  await pool.query('update destination set resume_at = null')
  t.equal(await runner.release(), 2)
})

t.test('what has moved on since the plan is skipped, and the item says why', async (t) => {
  const { pool, replays, runner } = await openReplays(t)
  const [same, again, gone, given] = firstOf(await seedRecords(pool, 4, { destinations: ['gp'] }))
  await hold(pool, [same, again, gone, given])
  const { replayId } = await plan(replays)
  await pool.query('update delivery set epoch = 2 where delivery_id = $1', [again])
  await deliver(pool, [gone])
  await replays.skip(given!, { actor: 'ops-1', reason: 'sent by hand' })

  await replays.start(replayId, { actor: 'ops-1', confirmCount: 4 })
  await runner.release()

  const shown = await replays.show(replayId)
  t.match(shown?.progress, { waiting: 1, skipped: 3, left: 0 })
  const itemOf = (id: string | undefined): unknown => shown?.items.find((item) => item.deliveryId === id)
  t.match(itemOf(same), { result: 'requeued', reason: null })
  t.match(itemOf(again), { result: 'skipped', reason: 'It was attempted again since, and is held', state: 'held' })
  t.match(itemOf(gone), { result: 'skipped', reason: 'It is delivered since' })
  t.match(itemOf(given), { result: 'skipped', reason: 'It is cancelled since' })
})

t.test('what waits for its retry is tried now, and an unknown outcome is verified after its quiet', async (t) => {
  const { pool, replays, runner } = await openReplays(t)
  const [known, unknown, due] = firstOf(await seedRecords(pool, 3, { destinations: ['gp'] }))
  await pool.query(
    `update delivery set due_at = now() + interval '1 hour', tries = 2, epoch = 2, last_attempt_at = now()`
  )
  await pool.query(`update delivery set state = 'verify', outcome_unknown = true where delivery_id = $1`, [unknown])
  await pool.query('update delivery set due_at = now() where delivery_id = $1', [due])

  const { replayId, planned } = await plan(replays, { states: ['ready'] })
  await replays.start(replayId, { actor: 'ops-1', confirmCount: planned })
  await runner.release()

  t.equal(planned, 2, 'what is due needs no replay')
  const { rows } = await pool.query(
    `select delivery_id, state, series, tries, due_at < now() + interval '1 minute' as soon,
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
})

t.test('a plan, a running and a paused replay can be cancelled, and what is left stays as it was', async (t) => {
  const { pool, replays, runner } = await openReplays(t)
  await hold(pool, firstOf(await seedRecords(pool, 20, { destinations: ['nhs'] })))
  const before = await pool.query(`select * from delivery where state = 'held' order by delivery_id`)
  const unwanted = await plan(replays, { destination: 'nhs' })
  const cancel = (replayId: string, reason?: string): Promise<unknown> =>
    replays.cancel(replayId, { actor: 'ops-1', ...(reason === undefined ? {} : { reason }) })

  t.same(await cancel(unwanted.replayId), { kind: 'cancelled', left: 20 })
  t.match(await cancel(unwanted.replayId), { why: 'replay-ended' })
  t.match(await replays.start(unwanted.replayId, { actor: 'ops-1', confirmCount: 20 }), { why: 'not-planned' })
  const running = await begin(replays, { destination: 'nhs' })
  t.equal(await runner.release(), 5, 'a second of it')
  t.match(await cancel(running), { why: 'reason-needed' })
  t.same(await cancel(running, 'wrong day'), { kind: 'cancelled', left: 15 })
  t.equal(await runner.release(), 0)
  t.same(await countStates(pool), { held: 15, ready: 5 })
  const after = await pool.query(`select * from delivery where state = 'held' order by delivery_id`)
  const ids = new Set(after.rows.map((row: { delivery_id: string }) => row.delivery_id))
  t.same(
    after.rows,
    before.rows.filter((row: { delivery_id: string }) => ids.has(row.delivery_id))
  )
  const paused = await begin(replays, { destination: 'nhs' })
  await replays.pause(paused, { actor: 'ops-1', reason: 'a look' })
  t.same(await cancel(paused, 'no need'), { kind: 'cancelled', left: 15 })
  t.same(
    (await replays.list(10)).map(({ state }) => state),
    ['cancelled', 'cancelled', 'cancelled']
  )
})

t.test('a held delivery that is given up makes way for the next one', async (t) => {
  const { pool, replays } = await openReplays(t)
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
  const { replays } = await openReplays(t)
  const wanted = { destination: 'ghs', mode: 'retry' as const, states: ['held' as const] }

  const answer = await replays.plan({ ...wanted, actor: 'ops-1', reason: 'INC-1' })

  t.match(answer, { kind: 'refused', why: 'unknown-destination', message: /no destination "ghs"; known are gp, nhs/ })
})

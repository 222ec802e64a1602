import t from 'tap'
import type { Test } from 'tap'
import type { OperationOutcome } from 'fhir/r4.js'
import type {
  AuditAnswer,
  ApproveAnswer,
  CancelAnswer,
  DeliveriesAnswer,
  DeliveryAnswer,
  DestinationAnswer,
  ErrorsAnswer,
  ExplainAnswer,
  PauseAnswer,
  PlanAnswer,
  RefusalsAnswer,
  ReplayAnswer,
  ReplaysAnswer,
  SkipAnswer,
  ResumeAnswer,
  StartAnswer,
  StatusAnswer,
  Wire
} from '../../src/http/ops-answers.js'
import { findDescriptionFaults } from '../cli/described.js'
import { openOps } from '../cli/open-ops.js'
import {
  ALTERNATE,
  BLOCKED,
  HELD,
  HELD_AT_GP,
  PATIENT,
  POSSIBLE,
  RECORD,
  RETRYING,
  woundHub
} from '../cli/wounded-hub.js'

interface Reply<Answer> {
  status: number
  headers: Record<string, unknown>
  body: Wire<Answer>
}

async function openWounded(t: Test) {
  const ops = await openOps(t)
  await woundHub(ops.pool)
  const reader = await ops.bearer({ client: 'night-desk', scopes: ['ops/read'], permissions: [] })
  const writer = await ops.bearer({ client: 'night-desk', scopes: ['ops/read', 'ops/write'], permissions: [] })
  const supplier = await ops.bearer({ scopes: ['system/Immunization.cruds'] })
  const writerOnly = await ops.bearer({ scopes: ['ops/write'] })
  const answers: string[] = []
  const call = async <Answer>(
    method: 'GET' | 'POST',
    url: string,
    authorization: string,
    payload?: object | string
  ): Promise<Reply<Answer>> => {
    const answer = await ops.server.inject({
      method,
      url,
      headers: { authorization, ...(payload === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(payload === undefined ? {} : { payload })
    })
    answers.push(answer.body)
    const type = String(answer.headers['content-type']).replace(/;.*/, '')
    const faults = findDescriptionFaults(method, url, answer.statusCode, type, answer.json())
    t.same(faults, [], `${method} ${url} ${answer.statusCode} is as openapi.yaml says`)
    return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
  }
  return {
    ...ops,
    reader,
    supplier,
    writerOnly,
    answers,
    get: <Answer>(url: string, authorization = reader) => call<Answer>('GET', url, authorization),
    post: <Answer>(url: string, payload?: object | string, authorization = writer) =>
      call<Answer>('POST', url, authorization, payload)
  }
}

const textsOf = (body: unknown) => (body as OperationOutcome).issue.map((issue) => issue.details?.text ?? '')

t.test('status puts the worst destination first and says in one sentence what is wrong', async (t) => {
  const { get, pool } = await openWounded(t)

  const { status, body } = await get<StatusAnswer>('/ops/status')

  t.equal(status, 200)
  t.equal(body.verdict, 'trouble')
  t.equal(
    body.sentence,
    'Trouble at 2 of 3 destinations. gp-record: breaker open since 2026-11-02 08:20:00 UTC (unavailable), next try ' +
      '2026-11-02 09:01:00 UTC, 2 held: a person must look, oldest undelivered waits since 2026-11-02 07:50:00 UTC; ' +
      'nhs-immunisation-api: 1 held: a person must look, oldest undelivered waits since 2026-11-02 08:10:00 UTC.'
  )
  const [worst, second, best] = body.destinations
  t.match(worst, { destination: 'gp-record', breaker: 'open', held: 2, retrying: 1, due: 0, errors: 4, delivered: 0 })
  t.equal(worst?.oldestUndeliveredSeconds, 4200)
  t.match(second, { destination: 'nhs-immunisation-api', breaker: 'closed', held: 1, blocked: 1, errors: 1 })
  t.match(best, { destination: 'eligibility-store', verdict: 'ok', delivered: 2, errors: 0, troubles: [] })
  t.equal(best?.oldestUndeliveredSeconds, null)

  await pool.query('update destination set breaker_opened_at = null, resume_at = null')
  await pool.query(`update delivery set state = 'cancelled', finished_at = now() where finished_at is null`)
  const mended = await get<StatusAnswer>('/ops/status')
  t.equal(mended.body.verdict, 'ok')
  t.equal(mended.body.sentence, 'All 3 destinations are well.')
})

t.test('a hub without destinations is well and says so', async (t) => {
  const ops = await openOps(t)

  const answer = await ops.server.inject({
    url: '/ops/status',
    headers: { authorization: await ops.bearer({ scopes: ['ops/read'] }) }
  })

  t.match(answer.json(), {
    verdict: 'ok',
    sentence: 'No destination is known: nothing is delivered anywhere.',
    destinations: []
  })
})

t.test('explain tells why a version waits, and what to do next', async (t) => {
  const { get } = await openWounded(t)

  const { body } = await get<ExplainAnswer>(`/ops/records/${RECORD}/explain`)

  t.match(body, { recordId: RECORD, vaccineType: 'FLU', currentVersion: 3, verdict: 'trouble' })
  t.same(
    body.versions.map(({ version }) => version),
    [3, 2, 1]
  )
  const at = (version: number, destination: string) =>
    body.versions
      .find((candidate) => candidate.version === version)
      ?.deliveries.find((delivery) => delivery.destination === destination)
  t.equal(
    at(3, 'nhs-immunisation-api')?.sentence,
    'Version 3 for nhs-immunisation-api waits behind version 2, which is held since 2026-11-02 08:12:00 UTC (400 ' +
      'refused: doseQuantity.value is required for delivery 019ad6f0-1111-7000-8000-000000000001).'
  )
  t.same(at(3, 'nhs-immunisation-api')?.next, [
    `imms deliveries show ${HELD}`,
    'imms replay plan --destination nhs-immunisation-api --state held --class refused --reason "<why>"',
    `imms deliveries skip ${HELD} --reason "<why>"`
  ])
  t.equal(at(1, 'nhs-immunisation-api')?.sentence, 'Version 1 reached nhs-immunisation-api at 2026-11-02 08:00:00 UTC.')
  t.match(at(3, 'gp-record'), { deliveryId: null, sentence: /^Version 3 was not planned for gp-record/ })
  t.match(body.event, {
    isSurvivor: true,
    sentence: /is the survivor of its event group: it counts, and stands for one other record/,
    alternates: [{ recordId: ALTERNATE, sentence: /is the same jab by rule same-day-same-product \(100 points\)/ }],
    possibleDuplicates: [
      { recordId: POSSIBLE, score: 62, sentence: /may be the same jab: rule near-day-score gave 62/ }
    ]
  })
})

t.test('explain says of an alternate which record counts instead, and when a retry comes', async (t) => {
  const { get, pool } = await openWounded(t)

  const down = await get<ExplainAnswer>(`/ops/records/${ALTERNATE}/explain`)
  await pool.query(`update destination set state = 'paused' where destination = 'gp-record'`)
  const paused = await get<ExplainAnswer>(`/ops/records/${ALTERNATE}/explain`)
  await pool.query(`update destination set state = 'active', resume_at = null where destination = 'gp-record'`)
  const retrying = await get<ExplainAnswer>(`/ops/records/${ALTERNATE}/explain`)
  await pool.query(`update delivery set due_at = '2026-11-02T08:59:00Z' where delivery_id = $1`, [RETRYING])
  const due = await get<ExplainAnswer>(`/ops/records/${ALTERNATE}/explain`)

  t.match(down.body, { verdict: 'ok', event: { isSurvivor: false, role: 'alternate' } })
  t.match(
    down.body.event.sentence,
    `This record (alternate) does not count: record ${RECORD} counts for the same jab instead.`
  )
  const sentenceOf = (answer: Reply<ExplainAnswer>) =>
    answer.body.versions[0]?.deliveries.find((delivery) => delivery.state === 'ready')?.sentence
  t.equal(
    sentenceOf(down),
    'Version 1 for gp-record waits: nothing goes to gp-record before 2026-11-02 09:01:00 UTC (unavailable).'
  )
  t.equal(sentenceOf(paused), 'Version 1 for gp-record waits: gp-record is paused.')
  t.equal(
    sentenceOf(retrying),
    'Version 1 for gp-record is due again at 2026-11-02 09:10:00 UTC after a failed attempt (503 unavailable: the receiver answered 503).'
  )
  t.equal(sentenceOf(due), 'Version 1 for gp-record is due since 2026-11-02 08:59:00 UTC; it is queued next.')
})

t.test('explain has a sentence for every state a delivery can be in', async (t) => {
  const { get, pool } = await openWounded(t)
  const expected: [set: string, sentence: RegExp][] = [
    [`state = 'queued', queued_at = '2026-11-02T08:58:00Z'`, /is in the queue since 2026-11-02 08:58:00 UTC/],
    [
      `state = 'in_flight', queued_at = null, lease_until = '2026-11-02T09:00:30Z', lease_owner = 'w'`,
      /is being sent now \(attempt 3, until 2026-11-02 09:00:30 UTC at most\)/
    ],
    [
      `state = 'verify', lease_until = null, lease_owner = null`,
      /may have arrived \(503 unavailable: .*\): from 2026-11-02 09:10:00 UTC on the receiver is asked, before it is sent again/
    ],
    [
      `state = 'held', crash_count = 3, last_class = 'crashed', last_status = null`,
      /is held since .* \(crashed, 3 crashed attempts: /
    ],
    [
      `state = 'superseded', finished_at = '2026-11-02T08:59:30Z'`,
      /gave way to another record of the same jab at 2026-11-02 08:59:30 UTC, before it was sent/
    ],
    [`superseded_by = delivery_id`, /was never sent: version 1 took its place at 2026-11-02 08:59:30 UTC/],
    [
      `superseded_by = null, operation = 'delete'`,
      /was not sent: when it came at 2026-11-02 08:59:30 UTC, there was nothing to take back there/
    ],
    [`takeover = 'withdrawn'`, /was to be taken back there, but counted again at 2026-11-02 08:59:30 UTC/],
    [`state = 'cancelled', takeover = null, operation = 'create'`, /was skipped at 2026-11-02 08:59:30 UTC/],
    [`state = 'ready', finished_at = null, last_class = null, due_at = '2026-11-02T09:30:00Z'`, /is not sent yet/],
    [
      `state = 'blocked', operation = 'delete', takeover = 'withdrawn', successor_id = '${HELD}'`,
      /is to be taken back there once record \S+ of the same jab, which counts instead, has arrived; that one is held\./
    ]
  ]
  await pool.query('update destination set resume_at = null')
  for (const [set, sentence] of expected) {
    await pool.query(`update delivery set ${set} where delivery_id = $1`, [RETRYING])
    const { body } = await get<ExplainAnswer>(`/ops/records/${ALTERNATE}/explain`)
    const told = body.versions[0]?.deliveries.find((delivery) => delivery.deliveryId === RETRYING)
    t.match(told?.sentence, sentence, set)
  }
})

t.test('deliveries are counted by state first, filtered, and paged newest first', async (t) => {
  const { get } = await openWounded(t)
  const idsOf = (answer: { body: { deliveries: { deliveryId: string }[] } }) =>
    answer.body.deliveries.map((one) => one.deliveryId)

  const all = await get<DeliveriesAnswer>('/ops/deliveries')
  const held = await get<DeliveriesAnswer>('/ops/deliveries?state=held&state=blocked')
  const atGp = await get<DeliveriesAnswer>('/ops/deliveries?destination=gp-record&class=unavailable')
  const ranged = await get<DeliveriesAnswer>('/ops/deliveries?since=2026-11-02T08:10:00Z&until=2026-11-02T08:30:00Z')
  const ofRecord = await get<DeliveriesAnswer>(`/ops/deliveries?record=${ALTERNATE}`)
  const none = await get<DeliveriesAnswer>('/ops/deliveries?since=2026-11-03')

  t.same(all.body.counts, [
    { state: 'held', count: 3, atLeast: false },
    { state: 'ready', count: 1, atLeast: false },
    { state: 'blocked', count: 1, atLeast: false },
    { state: 'delivered', count: 4, atLeast: false }
  ])
  t.same(idsOf(held), [...HELD_AT_GP.toReversed(), BLOCKED, HELD])
  t.same(idsOf(atGp), [RETRYING])
  t.same(idsOf(ranged), [RETRYING, HELD], 'from is included, until is not')
  t.same(idsOf(ofRecord), [RETRYING])
  t.same(none.body, { counts: [], deliveries: [], next: null })

  const walked: string[] = []
  for (let after: string | null = ''; after !== null;) {
    const page: Reply<DeliveriesAnswer> = await get<DeliveriesAnswer>(
      `/ops/deliveries?limit=4${after === '' ? '' : `&after=${after}`}`
    )
    t.ok(page.body.deliveries.length <= 4)
    walked.push(...idsOf(page))
    after = page.body.next
  }
  t.same(walked, idsOf(all))
})

t.test('one delivery shows its attempts, newest first', async (t) => {
  const { get } = await openWounded(t)

  const { body } = await get<DeliveryAnswer>(`/ops/deliveries/${RETRYING.toUpperCase()}`)
  const unknown = await get<DeliveryAnswer>('/ops/deliveries/019ad6f0-0000-7000-8d01-0000000000ff')

  t.match(body, {
    deliveryId: RETRYING,
    state: 'ready',
    class: 'unavailable',
    supplier: 'gp-system',
    series: 1,
    tries: 2
  })
  t.same(
    body.attempts.map((one: { attempt: number }) => one.attempt),
    [2, 1]
  )
  t.match(body.attempts[0], { worker: 'worker-1', outcome: 'unavailable', status: 503, triggeredBy: 'schedule' })
  t.equal(unknown.status, 404)
})

t.test('errors that differ only in ids and numbers are one error', async (t) => {
  const { get } = await openWounded(t)

  const { body } = await get<ErrorsAnswer>('/ops/errors')
  const atNhs = await get<ErrorsAnswer>('/ops/errors?destination=nhs-immunisation-api&limit=1')
  const earlier = await get<ErrorsAnswer>('/ops/errors?since=2026-11-01&until=2026-11-02')

  t.match(body.groups, [
    { destination: 'gp-record', class: 'unavailable', status: 503, count: 2, sampleDeliveryId: RETRYING },
    {
      destination: 'gp-record',
      class: 'refused',
      status: 422,
      count: 2,
      message: /^unknown practice code for message \d$/
    },
    { destination: 'nhs-immunisation-api', class: 'refused', status: 400, count: 1 }
  ])
  t.equal(body.groups.length, 3)
  t.same(atNhs.body.groups.length, 1)
  t.same(earlier.body, { since: '2026-11-01T00:00:00.000Z', until: '2026-11-02T00:00:00.000Z', groups: [] })
})

t.test('refusals are counted by rule and supplier, and listed without what was sent', async (t) => {
  const { get } = await openWounded(t)

  const { body } = await get<RefusalsAnswer>('/ops/refusals?limit=2')
  const next = await get<RefusalsAnswer>(`/ops/refusals?limit=4&after=${encodeURIComponent(body.next ?? '')}`)
  const byRule = await get<RefusalsAnswer>('/ops/refusals?rule=batch-not-expired&supplier=sandwell-pharmacy')

  t.same(body.counts, [
    { rule: 'nhs-number-check-digit', supplier: 'sandwell-pharmacy', count: 3 },
    { rule: 'nhs-number-check-digit', supplier: 'school-team', count: 2 },
    { rule: 'batch-not-expired', supplier: 'sandwell-pharmacy', count: 1 }
  ])
  const requestsOf = (answer: typeof next) => answer.body.refusals.map((one) => one.requestId)
  t.same(requestsOf({ ...next, body }), ['refused-5', 'refused-4'])
  t.same(requestsOf(next), ['refused-3', 'refused-2', 'refused-1'])
  t.equal(next.body.next, null)
  t.same(Object.keys(body.refusals[0] ?? {}).sort(), [
    'receivedAt',
    'requestId',
    'rules',
    'status',
    'submissionId',
    'supplier'
  ])
  t.same(byRule.body.counts, [{ rule: 'batch-not-expired', supplier: 'sandwell-pharmacy', count: 1 }])
  t.same(requestsOf(byRule), ['refused-5'])
})

t.test('a destination is paused and resumed for a reason, and the audit trail keeps it', async (t) => {
  const { get, post } = await openWounded(t)

  const paused = await post<DestinationAnswer>('/ops/destinations/gp-record/pause', {
    reason: 'INC-7: practice codes are being mended'
  })
  const whilePaused = await get<StatusAnswer>('/ops/status')
  const resumed = await post<DestinationAnswer>('/ops/destinations/gp-record/resume', { reason: 'INC-7 is over' })
  const after = await get<StatusAnswer>('/ops/status')
  const unknown = await post<DestinationAnswer>('/ops/destinations/nowhere/pause', { reason: 'a slip of the hand' })

  t.same(paused.body, { destination: 'gp-record', state: 'paused' })
  t.match(whilePaused.body.destinations[0], { destination: 'gp-record', state: 'paused' })
  t.same(resumed.body, { destination: 'gp-record', state: 'active' })
  t.match(
    after.body.destinations[0],
    { destination: 'gp-record', state: 'active', breaker: 'closed' },
    'a person resumes at once'
  )
  t.equal(unknown.status, 404)
  const { body } = await get<AuditAnswer>('/ops/audit')
  t.match(body.entries, [
    {
      actor: 'night-desk',
      action: 'destination.resume',
      detail: { destination: 'gp-record', before: 'paused', reason: 'INC-7 is over' }
    },
    { actor: 'night-desk', action: 'destination.pause', detail: { before: 'active', reason: /^INC-7: practice/ } }
  ])
  t.equal(body.entries.length, 2)
})

const WELL = `update destination set breaker_opened_at = null, resume_at = null`

t.test('a replay is planned, counted, started and shown', async (t) => {
  const { get, post, pool, runner } = await openWounded(t)
  await pool.query(WELL)

  const plan = await post<PlanAnswer>('/ops/replays', {
    destination: 'gp-record',
    since: '2026-11-02T08:00:00Z',
    reason: 'INC-7'
  })
  const before = await get<DeliveriesAnswer>('/ops/deliveries?destination=gp-record&state=held')
  const miscounted = await post<StartAnswer>(`/ops/replays/${plan.body.replayId}/start`, { confirm: 3 })
  const started = await post<StartAnswer>(`/ops/replays/${plan.body.replayId}/start`, { confirm: 2, ratePerSecond: 50 })
  const again = await post<StartAnswer>(`/ops/replays/${plan.body.replayId}/start`, { confirm: 2 })
  const left = await get<ReplayAnswer>(`/ops/replays/${plan.body.replayId}`)
  await runner.release()
  const shown = await get<ReplayAnswer>(`/ops/replays/${plan.body.replayId}`)
  const failed = await get<ReplayAnswer>(`/ops/replays/${plan.body.replayId}?result=failed&limit=5`)
  const listed = await get<ReplaysAnswer>('/ops/replays')

  t.equal(plan.status, 201)
  t.equal(plan.headers['location'], `/ops/replays/${plan.body.replayId}`)
  t.match(plan.body, { planned: 2, records: 2, more: false, byClass: { refused: 2 }, approvalNeeded: null })
  t.same(before.body.counts, [{ state: 'held', count: 2, atLeast: false }], 'a plan changes nothing')
  t.equal(miscounted.status, 412)
  t.match(textsOf(miscounted.body), [/The plan has 2 deliveries, 3 were confirmed/])
  t.same(started.body, { replayId: plan.body.replayId, state: 'running', planned: 2, ratePerSecond: 50 })
  t.equal(again.status, 409)
  t.match(left.body, { state: 'running', reason: 'INC-7', actor: 'night-desk', progress: { left: 2, waiting: 0 } })
  t.match(shown.body, { ratePerSecond: 50, progress: { left: 0, waiting: 2 }, items: [{ result: 'requeued' }, {}] })
  t.same(failed.body.items, [])
  t.match(listed.body.replays, [{ replayId: plan.body.replayId, state: 'running' }])
  const { rows } = await pool.query(`select state, series from delivery where delivery_id = any ($1)`, [HELD_AT_GP])
  t.same(rows, [
    { state: 'ready', series: 2 },
    { state: 'ready', series: 2 }
  ])
})

t.test('a replay is paused, resumed and cancelled, and every step stands in the audit trail', async (t) => {
  const hub = await openWounded(t)
  const { get, post, pool } = hub
  await pool.query(WELL)
  const plan = await post<PlanAnswer>('/ops/replays', { destination: 'gp-record', reason: 'INC-7' })
  const at = `/ops/replays/${plan.body.replayId}`
  const dayDesk = await hub.bearer({ client: 'day-desk', scopes: ['ops/write'], permissions: [] })
  await pool.query(`update replay set approval_needed = 'many'`)

  const own = await post<ApproveAnswer>(`${at}/approve`, { reason: 'INC-7' })
  const early = await post<StartAnswer>(`${at}/start`, { confirm: 2 })
  const approved = await post<ApproveAnswer>(`${at}/approve`, { reason: 'looked through' }, dayDesk)
  await post<StartAnswer>(`${at}/start`, { confirm: 2 })
  const paused = await post<PauseAnswer>(`${at}/pause`, { reason: 'they ring us' })
  const twice = await post<PauseAnswer>(`${at}/pause`, { reason: 'they ring us' })
  const resumed = await post<ResumeAnswer>(`${at}/resume`, { reason: 'they are ready', ratePerSecond: 2 })
  const unexplained = await post<CancelAnswer>(`${at}/cancel`, {})
  const cancelled = await post<CancelAnswer>(`${at}/cancel`, { reason: 'wrong day' })
  const audit = await get<AuditAnswer>('/ops/audit?action=replay')

  t.match(textsOf(own.body), [/night-desk planned replay .*: another person must approve it/])
  t.same([own.status, early.status, twice.status, unexplained.status], [409, 409, 409, 400])
  t.match(approved.body, { replayId: plan.body.replayId, state: 'planned', approvedBy: 'day-desk' })
  t.same(paused.body, { replayId: plan.body.replayId, state: 'paused' })
  t.same(resumed.body, { replayId: plan.body.replayId, state: 'running', ratePerSecond: 2 })
  t.same(cancelled.body, { replayId: plan.body.replayId, state: 'cancelled', left: 2 })
  t.same(audit.body.entries.map((entry) => [entry.actor, entry.action]).reverse(), [
    ['night-desk', 'replay.plan'],
    ['day-desk', 'replay.approve'],
    ['night-desk', 'replay.start'],
    ['night-desk', 'replay.pause'],
    ['night-desk', 'replay.resume'],
    ['night-desk', 'replay.cancel']
  ])
})

t.test('a plan can be cancelled without a reason until it starts', async (t) => {
  const { get, post } = await openWounded(t)
  const plan = await post<PlanAnswer>('/ops/replays', { destination: 'gp-record', reason: 'only looking' })

  const closed = await post<StartAnswer>(`/ops/replays/${plan.body.replayId}/start`, { confirm: 2 })
  const cancelled = await post<CancelAnswer>(`/ops/replays/${plan.body.replayId}/cancel`, {})
  const started = await post<StartAnswer>(`/ops/replays/${plan.body.replayId}/start`, { confirm: 2 })
  const unknown = await post<CancelAnswer>('/ops/replays/019ad6f0-0000-7000-8d01-0000000000ff/cancel', {})
  const nowhere = await post<PlanAnswer>('/ops/replays', { destination: 'nowhere', reason: 'only looking' })

  t.match(textsOf(closed.body), [/gp-record takes nothing now \(the breaker is open\)/])
  t.same(cancelled.body, { replayId: plan.body.replayId, state: 'cancelled', left: 2 })
  t.equal(started.status, 409)
  t.equal(unknown.status, 404)
  t.equal(nowhere.status, 404)
  t.match(textsOf(nowhere.body), [/no destination "nowhere"; known are nhs-immunisation-api/])
  const { body } = await get<AuditAnswer>('/ops/audit?action=replay')
  t.same(
    body.entries.map((entry: { action: string }) => entry.action),
    ['replay.cancel', 'replay.plan']
  )
})

t.test('skipping what is held lets the next version go, and leaves a trace on the record', async (t) => {
  const { get, post } = await openWounded(t)

  const skipped = await post<SkipAnswer>(`/ops/deliveries/${HELD}/skip`, { reason: 'INC-8: version 3 mends it' })
  const again = await post<SkipAnswer>(`/ops/deliveries/${HELD}/skip`, { reason: 'INC-8: version 3 mends it' })
  const unknown = await post<SkipAnswer>('/ops/deliveries/019ad6f0-0000-7000-8d01-0000000000ff/skip', {
    reason: 'INC-8'
  })
  const behind = await get<DeliveryAnswer>(`/ops/deliveries/${BLOCKED}`)
  const audit = await get<AuditAnswer>(`/ops/audit?record=${RECORD}`)

  t.same(skipped.body, { deliveryId: HELD, state: 'cancelled', promoted: true })
  t.equal(again.status, 409)
  t.equal(unknown.status, 404)
  t.equal(behind.body.state, 'ready')
  t.match(audit.body.entries, [
    { action: 'delivery.skip', recordId: RECORD, detail: { deliveryId: HELD, reason: /^INC-8/ } }
  ])
})

t.test('the audit trail is paged without losing entries of the same moment', async (t) => {
  const { get, post } = await openWounded(t)
  for (let number = 1; number <= 5; number++) {
    await post<DestinationAnswer>('/ops/destinations/gp-record/pause', { reason: `reason ${number}` })
  }

  const reasons: string[] = []
  let pages = 0
  for (let after: string | null = ''; after !== null; pages++) {
    const { body }: Reply<AuditAnswer> = await get<AuditAnswer>(
      `/ops/audit?limit=2${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`
    )
    reasons.push(...body.entries.map((entry) => String(entry.detail['reason'])))
    after = body.next
  }
  const ofOther = await get<AuditAnswer>('/ops/audit?actor=somebody-else')
  const ofDay = await get<AuditAnswer>('/ops/audit?since=2026-11-02&until=2026-11-03&action=destination.pause')

  t.same(reasons, ['reason 5', 'reason 4', 'reason 3', 'reason 2', 'reason 1'])
  t.equal(pages, 3)
  t.same(ofOther.body, { entries: [], next: null })
  t.equal(ofDay.body.entries.length, 5)
})

/** What they ask for is too large for a URL, or must not stand in one; a ticket is made, and is good for reading. */
const POSTED_READS = [
  '/ops/patients/find',
  '/ops/programmes/rehearse',
  '/ops/duplicates/rehearse',
  '/ops/verify',
  '/ops/board/tickets'
]
/** Browsers open them by a ticket and a session: test/http/ops-board.test.ts. */
const BY_SESSION = ['/ops/board/open', '/ops/board', '/ops/board/*']

t.test('reads want ops/read, writes want ops/write, and nothing is open', async (t) => {
  const { get, post, server, reader, supplier, writerOnly } = await openWounded(t)
  const ops = server.routes.filter(({ path }) => path.startsWith('/ops') && !BY_SESSION.includes(path))

  t.ok(ops.length > 30)
  for (const { method, path, access } of ops) {
    const url = path.replace(':id', HELD).replace(':name', 'gp-record')
    const isRead = method === 'GET' || POSTED_READS.includes(path)
    t.equal(access, isRead ? 'ops/read' : 'ops/write', `${method} ${path}`)
    const call = (authorization: string) =>
      method === 'GET' ? get(url, authorization) : post(url, { reason: 'let me in' }, authorization)
    const nobody = await server.inject({ method: method === 'GET' ? 'GET' : 'POST', url })
    t.equal(nobody.statusCode, 401, `${method} ${path} without a token`)
    t.equal((await call(supplier)).status, 403, `${method} ${path} as a supplier`)
    t.equal((await call(isRead ? writerOnly : reader)).status, 403, `${method} ${path} with the other scope`)
  }
})

t.test('what cannot be asked is refused with every fault, its place and what to do', async (t) => {
  const { get, post, lines } = await openWounded(t)
  const reads: [url: string, texts: RegExp[]][] = [
    [
      '/ops/deliveries?x=1&limit=a&since=2026-02-31&after=zz&state=lost',
      [
        /query: "x" is not known here/,
        /query.state\[0\]: must be one of held, verify/,
        /query.since: must be a day \(2026-11-22\) or a date-time/,
        /query.limit: must be integer/,
        /query.after: must be an id/
      ]
    ],
    ['/ops/deliveries?destination=a&destination=b', [/query.destination: must be string/]],
    ['/ops/deliveries?since=2026-11-02T08:00:00', [/query.since: must be a day/]],
    ['/ops/deliveries?since=2026-11-02&until=2026-11-02', [/until: must be later than since/]],
    ['/ops/deliveries?limit=0', [/query.limit: must be >= 1/]],
    ['/ops/audit?after=2026', [/query.after: must be the "next" of an earlier answer/]],
    ['/ops/refusals?after=2026-11-02T08:04:00.000000Z~019ad6f0', [/query.after: must be the "next"/]],
    ['/ops/status?verbose=true', [/"verbose" is not known here/]],
    ['/ops/deliveries/7', [/path.id: must be an id \(UUID\)/]],
    [`/ops/records/${RECORD}x/explain`, [/path.id: must be an id/]],
    ['/ops/errors?limit=501', [/query.limit: must be <= 500/]]
  ]
  for (const [url, texts] of reads) {
    const { status, body } = await get(url)
    t.equal(status, 400, url)
    for (const text of texts)
      t.ok(
        textsOf(body).some((found) => text.test(found)),
        `${url} ${text}: ${textsOf(body).join('; ')}`
      )
  }

  const pause = '/ops/destinations/gp-record/pause'
  const writes: [url: string, payload: object | string | undefined, text: RegExp][] = [
    [pause, undefined, /a JSON object is expected/],
    [pause, '', /a JSON object is expected/],
    [pause, '{"reason":', /this is not JSON/],
    [pause, '[]', /body: must be object/],
    [pause, {}, /body: "reason" is missing; add it/],
    [pause, { reason: 'ab' }, /body.reason: must be words of at least 3 characters/],
    [pause, { reason: '     ' }, /body.reason: must be words/],
    [pause, { reason: 'x'.repeat(501) }, /body.reason: must NOT have more than 500/],
    [pause, { reason: `asked by ${PATIENT.nhsNumber}` }, /body.reason: must be words .* without an NHS number/],
    [pause, { reason: 'INC-7', force: true }, /"force" is not known here/],
    [`${pause}?reason=INC-7`, { reason: 'INC-7' }, /query: "reason" is not known here/],
    ['/ops/replays', { reason: 'INC-7' }, /"destination" is missing/],
    ['/ops/replays', { destination: 'gp-record' }, /"reason" is missing/],
    [
      '/ops/replays',
      { destination: 'gp-record', reason: 'INC-7', states: ['delivered'] },
      /body.states\[0\]: must be one of held, ready/
    ],
    ['/ops/replays', { destination: 'gp-record', reason: 'INC-7', limit: '5' }, /body.limit: must be integer/],
    ['/ops/replays', { destination: 'gp-record', reason: 'INC-7', since: '1h' }, /body.since: must be a day/],
    [`/ops/replays/${HELD}/start`, {}, /"confirm" is missing/],
    [`/ops/replays/${HELD}/start`, { confirm: 1.5 }, /body.confirm: must be integer/],
    [`/ops/replays/${HELD}/start`, { confirm: 1, share: 2 }, /body.share: must be <= 1/],
    [`/ops/replays/${HELD}/start`, { confirm: 1, share: 1, ratePerSecond: 1 }, /"ratePerSecond" or "share", not both/],
    [`/ops/replays/${HELD}/resume`, { reason: 'INC-7', ratePerSecond: 0 }, /body.ratePerSecond: must be > 0/],
    [`/ops/replays/${HELD}/pause`, {}, /"reason" is missing/],
    [`/ops/replays/${HELD}/approve`, {}, /"reason" is missing/],
    [`/ops/replays/${HELD}/cancel`, { why: 'INC-7' }, /"why" is not known/]
  ]
  for (const [url, payload, text] of writes) {
    const { status, body } = await post(url, payload)
    t.equal(status, 400, `${url} ${JSON.stringify(payload)}`)
    t.ok(
      textsOf(body).some((found) => text.test(found)),
      `${url} ${JSON.stringify(payload)}: ${textsOf(body).join('; ')}`
    )
  }
  t.same((await get<AuditAnswer>('/ops/audit')).body.entries, [], 'what is refused leaves no trace')
  t.same(
    lines.filter((line) => line.level === 'error'),
    []
  )
})

t.test('no answer and no log line holds anything of the patient', async (t) => {
  const { get, post, answers, lines, pool } = await openWounded(t)

  for (const path of [
    'status',
    `records/${RECORD}/explain`,
    'deliveries',
    `deliveries/${HELD}`,
    'errors',
    'refusals',
    'audit',
    'replays'
  ])
    t.equal((await get(`/ops/${path}`)).status, 200, path)
  const plan = await post<PlanAnswer>('/ops/replays', { destination: 'gp-record', reason: 'INC-7' })
  await post<StartAnswer>(`/ops/replays/${plan.body.replayId}/start`, { confirm: 2 })
  await get<ReplayAnswer>(`/ops/replays/${plan.body.replayId}`)
  await post<SkipAnswer>(`/ops/deliveries/${HELD}/skip`, { reason: 'INC-8' })
  await post<DestinationAnswer>('/ops/destinations/gp-record/pause', { reason: `for ${PATIENT.nhsNumber}` })

  const { rows } = await pool.query('select body from record_version limit 1')
  const seen = [...answers, ...lines.map((line) => JSON.stringify(line))].join('\n')
  for (const [name, value] of Object.entries(PATIENT)) {
    t.match(rows[0].body, value, `${name} is in the database`)
    t.notOk(seen.includes(value), `${name} is nowhere else`)
  }
})

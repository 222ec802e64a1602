import t from 'tap'
import type { Test } from 'tap'
import type { OperationOutcome } from 'fhir/r4.js'
import type { Destination, ReadBack } from '../../src/delivery/destination.js'
import type {
  AttemptsAnswer,
  BreakerAnswer,
  DoctorAnswer,
  LimitsAnswer,
  ProbeAnswer,
  VerifyAnswer,
  Wire
} from '../../src/http/ops-answers.js'
import { findDescriptionFaults } from '../cli/described.js'
import { openOps } from '../cli/open-ops.js'
import { BLOCKED, HELD, PATIENT, RECORD, RETRYING, woundHub } from '../cli/wounded-hub.js'
import { NOW } from './open-door.js'
import { DELIVERED, DOWN, scriptDestination, type ScriptedDestination } from '../support/delivery-rig.js'

async function openDesk(t: Test, destinations?: readonly Destination[]) {
  const ops = await openOps(t, destinations)
  await woundHub(ops.pool)
  const reader = await ops.bearer({ client: 'night-desk', scopes: ['ops/read'], permissions: [] })
  const writer = await ops.bearer({ client: 'night-desk', scopes: ['ops/read', 'ops/write'], permissions: [] })
  const answers: string[] = []
  const call = async <Answer>(method: 'GET' | 'POST', url: string, authorization: string, payload?: object) => {
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
    return { status: answer.statusCode, body: answer.json<Wire<Answer>>() }
  }
  return {
    ...ops,
    answers,
    reader,
    get: <Answer>(url: string) => call<Answer>('GET', url, reader),
    post: <Answer>(url: string, payload: object, authorization = writer) =>
      call<Answer>('POST', url, authorization, payload)
  }
}

/** The wounded hub was written to be looked at: here it also keeps every promise. */
const SOUND = [
  `update delivery_attempt set triggered_by = 'probe' where delivery_id = '${RETRYING}'`,
  `insert into delivery (
     delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at, created_at, finished_at
   )
   select gen_random_uuid(), 'gp-record', record_id, version, patient_key, version, operation, 'cancelled', received_at,
          received_at, received_at
     from record_version
    where record_id = '${RECORD}'
      and version > 1`
]

async function openSound(t: Test, destinations?: readonly Destination[]) {
  const desk = await openDesk(t, destinations)
  for (const sql of SOUND) await desk.pool.query(sql)
  return desk
}

const SINCE = '2026-11-02T00:00:00Z'
const idsOf = (body: Wire<VerifyAnswer>) =>
  Object.fromEntries(body.invariants.filter(({ ids }) => ids.length > 0).map(({ id, ids }) => [id, ids]))
const textOf = (body: unknown) => (body as OperationOutcome).issue[0]?.details?.text ?? ''

t.test('a wounded hub that keeps its promises breaks no invariant', async (t) => {
  const { post, reader } = await openSound(t)

  const { status, body } = await post<VerifyAnswer>('/ops/verify', { since: SINCE, sample: 0 }, reader)

  t.equal(status, 200)
  t.same(idsOf(body), {})
  t.match(body, { verdict: 'ok', sentence: 'Nothing is lost, out of order or told twice.', next: [], receivers: [] })
  t.same(
    body.invariants.map(({ id }) => id),
    ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10']
  )
})

const wounds: [invariant: string, what: string, sql: string, ids: string[]][] = [
  ['I1', 'a version that never went down its lane', `delete from delivery where delivery_id = '${BLOCKED}'`, [RECORD]],
  [
    'I2',
    'a lease that nobody sweeps',
    `update delivery set state = 'in_flight', lease_until = now() - interval '5 minutes' where delivery_id = '${RETRYING}'`,
    [RETRYING]
  ],
  [
    'I3',
    'a lane without a head',
    `update delivery set state = 'cancelled', finished_at = now() where delivery_id = '${HELD}'`,
    [BLOCKED]
  ],
  [
    'I4',
    'a later version that arrived before an earlier one',
    `update delivery_attempt set ended_at = ended_at + interval '2 hours', started_at = started_at
      where delivery_id = '019ad6f0-0000-7000-8d01-000000000002'`,
    ['019ad6f0-0000-7000-8d01-000000000006', '019ad6f0-0000-7000-8d01-000000000007']
  ],
  [
    'I5',
    'a success that no attempt tells of',
    `update delivery_attempt set outcome = 'unavailable' where delivery_id = '019ad6f0-0000-7000-8d01-000000000001'`,
    ['019ad6f0-0000-7000-8d01-000000000001']
  ],
  ['I6', 'a claim without its attempt', `update delivery set epoch = 7 where delivery_id = '${HELD}'`, [HELD]],
  [
    'I7',
    'a delivery that was sent after its end',
    `update delivery_attempt set started_at = '2026-11-02T08:55:00Z', ended_at = '2026-11-02T08:56:00Z'
      where delivery_id = '019ad6f0-0000-7000-8d01-000000000001'`,
    ['019ad6f0-0000-7000-8d01-000000000001']
  ],
  [
    'I8',
    'an attempt behind an open breaker that was no probe',
    `update delivery_attempt set triggered_by = 'schedule' where delivery_id = '${RETRYING}' and epoch = 2`,
    [RETRYING]
  ],
  [
    'I9',
    'a replay that ended without a result',
    `with made as (
       insert into replay (replay_id, destination, created_at, actor, reason, filter, state, planned)
       values ('019ad6f0-0000-7000-8f09-000000000009', 'gp-record', '2026-11-02T08:00:00Z', 'x', 'y', '{}', 'done', 1)
       returning replay_id
     )
     insert into replay_item (replay_id, delivery_id, planned_state, planned_epoch)
     select replay_id, '${HELD}', 'held', 1 from made`,
    ['019ad6f0-0000-7000-8f09-000000000009']
  ]
]

for (const [invariant, what, sql, ids] of wounds) {
  t.test(`${invariant} finds ${what}`, async (t) => {
    const { post, pool } = await openSound(t)
    await pool.query(sql)

    const { body } = await post<VerifyAnswer>('/ops/verify', { since: SINCE, sample: 0 })

    t.same([...(idsOf(body)[invariant] ?? [])].sort(), ids)
    t.equal(body.verdict, 'trouble')
    t.match(body.sentence, new RegExp(`^.*${invariant} \\(.*\\) is broken ${ids.length} times`))
    t.ok(body.next.length > 0)
  })
}

t.test('receivers are asked about what was delivered to them, no faster than they are sent to', async (t) => {
  const told: Record<string, ReadBack> = {}
  const readable = (name: string, ratePerSecond?: number): Destination & { asked: number[] } => {
    const asked: number[] = []
    const scripted = scriptDestination(
      { name, ...(ratePerSecond === undefined ? {} : { ratePerSecond }) },
      () => DELIVERED
    )
    return Object.assign(scripted, {
      asked,
      readBack: (delivery: { recordId: string }) => {
        asked.push(performance.now())
        return Promise.resolve(told[delivery.recordId] ?? { kind: 'same' as const })
      }
    })
  }
  const store = readable('eligibility-store', 4)
  const silent = scriptDestination({ name: 'nhs-immunisation-api' }, () => DELIVERED)
  const closed = readable('gp-record')
  const { post, answers } = await openSound(t, [silent, store, closed])

  const same = await post<VerifyAnswer>('/ops/verify', { since: SINCE })
  told[RECORD] = { kind: 'differs', message: 'the item for FLU holds other totals' }
  const differing = await post<VerifyAnswer>('/ops/verify', { since: SINCE, destination: 'eligibility-store' })
  const other = await post<VerifyAnswer>('/ops/verify', { since: SINCE, record: HELD })
  const unknown = await post('/ops/verify', { destination: 'nowhere' })

  t.match(same.body, { verdict: 'ok' })
  t.match(same.body.receivers, [
    { destination: 'nhs-immunisation-api', asked: 0, note: 'this kind of receiver cannot be asked' },
    { destination: 'eligibility-store', asked: 1, same: 1, differences: [], note: null },
    { destination: 'gp-record', asked: 0, note: 'its breaker is open, or it wants a rest' }
  ])
  t.match(differing.body, {
    verdict: 'trouble',
    sentence: 'eligibility-store differs in 1 records.',
    receivers: [{ differences: [{ recordId: RECORD, kind: 'differs' }] }],
    next: [`imms explain ${RECORD}`, /^imms deliveries show /]
  })
  t.equal(other.body.receivers[1]?.asked, 0)
  t.equal(unknown.status, 404)
  // A look is two requests, and there are four a second.
  t.ok((store.asked[1] ?? 0) - (store.asked[0] ?? 0) > 200, 'the second look waits for its moment')
  t.same(closed.asked, [])
  for (const answer of answers) t.notMatch(answer, PATIENT.family)
})

t.test('the doctor tells of a role that nobody runs, and of a process that went silent', async (t) => {
  const { get, database, pool } = await openDesk(t)
  const report = (name: string, roles: string[], clockSkewMs = 0) =>
    database.stores.processes.report({ processId: crypto.randomUUID(), name, roles, clockSkewMs, gauges: {} })
  await report('a/1', ['api', 'relay'])
  await report('b/2', ['worker'])
  await pool.query(`update process set seen_at = now() - interval '5 minutes' where name = 'b/2'`)

  const ill = await get<DoctorAnswer>('/ops/doctor')
  await report('c/3', ['worker'], 4_000)
  const late = await get<DoctorAnswer>('/ops/doctor')
  await pool.query(`update process set clock_skew_ms = 12`)
  const well = await get<DoctorAnswer>('/ops/doctor')

  const find = (body: Wire<DoctorAnswer>, what: string) => body.findings.find((finding) => finding.what === what)
  t.equal(ill.body.verdict, 'trouble')
  t.equal(ill.body.sentence, 'One thing is wrong: role worker.')
  t.match(find(ill.body, 'role worker'), { state: 'trouble', todo: /--roles worker/ })
  t.match(find(ill.body, 'silent process'), { state: 'note', text: /^b\/2 \(worker\) was last heard of at / })
  t.match(find(late.body, 'clocks'), { state: 'trouble', text: 'c/3 is 4.0 s apart from PostgreSQL' })
  t.match(find(late.body, 'role worker'), { state: 'ok', text: /^c\/3 since / })
  t.match(well.body, { verdict: 'ok', sentence: 'The service stands on sound ground.' })
  for (const what of ['PostgreSQL', 'migrations', 'oldest transaction', 'locks', 'dead rows', 'connections', 'queue'])
    t.equal(find(well.body, what)?.state, 'ok', what)
})

t.test('a transaction that stays open for long is found', async (t) => {
  const { database, pool } = await openDesk(t)
  const client = await pool.connect()
  await client.query('begin')
  await client.query('select 1')

  const vitals = await database.stores.ops.readVitals()

  t.ok((vitals.oldestTransactionSeconds ?? 0) > 0)
  t.match(vitals.oldestTransactionBy, /^imms-test \(pid \d+, idle in transaction\)$/)
  await client.query('rollback')
  client.release()
})

t.test('attempts are told as they end, and the next question goes on from there', async (t) => {
  const { get, pool, answers } = await openDesk(t)

  const first = await get<AttemptsAnswer>('/ops/attempts?after=2026-11-02T08:00:00Z')
  const ofGp = await get<AttemptsAnswer>('/ops/attempts?after=2026-11-02T08:00:00Z&destination=gp-record')
  await pool.query(
    `insert into delivery_attempt (
       delivery_id, epoch, series, attempt, triggered_by, worker, started_at, ended_at, outcome, http_status
     )
     values ($1, 3, 1, 3, 'probe', 'w', $2::timestamptz - interval '1 second', $2, 'delivered', 202)`,
    [RETRYING, NOW]
  )
  const second = await get<AttemptsAnswer>(`/ops/attempts?after=${first.body.next}`)
  const lately = await get<AttemptsAnswer>('/ops/attempts')
  const wrong = await get('/ops/attempts?after=yesterday')

  t.ok(first.body.attempts.length >= 6)
  const ends = first.body.attempts.map(({ endedAt }) => endedAt)
  t.same(ends, [...ends].sort())
  t.ok(ofGp.body.attempts.every(({ destination }) => destination === 'gp-record'))
  t.match(second.body.attempts.at(-1), { deliveryId: RETRYING, epoch: 3, triggeredBy: 'probe', status: 202 })
  t.ok(second.body.attempts.length < first.body.attempts.length)
  t.same(
    lately.body.attempts.map(({ epoch }) => epoch),
    [3]
  )
  t.equal(wrong.status, 400)
  for (const answer of answers) t.notMatch(answer, PATIENT.family)
})

function scripted(outcome: () => typeof DELIVERED): ScriptedDestination[] {
  return ['nhs-immunisation-api', 'gp-record', 'eligibility-store'].map((name) => scriptDestination({ name }, outcome))
}

const DUE = `update delivery set due_at = '2026-11-02T08:30:00Z' where delivery_id = '${RETRYING}'`

t.test('a probe goes through an open breaker, and its answer closes it', async (t) => {
  const destinations = scripted(() => DELIVERED)
  const { post, pool } = await openDesk(t, destinations)

  const probed = await post<ProbeAnswer>('/ops/destinations/gp-record/probe', { reason: 'is it back?' })
  const again = await post('/ops/destinations/gp-record/probe', { reason: 'once more' })

  t.equal(probed.status, 200)
  t.match(probed.body, {
    destination: 'gp-record',
    deliveryId: RETRYING,
    outcome: 'delivered',
    status: 201,
    state: 'active',
    breaker: 'closed'
  })
  t.equal(destinations[1]?.received.length, 1)
  t.equal(again.status, 409)
  t.match(textOf(again.body), 'nothing holds gp-record back')
  const { rows } = await pool.query<object>(
    `select triggered_by, worker, outcome from delivery_attempt where delivery_id = $1 and epoch = 3`,
    [RETRYING]
  )
  t.same(rows, [{ triggered_by: 'probe', worker: 'desk', outcome: 'delivered' }])
  const audit = await pool.query<{ detail: string }>(
    `select detail from audit_entry where action = 'destination.probe'`
  )
  t.match(audit.rows[0]?.detail, 'is it back?')
})

t.test('a probe that fails leaves the breaker open, and a paused door lets one through', async (t) => {
  const outcome = { now: DOWN }
  const destinations = scripted(() => outcome.now)
  const { post, pool } = await openDesk(t, destinations)
  await pool.query(DUE)

  const failed = await post<ProbeAnswer>('/ops/destinations/gp-record/probe', { reason: 'is it back?' })
  await post('/ops/destinations/gp-record/resume', { reason: 'closes the breaker' })
  await post('/ops/destinations/gp-record/pause', { reason: 'nothing but probes' })
  outcome.now = DELIVERED
  const through = await post<ProbeAnswer>('/ops/destinations/gp-record/probe', { reason: 'one, to look' })
  const empty = await post('/ops/destinations/gp-record/probe', { reason: 'another' })
  const unknown = await post('/ops/destinations/nowhere/probe', { reason: 'is it there?' })

  t.match(failed.body, { outcome: 'unavailable', status: 503, breaker: 'open' })
  t.match(through.body, { deliveryId: RETRYING, outcome: 'delivered', state: 'paused', breaker: 'closed' })
  t.equal(empty.status, 409)
  t.match(textOf(empty.body), 'nothing that could be sent waits for gp-record')
  t.equal(unknown.status, 404)
})

t.test('two probes at once send one delivery', async (t) => {
  const gate: { open?: () => void } = {}
  const waits = new Promise<void>((resolve) => (gate.open = resolve))
  const destinations = [
    scriptDestination({ name: 'gp-record' }, async () => {
      await waits
      return DELIVERED
    })
  ]
  const { post } = await openDesk(t, destinations)

  const first = post<ProbeAnswer>('/ops/destinations/gp-record/probe', { reason: 'one' })
  while (destinations[0]?.received.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const second = await post('/ops/destinations/gp-record/probe', { reason: 'two' })
  gate.open?.()

  t.equal(second.status, 409)
  t.match(textOf(second.body), 'a probe of gp-record is under way')
  t.equal((await first).body.outcome, 'delivered')
  t.equal(destinations[0]?.received.length, 1)
})

t.test('limits are set below those of the file, audited, and taken back', async (t) => {
  const { get, post, pool } = await openDesk(t)
  const path = '/ops/destinations/nhs-immunisation-api/limits'

  const before = await get<LimitsAnswer>(path)
  const slower = await post<LimitsAnswer>(path, { ratePerSecond: 5, reason: 'they asked for it' })
  const narrower = await post<LimitsAnswer>(path, { concurrency: 2, reason: 'and this' })
  const faster = await post(path, { ratePerSecond: 21, reason: 'more than the file' })
  const wider = await post(path, { concurrency: 9, reason: 'more than the file' })
  const shown = await get<LimitsAnswer>(path)
  const reset = await post<LimitsAnswer>(path, { reset: true, reason: 'all is well' })
  const unlimited = await get<LimitsAnswer>('/ops/destinations/gp-record/limits')

  const file = { ratePerSecond: 20, concurrency: 8 }
  t.same(before.body.inForce, file)
  t.same(slower.body.inForce, { ratePerSecond: 5, concurrency: 8 })
  t.same(narrower.body, {
    destination: 'nhs-immunisation-api',
    file,
    byHand: { ratePerSecond: 5, concurrency: 2 },
    inForce: { ratePerSecond: 5, concurrency: 2 }
  })
  t.same([faster.status, wider.status], [409, 409])
  t.same(shown.body, narrower.body)
  t.same(reset.body.inForce, file)
  t.same(unlimited.body.inForce, { ratePerSecond: null, concurrency: 4 })
  const { rows } = await pool.query<{ detail: string }>(
    `select detail from audit_entry where action = 'destination.limits' order by position`
  )
  t.same(
    rows.map(({ detail }) => (JSON.parse(detail) as { reason: string }).reason),
    ['they asked for it', 'and this', 'all is well']
  )
  t.equal((await get('/ops/destinations/nowhere/limits')).status, 404)
})

t.test('a breaker is opened and closed by hand, each with a reason', async (t) => {
  const { post, pool } = await openDesk(t)
  const path = '/ops/destinations/nhs-immunisation-api/breaker'

  const opened = await post<BreakerAnswer>(path, { state: 'open', forSeconds: 60, reason: 'they deploy' })
  const { rows } = await pool.query<object>(
    `select resume_reason as reason, breaker_opened_at is not null as open,
            resume_at > now() + interval '50 seconds' as waits
       from destination
      where destination = 'nhs-immunisation-api'`
  )
  const closed = await post<BreakerAnswer>(path, { state: 'closed', reason: 'they are done' })
  const after = await pool.query<object>(
    `select breaker_opened_at as opened, resume_at from destination where destination = 'nhs-immunisation-api'`
  )
  const unreasoned = await post(path, { state: 'closed' })
  const unknown = await post('/ops/destinations/nowhere/breaker', { state: 'open', reason: 'who?' })

  t.same(opened.body, { destination: 'nhs-immunisation-api', breaker: 'open' })
  t.same(rows, [{ reason: 'by-hand', open: true, waits: true }])
  t.same(closed.body, { destination: 'nhs-immunisation-api', breaker: 'closed' })
  t.same(after.rows, [{ opened: null, resume_at: null }])
  t.equal(unreasoned.status, 400)
  t.equal(unknown.status, 404)
})

t.test('what changes something wants ops/write', async (t) => {
  const { post, reader } = await openDesk(t)
  for (const verb of ['probe', 'breaker', 'limits']) {
    const { status } = await post(`/ops/destinations/gp-record/${verb}`, { state: 'open', reason: 'no right' }, reader)
    t.equal(status, 403, verb)
  }
})

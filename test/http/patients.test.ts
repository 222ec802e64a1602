// NHS numbers over HTTP: correcting a record's patient, and merging a superseded number; no number comes back out.
import type { OperationOutcome } from 'fhir/r4.js'
import t from 'tap'
import type { Test } from 'tap'
import type { MergeAnswer, MergePlanAnswer, PatientAnswer, Wire } from '../../src/http/ops-answers.js'
import { findDescriptionFaults } from '../cli/described.js'
import { openOps } from '../cli/open-ops.js'
import { fluByPharmacy, openIngest } from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'
import { openHub } from './open-hub.js'

const [OLD, NEW] = [syntheticNhsNumber(31), syntheticNhsNumber(32)]
const UNKNOWN_MERGE = '019ad6f0-0000-7000-8f01-0000000000ff'

async function openPatients(t: Test) {
  const ops = await openOps(t)
  const rig = await openIngest(t, ops.pool, ops.database)
  await rig.post(fluByPharmacy({ value: 'A', nhsNumber: OLD }))
  await rig.post(fluByPharmacy({ value: 'B', nhsNumber: NEW }))
  const writer = await ops.bearer({ client: 'night-desk', scopes: ['ops/read', 'ops/write'], permissions: [] })
  const reader = await ops.bearer({ client: 'night-desk', scopes: ['ops/read'], permissions: [] })
  const answers: string[] = []
  const post = async <Answer>(url: string, payload: object, authorization = writer) => {
    const headers = { authorization, 'content-type': 'application/json' }
    const answer = await ops.server.inject({ method: 'POST', url, headers, payload })
    answers.push(answer.body)
    const type = String(answer.headers['content-type']).replace(/;.*/, '')
    const faults = findDescriptionFaults('POST', url, answer.statusCode, type, answer.json())
    t.same(faults, [], `${url} ${answer.statusCode} is as openapi.yaml says`)
    return { status: answer.statusCode, body: answer.json<Wire<Answer>>() }
  }
  return { ...ops, rig, post, reader, answers }
}

const ruleOf = (body: unknown) => (body as OperationOutcome).issue[0]?.details?.coding?.at(-1)?.code

t.test('a merge is planned, confirmed by its count, shown, and undone', async (t) => {
  const { post, answers, pool } = await openPatients(t)
  const pair = { superseded: OLD, successor: NEW }
  const reason = 'PDS replaced the number'

  const plan = await post<MergePlanAnswer>('/ops/patients/merges/plan', pair)
  const miscounted = await post('/ops/patients/merges', { ...pair, reason, confirm: 2 })
  const merged = await post<MergeAnswer>('/ops/patients/merges', { ...pair, reason, confirm: plan.body.records })
  const again = await post('/ops/patients/merges', { ...pair, reason, confirm: 0 })
  const circle = await post('/ops/patients/merges/plan', { superseded: NEW, successor: OLD })
  const shown = await post<PatientAnswer>('/ops/patients/find', { nhsNumber: OLD })
  const undo = `/ops/patients/merges/${merged.body.mergeId}/undo`
  const undoPlan = await post<MergePlanAnswer>(`${undo}/plan`, {})
  const undone = await post<MergeAnswer>(undo, { reason: 'it was another person', confirm: undoPlan.body.records })
  const twice = await post(`${undo}/plan`, {})

  t.match(plan, { status: 200, body: { records: 1, groupsBefore: 2, groupsAfter: 2, newSurvivors: 0 } })
  t.equal(miscounted.status, 412)
  t.match(merged, { status: 201, body: { records: 1 } })
  t.same([again.status, circle.status], [409, 409])
  t.match(shown, { status: 200, body: { records: 2, merges: [{ mergedBy: 'night-desk', reason, undoneAt: null }] } })
  t.not(shown.body.numberKey, shown.body.patientKey)
  t.match(undone, { status: 200, body: { mergeId: merged.body.mergeId, records: 1 } })
  t.equal(twice.status, 409)
  for (const text of [...answers, JSON.stringify((await pool.query('select * from audit_entry')).rows)])
    t.notOk(text.includes(OLD) || text.includes(NEW), 'no number comes back out')
})

t.test('merging asks for the right to write, and for numbers that can be', async (t) => {
  const { post, reader } = await openPatients(t)
  const pair = { superseded: OLD, successor: NEW }

  t.equal((await post('/ops/patients/merges/plan', pair, reader)).status, 403)
  t.equal((await post('/ops/patients/find', { nhsNumber: OLD }, reader)).status, 200)
  t.equal((await post('/ops/patients/find', { nhsNumber: syntheticNhsNumber(33) })).status, 404)
  t.equal((await post('/ops/patients/merges/plan', { superseded: OLD, successor: OLD })).status, 400)
  t.equal((await post(`/ops/patients/merges/${UNKNOWN_MERGE}/undo/plan`, {})).status, 404)
  for (const wrong of ['9990000019', '999 000 0018', '', '1111111111', 9990000018]) {
    const { status, body } = await post('/ops/patients/merges/plan', { ...pair, superseded: wrong })
    t.same([status, ruleOf(body)], [400, 'ops-body'], JSON.stringify(wrong))
  }
  for (const reason of ['', 'x', `for ${OLD}`])
    t.equal((await post('/ops/patients/merges', { ...pair, reason, confirm: 1 })).status, 400, 'a reason names nobody')
  t.equal((await post('/ops/patients/merges', { ...pair, reason: 'no count' })).status, 400)
})

t.test('X-Patient-Correction moves a record for a client that may', async (t) => {
  const hub = await openHub(t, () => new Date('2026-11-02T09:00:00Z'))
  const asks = await hub.bearer({ client: 'pharmacy', permissions: ['FLU.CRUDS'] })
  const may = await hub.bearer({ client: 'pharmacy', permissions: ['FLU.CRUDS'], patientCorrections: true })
  const send = (method: 'POST' | 'PUT', url: string, payload: object, headers: Record<string, string>) =>
    hub.server.inject({
      method,
      url: `/FHIR/R4/Immunization${url}`,
      headers: { authorization: may, 'content-type': 'application/fhir+json', ...headers },
      payload: JSON.stringify(payload)
    })
  const created = await send('POST', '', fluByPharmacy({ value: 'A', nhsNumber: OLD }), {})
  const { id } = created.json<{ id: string }>()
  const moved = { ...fluByPharmacy({ value: 'A', nhsNumber: NEW }), id }
  const put = (headers: Record<string, string>) => send('PUT', `/${id}`, moved, { 'if-match': 'W/"1"', ...headers })
  const reason = { 'x-patient-correction': 'registered under a namesake' }

  const unasked = await put({})
  const notPermitted = await put({ ...reason, authorization: asks })
  const unreasoned = await put({ 'x-patient-correction': 'x' })
  const numbered = await put({ 'x-patient-correction': `was ${OLD}` })
  const rehearsed = await send('POST', `/${id}/$validate`, moved, reason)
  const done = await put(reason)

  t.same([unasked.statusCode, ruleOf(unasked.json())], [409, 'identity-change'])
  t.same([notPermitted.statusCode, ruleOf(notPermitted.json())], [403, 'patient-correction-not-permitted'])
  for (const refused of [unreasoned, numbered])
    t.same([refused.statusCode, ruleOf(refused.json())], [400, 'patient-correction-reason'])
  t.match(rehearsed.body, /would be answered 200/)
  t.same([done.statusCode, done.headers['etag']], [200, 'W/"3"'])
  const between = await hub.server.inject({
    url: `/FHIR/R4/Immunization/${id}/_history/2`,
    headers: { authorization: may }
  })
  const first = await hub.server.inject({
    url: `/FHIR/R4/Immunization/${id}/_history/1`,
    headers: { authorization: may }
  })
  t.same([between.statusCode, first.statusCode], [410, 200], 'what was sent first stays readable')
  t.same(hub.faults, [])
})

// $validate on real PostgreSQL: what would be said, and nothing written.
import type { CapabilityStatement, Immunization, OperationOutcome } from 'fhir/r4.js'
import t from 'tap'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { openHub, type OpenHub } from './open-hub.js'
import type { Test } from 'tap'

const NOW = new Date('2026-11-02T09:00:00Z')
const URL = '/FHIR/R4/Immunization'
const PROFILE = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-Immunization'

interface Asked {
  url?: string
  method?: 'GET' | 'POST'
  body?: object | string
  authorization?: string
  headers?: Record<string, string>
}

async function open(t: Test) {
  const hub = await openHub(t, () => NOW)
  const authorization = await hub.bearer()
  const send = async ({ url = `${URL}/$validate`, method = 'POST', body, headers, ...asked }: Asked) => {
    const answer = await hub.server.inject({
      method,
      url,
      headers: {
        authorization: asked.authorization ?? authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
        ...headers
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    const issues = answer.json<Partial<OperationOutcome>>().issue ?? []
    const rules = issues.map((issue) => issue.details?.coding?.[0]?.code ?? '')
    return { status: answer.statusCode, rules, issues, last: issues.at(-1)?.details?.text ?? '', answer }
  }
  const post = async (resource: object, client?: string) => {
    const bearer = client === undefined ? authorization : await hub.bearer({ client })
    const { answer, status } = await send({ url: URL, body: resource, authorization: bearer })
    t.equal(status, 201, 'posted')
    return answer.json<Immunization>()
  }
  return { hub, send, post }
}

/** Every table with its number of rows. */
async function countRows({ pool }: OpenHub): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`
  )
  const counts: Record<string, number> = {}
  for (const { name } of rows) {
    const counted = await pool.query<{ count: number }>(`select count(*)::integer as count from "${name}"`)
    counts[name] = counted.rows[0]!.count
  }
  return counts
}

function wrap(resource: object | undefined, others: Record<string, string> = {}): object {
  const parameter: object[] = Object.entries(others).map(([name, value]) => ({
    name,
    [name === 'mode' ? 'valueCode' : 'valueUri']: value
  }))
  if (resource !== undefined) parameter.push({ name: 'resource', resource })
  return { resourceType: 'Parameters', parameter }
}

t.test('a sound record would be accepted, and nothing of it is written', async (t) => {
  const { hub, send } = await open(t)
  const before = await countRows(hub)

  const bare = await send({ body: fluByPharmacy() })
  const wrapped = await send({ body: wrap(fluByPharmacy(), { mode: 'create', profile: PROFILE }) })
  const asked = await send({ url: `${URL}/$validate?mode=create&_pretty=true`, body: fluByPharmacy() })

  for (const { status, rules, last } of [bare, wrapped, asked]) {
    t.equal(status, 200)
    t.same(rules, ['preview-verdict'])
    t.equal(last, 'sent now, this create would be answered 201: it would be accepted; nothing was written')
  }
  t.same(await countRows(hub), before)
  t.same(hub.faults, [])
})

t.test('everything that is wrong is named at once, answered 200, and not kept as a refusal', async (t) => {
  const { hub, send } = await open(t)
  const before = await countRows(hub)
  const { identifier, ...nameless } = fluByPharmacy()

  const faulty = await send({ body: { ...nameless, batchNumber: 'X', expirationDate: '2026-01-01' } })
  const patient = await send({ body: { resourceType: 'Patient' } })
  const number = await send({ body: '7' })

  t.ok(identifier)
  t.equal(faulty.status, 200)
  for (const rule of ['r4-unknown-element', 'identifier-one', 'batch-expired']) t.ok(faulty.rules.includes(rule), rule)
  t.match(faulty.last, /would be answered 400: it would be refused/)
  t.same([patient.status, patient.rules], [200, ['resource-type', 'preview-verdict']])
  t.same([number.status, number.rules], [200, ['resource-type', 'preview-verdict']])
  t.same(await countRows(hub), before)
})

t.test('a resend, changed content and the identifier of another are foretold', async (t) => {
  const { hub, send, post } = await open(t)
  const resource = fluByPharmacy()
  await post(resource)
  const before = await countRows(hub)

  const again = await send({ body: resource })
  const changed = await send({ body: { ...resource, lotNumber: 'ZZ999' } })
  const foreign = await send({ body: resource, authorization: await hub.bearer({ client: 'other-pharmacy' }) })

  t.same(again.rules, ['exact-resend', 'preview-verdict'])
  t.match(again.last, /answered 200/)
  t.ok(changed.rules.includes('same-identifier-changed-content'))
  t.match(
    changed.issues.find((issue) => issue.expression),
    { expression: ['Immunization.lotNumber'] }
  )
  t.match(changed.last, /answered 409/)
  t.same(foreign.rules, ['identifier-of-another', 'preview-verdict'])
  t.same(await countRows(hub), before)
})

t.test('the same event and a possible duplicate are foretold as they are answered, and link nothing', async (t) => {
  const { hub, send, post } = await open(t)
  await post(fluByPharmacy())
  const same = fluByPharmacy({ system: 'https://gp.example/id' })
  const later = fluByPharmacy({
    system: 'https://gp.example/id',
    occurrenceDateTime: '2026-10-12T10:15:00+01:00',
    lotNumber: 'QX777'
  })
  const before = await countRows(hub)
  const authorization = await hub.bearer({ client: 'gp' })

  const foretold = [await send({ body: same, authorization }), await send({ body: later, authorization })]
  t.same(await countRows(hub), before)
  const sent = []
  for (const body of [same, later]) {
    const headers = { prefer: 'return=OperationOutcome' }
    const foreseen = await send({ body, authorization })
    const answered = await send({ url: URL, body, authorization, headers })
    sent.push([foreseen.rules.slice(0, -1), answered.rules])
  }

  t.ok(foretold[0]!.rules.includes('same-event-linked'))
  t.ok(foretold[1]!.rules.some((rule) => rule === 'possible-duplicate' || rule === 'suspect-duplicate'))
  for (const [foreseen, answered] of sent) t.same(foreseen, answered)
  t.same(hub.faults, [])
})

t.test('who may not read hears nothing of the records of others', async (t) => {
  const { hub, send, post } = await open(t)
  await post(fluByPharmacy())
  const body = fluByPharmacy({ system: 'https://gp.example/id' })
  const stranger = fluByPharmacy({ system: 'https://gp.example/id', nhsNumber: '9990007322' })
  const writer = await hub.bearer({ client: 'writer', permissions: ['FLU.CUD'] })
  const other = await hub.bearer({ client: 'other', permissions: ['COVID.CRUDS'] })

  const known = await send({ body, authorization: writer })
  const unknown = await send({ body: stranger, authorization: writer })
  const foreign = await send({ body, authorization: other })

  t.same(known.rules, ['preview-narrowed', 'preview-verdict'])
  t.same(unknown.rules, known.rules, 'a patient with records is told as one without')
  t.same(foreign.rules, ['permission-missing', 'preview-verdict'])
  t.match(foreign.last, /answered 403/)
})

t.test('a stored record is judged again, and its update and delete are rehearsed', async (t) => {
  const { hub, send, post } = await open(t)
  const stored = await post(fluByPharmacy())
  const url = `${URL}/${stored.id}/$validate`
  const before = await countRows(hub)

  const read = await send({ url, method: 'GET' })
  const byProfile = await send({ url: `${url}?mode=profile&profile=${PROFILE}`, method: 'GET' })
  const same = await send({ url, body: stored })
  const corrected = await send({ url, body: wrap({ ...stored, lotNumber: 'ZZ999' }, { mode: 'update' }) })
  const byType = await send({ body: wrap({ ...stored, lotNumber: 'ZZ999' }, { mode: 'update' }) })
  const stale = await send({ url, body: { ...stored, lotNumber: 'ZZ999' }, headers: { 'if-match': 'W/"7"' } })
  const wrongId = await send({ url, body: fluByPharmacy() })
  const nameless = await send({ body: wrap(fluByPharmacy(), { mode: 'update' }) })
  const elsewhere = await send({ body: wrap({ ...stored, id: 'x' }, { mode: 'update' }) })
  const removed = await send({ url, body: wrap(undefined, { mode: 'delete' }) })
  const removedByGet = await send({ url: `${url}?mode=delete`, method: 'GET' })
  const foreign = await send({ url, body: stored, authorization: await hub.bearer({ client: 'other' }) })

  t.same([read.status, read.rules], [200, ['no-fault']])
  t.same([byProfile.status, byProfile.rules], [200, ['no-fault']])
  t.same(same.rules, ['unchanged', 'preview-verdict'])
  t.same(corrected.rules, ['preview-verdict'])
  t.match(corrected.last, /update would be answered 200/)
  t.same(byType.rules, corrected.rules)
  t.same(stale.rules, ['version-stale', 'preview-verdict'])
  t.ok(wrongId.rules.includes('update-id'))
  t.same(nameless.rules, ['update-id'])
  t.same(elsewhere.rules, ['unknown-record'])
  t.match(removed.last, /delete would be answered 204/)
  t.same(removedByGet.rules, removed.rules)
  t.same(foreign.rules, ['unknown-record', 'preview-verdict'])
  t.same(await countRows(hub), before)
  const current = await send({ url: `${URL}/${stored.id}`, method: 'GET' })
  t.equal(current.answer.headers.etag, 'W/"1"')
  t.same(hub.faults, [])
})

t.test('a profile that is asked for speaks beside the mode, and one that is not loaded is named', async (t) => {
  const { send } = await open(t)
  const claimed = `${PROFILE}|9.9`

  const beside = await send({ body: fluByPharmacy(), url: `${URL}/$validate?profile=${PROFILE}` })
  const alone = await send({ body: wrap(fluByPharmacy(), { mode: 'profile' }) })
  const unknown = await send({ body: wrap(fluByPharmacy(), { mode: 'profile', profile: claimed }) })
  const faulty = await send({ body: wrap({ ...fluByPharmacy(), status: 'done' }, { mode: 'profile' }) })

  t.same(beside.rules, ['preview-verdict'])
  t.same(alone.rules, ['no-fault'])
  t.same([unknown.status, unknown.rules], [200, ['r4-profile-unknown']])
  t.match(faulty.issues[0]?.expression, ['Immunization.status'])
})

t.test('a question that is not understood is refused', async (t) => {
  const { send, post } = await open(t)
  const body = fluByPharmacy()
  const instance = `${URL}/${(await post(fluByPharmacy())).id}/$validate`
  const refused: [string, Asked, RegExp][] = [
    ['json-syntax', { body: '{"resourceType":' }, /not JSON/],
    ['validate-request', { body, url: `${URL}/$validate?mode=check` }, /mode must be one of create/],
    ['validate-request', { body, url: `${URL}/$validate?strict=true` }, /leave other parameters out/],
    ['validate-request', { body: wrap(body, { mode: 'create' }), url: `${URL}/$validate?mode=create` }, /given twice/],
    ['validate-request', { body: { resourceType: 'Parameters', parameter: {} } }, /must be an array/],
    ['validate-request', { body: { resourceType: 'Parameters', parameter: [{ valueCode: 'x' }] } }, /needs a name/],
    ['validate-request', { body: { resourceType: 'Parameters', parameter: [{ name: 'mode' }] } }, /neither/],
    ['validate-request', { body: wrap(undefined, { mode: 'create' }) }, /nothing to judge/],
    ['validate-request', {}, /nothing to judge/],
    ['validate-request', { body, url: `${URL}/$validate?mode=delete` }, /stored record/],
    ['validate-request', { body, url: `${instance}?mode=create` }, /no record yet/],
    ['validate-request', { url: `${instance}?mode=update`, method: 'GET' }, /nothing to judge/]
  ]
  for (const [rule, asked, text] of refused) {
    const { status, rules, last } = await send(asked)
    t.same([status, rules], [400, [rule]], `${rule} ${String(text)}`)
    t.match(last, text)
  }
  const lenient = await send({ body, url: `${URL}/$validate?strict=true`, headers: { prefer: 'handling=lenient' } })
  t.equal(lenient.status, 200)
})

t.test('scopes: what is rehearsed wants the scope of the real thing', async (t) => {
  const { hub, send, post } = await open(t)
  const stored = await post(fluByPharmacy())
  const url = `${URL}/${stored.id}/$validate`
  const reader = await hub.bearer({ scopes: ['system/Immunization.r'] })

  t.equal((await send({ body: fluByPharmacy(), authorization: reader })).status, 403)
  t.equal((await send({ url, method: 'GET', authorization: reader })).status, 200)
  t.same((await send({ url, body: stored, authorization: reader })).rules, ['scope-missing'])
  t.equal((await send({ url: `${url}?mode=delete`, method: 'GET', authorization: reader })).status, 403)
  const unknown = `${URL}/00000000-0000-7000-8000-000000000000/$validate`
  t.equal((await send({ url: unknown, method: 'GET' })).status, 404)
  t.equal((await send({ url: `${URL}/none/$validate`, method: 'GET' })).status, 404)
})

t.test('the CapabilityStatement names the operation', async (t) => {
  const { hub } = await open(t)
  const { rest } = (await hub.server.inject('/FHIR/R4/metadata')).json<CapabilityStatement>()
  const operations = rest?.[0]?.resource?.[0]?.operation ?? []
  t.match(
    operations.find(({ name }) => name === 'validate'),
    { definition: 'http://hl7.org/fhir/OperationDefinition/Resource-validate' }
  )
})

t.test('with verdicts=all the checks that passed are told as well, the patient of none of them', async (t) => {
  const { hub, send, post } = await open(t)
  const before = await countRows(hub)

  const asked = await send({ url: `${URL}/$validate?verdicts=all`, body: fluByPharmacy() })
  const wrapped = await send({ body: wrap(fluByPharmacy(), { verdicts: 'all' }) })
  const faulty = await send({
    url: `${URL}/$validate?verdicts=all`,
    body: fluByPharmacy({ expirationDate: '2026-01-01' })
  })
  const wrong = await send({ url: `${URL}/$validate?verdicts=some`, body: fluByPharmacy() })
  t.same(await countRows(hub), before)

  const passed = asked.issues.filter(isPassed)
  t.same(wrapped.rules, asked.rules)
  t.equal(asked.rules.at(-1), 'preview-verdict')
  for (const issue of passed) {
    t.match(issue, { severity: 'information', code: 'informational' })
    t.match(issue.details?.text, /^\w+ passed \([a-z, -]+\): looked at /)
    t.match(issue.diagnostics, /^common check R\d\d$|^programme flu-2026-27 1\.0\.0 \(.*\), check /)
    t.notMatch(issue.details?.text, /\b999\d|1955|2026-10-10/)
  }
  const texts = passed.map(({ details }) => details?.text ?? '')
  t.ok(
    texts.some((text) => /^withinSeason passed \(outside-season\): .* 2026-09-01 to 2027-03-31; source: /.test(text))
  )
  t.ok(texts.some((text) => text.startsWith('notFuture passed (occurrence-in-future)')))
  t.notOk(
    texts.some((text) => text.startsWith('minInterval')),
    'no earlier dose is known, so there was nothing to look at'
  )

  t.ok(faulty.rules.includes('batch-expired'))
  const words = faulty.issues.filter(isPassed).map(({ details }) => details?.text?.split(' ')[0])
  t.ok(words.includes('batchPresent'))
  t.notOk(words.includes('batchNotExpired'))
  t.same([wrong.status, wrong.rules], [400, ['validate-request']])

  const stored = await post(fluByPharmacy())
  const today = await send({ method: 'GET', url: `${URL}/${stored.id ?? ''}/$validate?verdicts=all` })
  t.equal(today.rules.at(-1), 'no-fault')
  t.ok(today.rules.includes('check-passed'))
  const next = await send({
    url: `${URL}/$validate?verdicts=all`,
    body: fluByPharmacy({ occurrenceDateTime: '2026-10-31', lotNumber: 'OTHER1' })
  })
  const interval = next.issues.find(({ diagnostics }) => diagnostics?.includes('check minInterval'))
  t.equal(interval?.details?.coding?.[0]?.code, 'dose-too-early', 'the history is looked at')
  t.same(hub.faults, [])
})

function isPassed({ details }: OperationOutcome['issue'][number]): boolean {
  return details?.coding?.[0]?.code === 'check-passed'
}

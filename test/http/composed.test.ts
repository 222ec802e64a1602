// GET Immunization/{id}/$composed: one vaccination made of every record of it, each element with its source.
import type { Bundle, Immunization, OperationOutcome, Practitioner, Provenance } from 'fhir/r4.js'
import t from 'tap'
import { fluByPharmacy, readFixture } from '../support/ingest-rig.js'
import { BASE, bundleOf, openServedHub, rulesOf, type Answer } from './served-calls.js'

const hub = await openServedHub(t)
const EVENT_MEMBER = 'https://immunisation-hub.example/StructureDefinition/event-member'

/** The pharmacy forgot the product and typed the day alone; the practice knows both, and has a note. */
const first = await hub.post(
  { ...fluByPharmacy({ value: 'composed-1' }), note: [{ text: 'Given in the left arm' }] },
  'pharmacy'
)
const copy = readFixture('flu-gp-copy-same-lot.json')
const second = await hub.post(
  {
    ...copy,
    reasonCode: [{ coding: [{ system: 'http://snomed.info/sct', code: '443684005' }] }],
    reportOrigin: { text: 'Letter from the pharmacy' },
    site: { coding: [{ system: 'http://snomed.info/sct', code: '368209003' }] }
  },
  'gp-system'
)

interface View {
  bundle: Bundle
  composed: Immunization
  /** Version of the source by FHIRPath. */
  sources: Map<string, string>
  outcome: OperationOutcome | undefined
}

function readView(answer: Answer): View {
  const bundle = bundleOf(answer)
  const resources = bundle.entry?.map(({ resource }) => resource) ?? []
  const provenances = resources.filter((one): one is Provenance => one?.resourceType === 'Provenance')
  const sources = provenances.flatMap(({ target, entity }) =>
    target.map(({ extension }): [string, string] => [
      extension?.[0]?.valueString ?? '',
      entity?.[0]?.what.reference ?? ''
    ])
  )
  return {
    bundle,
    composed: resources[0] as Immunization,
    sources: new Map(sources),
    outcome: resources.find((one): one is OperationOutcome => one?.resourceType === 'OperationOutcome')
  }
}

t.test('the view takes each element from the record that knows it, and says which', async (t) => {
  const answer = await hub.get(`/Immunization/${second}/$composed`)
  t.equal(answer.status, 200, answer.text)
  const { bundle, composed, sources } = readView(answer)

  t.equal(bundle.type, 'collection')
  t.equal(composed.id, undefined, 'it stands nowhere')
  t.match(composed.meta, { tag: [{ code: 'composed' }] })
  t.same(composed.note, [{ text: 'Given in the left arm' }])
  t.same(composed.reportOrigin, { text: 'Letter from the pharmacy' })
  t.equal(composed.occurrenceDateTime, fluByPharmacy().occurrenceDateTime)
  t.equal(composed.identifier?.length, 2)
  t.match(Object.fromEntries(sources), {
    'Immunization.lotNumber': `Immunization/${first}/_history/1`,
    'Immunization.vaccineCode': `Immunization/${first}/_history/1`,
    'Immunization.note': `Immunization/${first}/_history/1`,
    'Immunization.reportOrigin': `Immunization/${second}/_history/1`,
    'Immunization.identifier[1]': `Immunization/${second}/_history/1`
  })
  const elements = Object.keys(composed)
    .filter((name) => !['resourceType', 'meta', 'contained', 'identifier'].includes(name))
    .map((name) => `Immunization.${name.replace(/DateTime$/, '')}`)
  t.same(
    elements.filter((path) => !sources.has(path)),
    [],
    'every element has its source'
  )
  t.same(readView(await hub.get(`/Immunization/${first}/$composed`)).composed, composed, 'whichever record is named')
})

t.test('the records stand in the answer as they were stored, each with its part', async (t) => {
  const { bundle } = readView(await hub.get(`/Immunization/${first}/$composed`))
  const parts = (bundle.entry ?? []).filter(({ extension }) => extension?.[0]?.url === EVENT_MEMBER)
  t.same(
    parts.map(({ fullUrl, extension }) => [fullUrl?.split('/').at(-1), extension?.[0]?.extension?.[0]?.valueCode]),
    [
      [first, 'source'],
      [second, 'historical']
    ]
  )
  t.same(parts[0]?.resource, (await hub.get(`/Immunization/${first}`)).resource)
})

t.test('what the records say otherwise is told; the same in other words is not', async (t) => {
  const { outcome } = readView(await hub.get(`/Immunization/${first}/$composed`))
  const issues = outcome?.issue ?? []
  const paths = issues.flatMap(({ expression }) => expression ?? [])
  t.ok(paths.includes('Immunization.site'), paths.join(', '))
  for (const agreed of ['lotNumber', 'occurrence', 'vaccineCode', 'status', 'identifier'])
    t.notOk(paths.includes(`Immunization.${agreed}`), agreed)
  t.match(
    issues.find(({ expression }) => expression?.[0] === 'Immunization.site'),
    {
      severity: 'information',
      details: { coding: [{ code: 'composed-difference' }] },
      diagnostics: `shown=Immunization/${first}/_history/1; otherwise=Immunization/${second}/_history/1`
    }
  )
})

t.test('contained resources come along, and two of one name are kept apart', async (t) => {
  const nhsNumber = '9990016410'
  const { performer, contained = [], ...without } = fluByPharmacy({ nhsNumber, value: 'composed-3' })
  t.ok(performer, 'who gave it is left out')
  const patientAlone = contained.filter(({ resourceType }) => resourceType === 'Patient')
  const pharmacy = await hub.post({ ...without, contained: patientAlone }, 'pharmacy')
  const other = JSON.parse(JSON.stringify(copy).replace('9990013675', nhsNumber)) as Immunization
  await hub.post(
    {
      ...other,
      identifier: [{ system: 'https://harbour-gp.example/ODSCode_Z99901/event', value: 'composed-4' }],
      contained: [
        ...(other.contained ?? []),
        { resourceType: 'Practitioner', id: 'Pat1', name: [{ family: 'Rowan' }] } as Practitioner
      ],
      performer: [{ actor: { reference: '#Pat1' } }, ...(other.performer ?? [])]
    },
    'gp-system'
  )

  const { composed } = readView(await hub.get(`/Immunization/${pharmacy}/$composed`))
  t.equal(composed.patient.reference, '#Pat1')
  t.equal(composed.performer?.[0]?.actor.reference, '#Pat1-2')
  t.same(composed.contained?.map(({ id, resourceType }) => [id, resourceType]).sort(), [
    ['Pat1', 'Patient'],
    ['Pat1-2', 'Practitioner']
  ])
})

t.test('only records that the caller may read take part', async (t) => {
  const none = await hub.get(`/Immunization/${first}/$composed`, { permissions: ['COVID.R'] })
  t.same([none.status, rulesOf(none)], [404, ['unknown-record']])
  const scope = await hub.get(`/Immunization/${first}/$composed`, { scopes: ['system/Immunization.s'] })
  t.equal(scope.status, 403)
  const narrowed = readView(await hub.get(`/Immunization/${first}/$composed`, { permissions: ['FLU.R'] }))
  t.ok(
    narrowed.outcome?.issue.some(({ details }) => details?.coding?.[0]?.code === 'narrowed-to-permitted-types'),
    'said whether or not something was left out'
  )
  for (const id of ['banana', '0190aaaa-0000-7000-8000-00000000ffff'])
    t.equal((await hub.get(`/Immunization/${id}/$composed`)).status, 404, id)
  t.equal((await hub.get(`/Immunization/${first}/$composed?status=completed`)).status, 400)
})

t.test('of one record alone the view is that record, and a deleted one has none', async (t) => {
  const alone = await hub.post(fluByPharmacy({ nhsNumber: '9990023891', value: 'composed-5' }), 'pharmacy')
  const { bundle, sources } = readView(await hub.get(`/Immunization/${alone}/$composed`))
  t.same(new Set(sources.values()), new Set([`Immunization/${alone}/_history/1`]))
  t.notOk(
    bundle.entry?.some(({ extension }) => extension !== undefined),
    'no part, where there is nothing beside it'
  )
  await hub.ask('DELETE', `/Immunization/${alone}`, { client: 'pharmacy' })
  t.equal((await hub.get(`/Immunization/${alone}/$composed`)).status, 410)
})

t.test('a view is taken from nobody', async (t) => {
  const { composed } = readView(await hub.get(`/Immunization/${first}/$composed`))
  const sent = { ...composed, identifier: [{ system: 'https://thief.example/id', value: 'composed-9' }] }
  const refused = await hub.ask('POST', '/Immunization', { client: 'thief' }, JSON.stringify(sent))
  t.equal(refused.status, 422)
  t.ok(rulesOf(refused).includes('composed-view'), rulesOf(refused).join(', '))
})

t.test('every record of the view was read, and the audit trail says so', async (t) => {
  await hub.get(`/Immunization/${first}/$composed`, { client: 'curious' })
  await hub.flushReads()
  const { rows } = await hub.pool.query<{ record_id: string }>(
    `select record_id from audit_entry where actor = 'curious' order by record_id`
  )
  t.same(rows.map(({ record_id }) => record_id).sort(), [first, second].sort())
})

t.test('with alternates a search says what each record is beside the others', async (t) => {
  const query = `patient.identifier=https://fhir.nhs.uk/Id/nhs-number%7C9990013675`
  const partsOf = async (search: string, who = {}) =>
    bundleOf(await hub.get(`/Immunization?${search}`, who))
      .entry?.filter(({ search: one }) => one?.mode === 'match')
      .map(({ resource, extension }) => [resource?.id, extension?.[0]?.extension?.[0]?.valueCode])
  t.same(
    (await partsOf(`${query}&-hub.alternates=true`))?.sort(),
    [
      [first, 'source'],
      [second, 'historical']
    ].sort()
  )
  t.same(await partsOf(query), [[first, undefined]])
})

t.test('it may be asked by POST, with nothing in it', async (t) => {
  const asked = `/Immunization/${first}/$composed`
  const { text: got } = await hub.get(asked)
  for (const body of ['', '{"resourceType":"Parameters"}']) {
    const answer = await hub.ask('POST', asked, {}, body)
    t.same(readView(answer).composed, (JSON.parse(got) as Bundle).entry?.[0]?.resource, body)
  }
  const given = '{"resourceType":"Parameters","parameter":[{"name":"count","valueInteger":1}]}'
  for (const body of [given, '{"resourceType":"Patient"}', '[]'])
    t.same(rulesOf(await hub.ask('POST', asked, {}, body)), ['parameter-unknown'], body)
})

t.test('the operation is declared', async (t) => {
  const definition = await hub.get('/OperationDefinition/Immunization-composed')
  t.match(definition.resource, { code: 'composed', instance: true, type: false, affectsState: false })
  const metadata = await hub.server.inject(`${BASE}/metadata`)
  t.match(metadata.body, /"name":"composed"/)
})

// Transaction Bundles from the socket to the ledger, on PostgreSQL.
import type { Immunization, OperationOutcome } from 'fhir/r4.js'
import t, { type Test } from 'tap'
import {
  BASE,
  bundleOf,
  countRecords,
  create,
  deleteOf,
  entriesOf,
  flu,
  getOf,
  outcomeOf,
  postOf,
  putOf,
  readBundleFixture,
  sendBundle,
  statusesOf,
  answered
} from './bundle-calls.js'
import { openHub, type OpenHub } from './open-hub.js'

const NOW = new Date('2026-11-15T09:00:00Z')
const open = (t: Test): Promise<OpenHub> => openHub(t, () => NOW)
const PATIENTS = ['9990013675', '9990016410']

t.test(
  'COVID-19 and flu of one visit: one transaction, two records in the national shape, and who vouches',
  async (t) => {
    const hub = await open(t)
    const text = readBundleFixture('covid-and-flu-transaction').replace('"value": 0.5,', '"value": 0.50,')
    const sent = await sendBundle(hub, text, { prefer: 'return=representation' })

    t.equal(sent.statusCode, 200, sent.body)
    t.equal(answered(sent).type, 'transaction-response')
    t.same(statusesOf(sent), ['201', '201', '200', '200', '200', '200', '200'])
    const [first, second, patient] = entriesOf(sent)
    t.match(first?.response, { status: '201 Created', etag: 'W/"1"', lastModified: NOW.toISOString() })
    t.match(first?.response?.location, /^https:\/\/hub\.test\/FHIR\/R4\/Immunization\/[0-9a-f-]{36}\/_history\/1$/)
    t.match(sent.body, '"value": 0.50,', 'decimals stay as sent')
    const record = first?.resource as Immunization
    t.same(
      record.contained?.map(({ resourceType, id }) => `${resourceType}#${id ?? ''}`),
      ['Patient#patient', 'Practitioner#practitioner']
    )
    t.same(record.patient, { reference: '#patient' })
    t.same(record.location, {
      type: 'Location',
      identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'FZZ01' },
      display: 'Marlowe Pharmacy, consultation room'
    })
    t.match(record.performer?.[1]?.actor, { type: 'Organization', identifier: { value: 'FZZ01' } })
    t.match((second?.resource as Immunization).protocolApplied, [{ targetDisease: [{}] }])
    t.same(outcomeOf(patient?.response?.outcome), [{ rule: 'bundle-entry-folded', at: 'Bundle.entry[0]' }])
    t.notOk(patient?.response?.location)

    const { rows } = await hub.pool.query<{ body: string; record_id: string }>('select * from record_provenance')
    t.equal(rows.length, 2, 'one for each version it is about')
    for (const { body } of rows) {
      const provenance = JSON.parse(body) as { target: { reference: string }[]; agent: object[]; contained: object[] }
      t.ok(provenance.target.every(({ reference }) => /^Immunization\/[0-9a-f-]{36}\/_history\/1$/.test(reference)))
      t.match(provenance.agent, [
        { who: { reference: '#practitioner' }, onBehalfOf: { identifier: { value: 'FZZ01' } } }
      ])
    }
    const deliveries = await hub.pool.query('select from delivery')
    t.equal(deliveries.rowCount, 2)

    const again = await sendBundle(hub, text)
    t.same(statusesOf(again).slice(0, 2), ['200', '200'], 'sent again it is what is there')
    t.equal(await countRecords(hub), 2)
    t.equal((await hub.pool.query('select from delivery')).rowCount, 2, 'delivered once')
    t.equal((await hub.pool.query('select from record_provenance')).rowCount, 2)
    t.same(hub.faults, [])
  }
)

t.test('one bad entry refuses all: every issue of every bad entry with its place, and nothing is stored', async (t) => {
  const hub = await open(t)
  const stored = await create(hub, flu('stored'))
  const lotless = { ...flu('bad-2'), lotNumber: 7 }
  const patient = { resourceType: 'Patient', gender: 'none', name: [{ family: 'Wren' }], birthDate: '1948-03-17' }
  const fullUrl = 'urn:uuid:6f5e4d3c-0000-4000-8000-0000000000aa'
  const referring = { ...flu('bad-3'), contained: [], patient: { reference: fullUrl }, performer: [] }
  const bundle = bundleOf('transaction', [
    postOf(flu('good', { nhsNumber: PATIENTS[1]! })),
    postOf(lotless),
    { fullUrl, resource: patient, request: { method: 'POST', url: 'Patient' } },
    postOf({ ...referring, contained: undefined, performer: undefined }),
    getOf('Immunization/nothing'),
    deleteOf(stored.id ?? '', { ifMatch: 'W/"7"' })
  ])
  const sent = await sendBundle(hub, bundle)

  t.equal(sent.statusCode, 400)
  const issues = outcomeOf(JSON.parse(sent.body))
  const places = issues.map(({ at }) => at)
  for (const place of ['Bundle.entry[1].resource.lotNumber', 'Bundle.entry[2].resource.gender', 'Bundle.entry[5]'])
    t.ok(places.includes(place), `${place} in ${JSON.stringify(issues)}`)
  t.notOk(
    places.some((place) => place?.startsWith('Bundle.entry[0]')),
    'the good entry has none'
  )
  t.equal(await countRecords(hub), 1)
  t.equal((await hub.pool.query('select from delivery')).rowCount, 1)
  const refused = await hub.pool.query<{ body: string; http_status: number }>('select * from refused_submission')
  t.match(refused.rows, [{ body: JSON.stringify(bundle), http_status: 400 }], 'kept as it was sent')
  t.equal((await hub.pool.query('select from patient')).rowCount, 1)

  const missing = await sendBundle(hub, bundleOf('transaction', [postOf(flu('x')), getOf(`Immunization/${NOWHERE}`)]))
  t.equal(missing.statusCode, 404)
  t.same(outcomeOf(JSON.parse(missing.body)), [{ rule: 'unknown-record', at: 'Bundle.entry[1]' }])
  t.equal(await countRecords(hub), 1)
  t.same(hub.faults, [])
})

const NOWHERE = '00000000-0000-7000-8000-000000000000'

t.test(
  'deletes come first, then creates, updates and reads, whatever the order; answers in the order sent',
  async (t) => {
    const hub = await open(t)
    const gone = await create(hub, flu('gone'))
    const changed = await create(hub, flu('changed', { nhsNumber: PATIENTS[1]! }))
    const id = changed.id ?? ''
    const sent = await sendBundle(
      hub,
      bundleOf('transaction', [
        getOf(`Immunization/${id}`),
        getOf('Immunization?identifier=https://marlowe-pharmacy.example/identifiers/vacc%7Cnew'),
        getOf(`Immunization/${id}`, { ifNoneMatch: 'W/"2"' }),
        getOf(`Immunization/${id}/_history`),
        putOf({ ...changed, lotNumber: 'NEW1' }, 'W/"1"'),
        postOf(flu('new', { nhsNumber: PATIENTS[0]!, occurrenceDateTime: '2026-10-12T10:00:00+01:00' })),
        deleteOf(gone.id ?? '')
      ]),
      { prefer: 'return=minimal' }
    )

    t.equal(sent.statusCode, 200, sent.body)
    t.same(statusesOf(sent), ['200', '200', '304', '200', '200', '201', '204'])
    const entries = entriesOf(sent)
    t.match(entries[0]?.resource, { id, lotNumber: 'NEW1', meta: { versionId: '2' } }, 'reads see what was written')
    t.match(entries[1]?.resource, { resourceType: 'Bundle', total: 1 })
    t.match(entries[3]?.resource, { type: 'history', total: 2 })
    t.notOk(entries[5]?.resource, 'minimal')
    t.match(entries[6]?.response, { status: '204 No Content', etag: 'W/"2"' })
    t.same(hub.faults, [])
  }
)

t.test('the same record twice in one transaction is refused, however it is named', async (t) => {
  const hub = await open(t)
  const stored = await create(hub, flu('stored'))
  const id = stored.id ?? ''
  const twice: object[][] = [
    [postOf(flu('twin')), postOf(flu('twin'))],
    [postOf(flu('twin')), postOf(flu('twin', { lotNumber: 'OTHER' }))],
    [deleteOf(id), putOf({ ...stored, lotNumber: 'X1' }, 'W/"1"')],
    [deleteOf(id), postOf(flu('stored'))]
  ]
  for (const entries of twice) {
    const sent = await sendBundle(hub, bundleOf('transaction', entries))
    t.equal(sent.statusCode, 400, sent.body)
    t.ok(outcomeOf(JSON.parse(sent.body)).some(({ rule }) => rule === 'transaction-record-twice'))
  }
  t.equal(await countRecords(hub), 1)
  t.same(hub.faults, [])
})

t.test('conditions of an entry behave as the headers', async (t) => {
  const hub = await open(t)
  const system = 'https://marlowe-pharmacy.example/identifiers/vacc'
  const stored = await create(hub, flu('stored'))
  const run = (entry: object) => sendBundle(hub, bundleOf('transaction', [entry]))
  const byIdentifier = (value: string, more: object = {}) => ({
    resource: flu(value, { lotNumber: 'BYID' }),
    request: { method: 'PUT', url: `Immunization?identifier=${system}%7C${value}`, ...more }
  })

  const exists = await run(
    postOf(flu('stored', { lotNumber: 'OTHER' }), { ifNoneExist: `identifier=${system}|stored` })
  )
  t.same(statusesOf(exists), ['200'])
  t.match(exists.body, stored.id ?? '-')
  const absent = await run(
    postOf(flu('absent', { nhsNumber: PATIENTS[1]! }), { ifNoneExist: `identifier=${system}|absent` })
  )
  t.same(statusesOf(absent), ['201'])
  t.same(statusesOf(await run(byIdentifier('stored'))), ['200'], 'updates what has the identifier')
  t.equal((await run(byIdentifier('stored', { ifMatch: 'W/"1"' }))).statusCode, 412)
  t.equal((await run(byIdentifier('fresh', { ifMatch: 'W/"1"' }))).statusCode, 412, 'nothing to match')
  const fresh = {
    ...byIdentifier('fresh'),
    resource: flu('fresh', { nhsNumber: '9990016410', occurrenceDateTime: '2026-09-20T10:00:00+01:00' })
  }
  t.same(statusesOf(await run(fresh)), ['201'], 'creates where nothing has it')
  t.equal((await run(putOf({ ...stored, lotNumber: 'Z' }, 'W/"1"'))).statusCode, 412, 'stale')
  t.equal(
    (await run({ resource: stored, request: { method: 'PUT', url: `Immunization/${stored.id ?? ''}` } })).statusCode,
    400
  )
  for (const ifNoneExist of ['identifier=a|b,c|d', 'patient=1', 'identifier=a|b&status=completed'])
    t.equal((await run(postOf(flu('c'), { ifNoneExist }))).statusCode, 400, ifNoneExist)
  t.same(hub.faults, [])
})

t.test('references that lead nowhere are named; resources that nobody refers to are remarked on', async (t) => {
  const hub = await open(t)
  const uuid = 'urn:uuid:6f5e4d3c-0000-4000-8000-0000000000bb'
  const dangling = { ...flu('dangling'), encounter: { reference: uuid } }
  const sent = await sendBundle(hub, bundleOf('transaction', [postOf(dangling)]))
  t.equal(sent.statusCode, 400)
  t.same(outcomeOf(JSON.parse(sent.body))[0], {
    rule: 'bundle-reference-unresolved',
    at: 'Bundle.entry[0].resource.encounter.reference'
  })

  const spare = {
    fullUrl: uuid,
    resource: { resourceType: 'Location', name: 'x' },
    request: { method: 'POST', url: 'Location' }
  }
  const unused = await sendBundle(hub, bundleOf('transaction', [spare, postOf(flu('alone'))]))
  t.same(outcomeOf(entriesOf(unused)[0]?.response?.outcome), [{ rule: 'bundle-entry-unused', at: 'Bundle.entry[0]' }])

  const taken = flu('taken', { nhsNumber: PATIENTS[1]! })
  const named = { ...taken, location: { reference: 'Location/room-1' } }
  const room = {
    ...spare,
    fullUrl: 'https://pharmacy.example/fhir/Location/room-1',
    resource: {
      ...spare.resource,
      id: 'room-1',
      meta: { versionId: '3', profile: ['https://fhir.hl7.org.uk/StructureDefinition/UKCore-Location'] }
    }
  }
  const folded = await sendBundle(hub, bundleOf('transaction', [postOf(named), room]), {
    prefer: 'return=representation'
  })
  t.equal(folded.statusCode, 200, folded.body)
  const record = entriesOf(folded)[0]?.resource as Immunization
  t.match(record.location, { reference: '#location' })
  t.same(record.contained?.at(-1), {
    resourceType: 'Location',
    id: 'location',
    meta: { profile: ['https://fhir.hl7.org.uk/StructureDefinition/UKCore-Location'] },
    name: 'x'
  })
  t.equal(record.contained?.length, (taken.contained?.length ?? 0) + 1, 'own contained resources stay')

  const provenance = {
    resource: { resourceType: 'Provenance', target: [{ reference: 'Immunization/1' }] },
    request: { method: 'POST', url: 'Provenance' }
  }
  const vouched = await sendBundle(hub, bundleOf('transaction', [postOf(flu('v')), provenance]))
  t.equal(vouched.statusCode, 400)
  t.same(
    outcomeOf(JSON.parse(vouched.body)).map(({ at }) => at),
    ['target[0].reference', 'recorded', 'agent'].map((path) => `Bundle.entry[1].resource.${path}`)
  )
  t.same(hub.faults, [])
})

t.test(
  'transactions over the same records at the same moment: one wins, the others are told, nothing is half done',
  async (t) => {
    const hub = await open(t)
    const order = ['a', 'b', 'c', 'd']
    const sentAtOnce = await Promise.all(
      Array.from({ length: 12 }, (_, n) => {
        const values = n % 2 === 0 ? order : [...order].reverse()
        const lotNumber = `LOT${n}`
        return sendBundle(
          hub,
          bundleOf(
            'transaction',
            values.map((value, i) =>
              postOf(
                flu(`race-${value}`, {
                  lotNumber,
                  nhsNumber: PATIENTS[i % 2]!,
                  occurrenceDateTime: `2026-10-0${order.indexOf(value) + 1}T10:00:00+01:00`
                })
              )
            )
          )
        )
      })
    )
    const statuses = sentAtOnce.map(({ statusCode }) => statusCode)
    t.equal(statuses.filter((status) => status === 200).length, 1, statuses.join())
    t.ok(
      statuses.every((status) => status === 200 || status === 409),
      statuses.join()
    )
    const { rows } = await hub.pool.query<{ lots: number; records: string }>(
      `select count(distinct body::json ->> 'lotNumber')::integer as lots, count(*) as records from record_version`
    )
    t.match(rows, [{ lots: 1, records: 4 }])

    const stored = await hub.pool.query<{ record_id: string }>('select record_id from record order by record_id')
    const bodies = await Promise.all(
      stored.rows.map(async ({ record_id }) => {
        const read = await hub.server.inject({
          url: `${BASE}/Immunization/${record_id}`,
          headers: { authorization: await hub.bearer() }
        })
        return read.json<Immunization>()
      })
    )
    const updates = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        sendBundle(
          hub,
          bundleOf(
            'transaction',
            (n % 2 ? bodies : [...bodies].reverse()).map((body) => putOf({ ...body, lotNumber: `UP${n}` }, 'W/"1"'))
          )
        )
      )
    )
    t.same(updates.map(({ statusCode }) => statusCode).sort(), [200, 412, 412, 412, 412, 412, 412, 412])
    t.same(hub.faults, [])
  }
)

t.test('a caller needs what each entry needs', async (t) => {
  const hub = await open(t)
  const scoped = await sendBundle(
    hub,
    bundleOf('transaction', [postOf(flu('x'))]),
    {},
    { scopes: ['system/Immunization.rs'] }
  )
  t.equal(scoped.statusCode, 403)
  t.same(outcomeOf(JSON.parse(scoped.body)), [{ rule: 'scope-missing', at: 'Bundle.entry[0]' }])
  const typed = await sendBundle(hub, bundleOf('transaction', [postOf(flu('x'))]), {}, { permissions: ['COVID.CRUDS'] })
  t.equal(typed.statusCode, 403)
  t.equal(await countRecords(hub), 0)
  const nobody = await hub.server.inject({ method: 'POST', url: BASE, payload: '{}' })
  t.equal(nobody.statusCode, 401)
})

t.test('one large Patient shared by many is not copied without end', async (t) => {
  const hub = await open(t)
  const fullUrl = 'urn:uuid:6f5e4d3c-0000-4000-8000-0000000000cc'
  const patient = { resourceType: 'Patient', name: [{ family: 'x'.repeat(1_000_000) }] }
  const entries = Array.from({ length: 30 }, (_, n) =>
    postOf({ ...flu(`big-${n}`), contained: undefined, performer: undefined, patient: { reference: fullUrl } })
  )
  const sent = await sendBundle(
    hub,
    bundleOf('transaction', [{ fullUrl, resource: patient, request: { method: 'POST', url: 'Patient' } }, ...entries])
  )
  t.equal(sent.statusCode, 413)
  t.match((JSON.parse(sent.body) as OperationOutcome).issue[0], { code: 'too-costly' })
  t.equal(await countRecords(hub), 0)
})

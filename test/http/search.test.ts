// Searches, reads and histories as a client makes them, over records that were accepted the ordinary way.
import type { Bundle, CapabilityStatement, Immunization } from 'fhir/r4.js'
import t from 'tap'
import { syntheticImmunization, syntheticPatient, SYNTHETIC_SUPPLIERS } from '../support/synthetic.js'
import { openHub } from './open-hub.js'

// Each look at the clock is a second later: versions of one moment have no order to speak of.
let clock = Date.parse('2027-04-15T09:00:00Z')
const hub = await openHub(t, () => new Date((clock += 1000)))
const BASE = '/FHIR/R4/Immunization'
const patient = syntheticPatient(0)
const HISTORY = `patient.identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C${patient.nhsNumber}`
const authorization = await hub.bearer({ client: 'marlowe-pharmacy', permissions: ['*.CRUDS'] })

async function get(url: string, headers: object = {}) {
  return hub.server.inject({ url, headers: { authorization, ...headers } })
}

async function form(query: string, headers: object = {}) {
  return hub.server.inject({
    method: 'POST',
    url: `${BASE}/_search`,
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: query
  })
}

async function send(method: 'POST' | 'PUT' | 'DELETE', url: string, resource?: object, headers: object = {}) {
  const type = resource === undefined ? {} : { 'content-type': 'application/fhir+json' }
  const payload = resource === undefined ? {} : { payload: JSON.stringify(resource) }
  return hub.server.inject({ method, url, headers: { authorization, ...type, ...headers }, ...payload })
}

const [supplier] = SYNTHETIC_SUPPLIERS
const flu: Immunization = {
  ...syntheticImmunization({ n: 1, vaccineType: 'FLU', patient, ...(supplier === undefined ? {} : { supplier }) }),
  lotNumber: 'AF3214B'
}
const created: Immunization[] = []
for (const resource of [flu, syntheticImmunization({ n: 2, vaccineType: 'RSV', patient })]) {
  const answer = await send('POST', BASE, resource)
  if (answer.statusCode !== 201) throw new Error(answer.body)
  created.push(answer.json<Immunization>())
}
const id = created[0]?.id ?? ''

t.test('GET and POST _search are the same search, with the same link to itself', async (t) => {
  const day = (flu.occurrenceDateTime ?? '').slice(0, 10)
  const queries = [
    HISTORY,
    `${HISTORY}&lot-number=af32`,
    `${HISTORY}&date=${day}`,
    `${HISTORY}&date=lt${day}`,
    `${HISTORY}&location:identifier=${flu.location?.identifier?.value ?? ''}`,
    `${HISTORY}&-hub.vaccine-type=RSV&_sort=date,-_id&_count=1&_elements=lotNumber`,
    `${HISTORY}&_include=Immunization:patient&_revinclude=Provenance:target&_summary=true`,
    `${HISTORY}&status:not=completed`,
    `_id=${id}`
  ]
  for (const query of queries) {
    const [got, posted] = [await get(`${BASE}?${query}`), await form(query)]
    t.equal(got.statusCode, 200, got.body)
    t.equal(posted.body, got.body, query)
  }
  const split = await hub.server.inject({
    method: 'POST',
    url: `${BASE}/_search?${HISTORY}`,
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'lot-number=af32'
  })
  t.equal(split.body, (await get(`${BASE}?${HISTORY}&lot-number=af32`)).body, 'URL and body are taken together')
})

t.test('a form may say how the answer looks', async (t) => {
  t.match((await form(`${HISTORY}&_pretty=true`)).body, /^\{\n {2}"resourceType": "Bundle"/)
  t.equal((await form(`${HISTORY}&_format=xml`)).statusCode, 406)
  t.match((await form(`${HISTORY}&_format=application/json`)).headers['content-type'], /^application\/json/)
  t.equal((await form(`${HISTORY}&_format=json&_format=json`)).statusCode, 400)
  t.equal((await get(`${BASE}?${HISTORY}&_pretty=true&_pretty=false`)).statusCode, 400)
})

t.test('unknown parameters: refused, or ignored with a warning entry', async (t) => {
  const query = `${HISTORY}&colour=red`
  t.equal((await get(`${BASE}?${query}`)).statusCode, 400)
  const lenient = await get(`${BASE}?${query}`, { prefer: 'handling=lenient' })
  const bundle = lenient.json<Bundle>()
  t.same(
    bundle.entry?.map(({ search }) => search?.mode),
    ['match', 'match', 'outcome']
  )
  t.equal(bundle.total, 2)
  t.match(bundle.entry?.[2]?.resource, {
    issue: [{ severity: 'warning', details: { coding: [{ code: 'parameters-ignored' }] } }]
  })
  t.equal((await get(`${BASE}?${HISTORY}&status:above=x`, { prefer: 'handling=lenient' })).statusCode, 400)
})

t.test('reads show a part of a record, and keep its digits', async (t) => {
  for (const url of [`${BASE}/${id}`, `${BASE}/${id}/_history/1`]) {
    const part = await get(`${url}?_elements=lotNumber`)
    t.equal(part.statusCode, 200)
    t.match(part.json<Immunization>(), { id, lotNumber: 'AF3214B', meta: { tag: [{ code: 'SUBSETTED' }] } })
    t.notHas(part.json<Immunization>(), 'doseQuantity')
    t.notHas((await get(`${url}?_summary=true`)).json<Immunization>(), 'lotNumber')
    t.equal((await get(`${url}?_summary=false`)).body, (await get(url)).body)
    for (const query of ['_summary=count', '_summary=banana', '_elements=banana', 'colour=red'])
      t.equal((await get(`${url}?${query}`)).statusCode, 400, query)
    t.equal((await get(`${url}?colour=red`, { prefer: 'handling=lenient' })).statusCode, 200)
  }
})

t.test('what is searched follows a correction, and a reinstatement after a delete', async (t) => {
  const corrected = { ...flu, id, lotNumber: 'ZZ0001' }
  t.equal((await send('PUT', `${BASE}/${id}`, corrected, { 'if-match': 'W/"1"' })).statusCode, 200)
  const totalOf = async (query: string) => (await get(`${BASE}?${HISTORY}&${query}`)).json<Bundle>().total
  t.same([await totalOf('lot-number=af'), await totalOf('lot-number=zz')], [0, 1])
  t.equal((await send('DELETE', `${BASE}/${id}`)).statusCode, 204)
  t.equal(await totalOf('lot-number=zz'), 0)
  const back = await send('POST', BASE, flu)
  t.equal(back.statusCode, 201, back.body)
  t.same([await totalOf('lot-number=af'), await totalOf('lot-number=zz')], [1, 0])
  t.equal(await totalOf(`date=${(flu.occurrenceDateTime ?? '').slice(0, 10)}&lot-number=af`), 1)

  const provenance = (await get(`${BASE}?_id=${id}&_revinclude=Provenance:target`)).json<Bundle>().entry?.[1]?.resource
  t.match(provenance, {
    target: [{ reference: `Immunization/${id}/_history/4` }],
    agent: [{ who: { identifier: { value: 'marlowe-pharmacy' } } }],
    activity: { coding: [{ code: 'UPDATE' }] }
  })
  const versions = (await get(`${BASE}/_history?_count=2`)).json<Bundle>()
  t.same(
    versions.entry?.map(({ request }) => request?.method),
    ['PUT', 'DELETE']
  )
})

t.test('the capability statement declares what is served', async (t) => {
  const statement = (await get('/FHIR/R4/metadata')).json<CapabilityStatement>()
  const resource = statement.rest?.[0]?.resource?.find(({ type }) => type === 'Immunization')
  t.match(resource, { searchInclude: ['Immunization:patient'], searchRevInclude: ['Provenance:target'] })
  t.ok(resource?.interaction?.some(({ code }) => code === 'history-type'))
  t.match(resource?.documentation, /shows each vaccination once.*-hub\.alternates=true shows every record/)
  for (const include of resource?.searchInclude ?? [])
    t.equal((await get(`${BASE}?_id=${id}&_include=${include}`)).statusCode, 200)
  for (const include of resource?.searchRevInclude ?? [])
    t.equal((await get(`${BASE}?_id=${id}&_revinclude=${include}`)).statusCode, 200)
  for (const { name } of resource?.searchParam ?? []) {
    const answer = await get(`${BASE}?${HISTORY}&${name}=`)
    t.match(answer.body, /search-value-empty/, `${name} is known`)
  }
  t.same(hub.faults, [])
})

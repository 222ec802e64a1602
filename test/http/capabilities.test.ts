// Every claim of /metadata, held against the service by calling it; and what describes the service beside it.
import type {
  CapabilityStatement,
  CapabilityStatementRestResource,
  OperationDefinition,
  SearchParameter
} from 'fhir/r4.js'
import t from 'tap'
import { ALL_SCOPES } from '../../src/fhir/caller.js'
import { NHS_NUMBER_SYSTEM } from '../../src/fhir/identifier-systems.js'
import { bundleOf, idsOf, matchesOf, openServedHub, postDoubtfulPair, rulesOf, type Answer } from './served-calls.js'

const hub = await openServedHub(t)
const [RECORD] = await postDoubtfulPair(hub)
const metadata = await hub.get('/metadata')
const statement = metadata.resource as CapabilityStatement
const resources = statement.rest?.[0]?.resource ?? []

/** The requests that an interaction of R4 is made of; a body that is refused is an answer of the interaction too. */
const REQUESTS: Record<
  string,
  (type: string) => [method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string][]
> = {
  create: (type) => [['POST', `/${type}`]],
  read: (type) => [['GET', `/${type}/${RECORD}`]],
  vread: (type) => [['GET', `/${type}/${RECORD}/_history/1`]],
  update: (type) => [['PUT', `/${type}/${RECORD}`]],
  patch: (type) => [['PATCH', `/${type}/${RECORD}`]],
  delete: (type) => [['DELETE', `/${type}/${RECORD}`]],
  'history-instance': (type) => [['GET', `/${type}/${RECORD}/_history`]],
  'history-type': (type) => [['GET', `/${type}/_history`]],
  'search-type': (type) => [
    ['GET', `/${type}`],
    ['POST', `/${type}/_search`]
  ]
}

/** A value that each search parameter takes; with what the search needs beside it. */
const VALUES: Record<string, Record<string, string>> = {
  '*': {
    _id: RECORD,
    _lastUpdated: 'ge2020',
    'patient.identifier': `${NHS_NUMBER_SYSTEM}|9990013675`
  },
  Immunization: {
    identifier: 'https://a.example|1',
    date: 'ge2020',
    status: 'completed',
    'vaccine-code': 'http://snomed.info/sct|1',
    'target-disease': 'http://snomed.info/sct|6142004',
    '-hub.alternates': 'true',
    patient: RECORD,
    'patient:identifier': `${NHS_NUMBER_SYSTEM}|9990013675`,
    '-hub.vaccine-type': 'FLU',
    'lot-number': 'AB1',
    location: `Location/${RECORD}`,
    'location.identifier': 'https://fhir.nhs.uk/Id/ods-site-code|X1',
    performer: `Organization/${RECORD}`,
    'performer.identifier': 'https://fhir.nhs.uk/Id/ods-organization-code|X1',
    _profile: 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-Immunization'
  },
  Linkage: { item: RECORD, source: RECORD },
  Task: { status: 'requested', focus: RECORD, 'authored-on': 'ge2020' },
  Provenance: { target: `Immunization/${RECORD}/_history/1`, recorded: 'ge2020' },
  AuditEvent: { date: 'ge2020', agent: 'pharmacy', entity: `Immunization/${RECORD}`, action: 'C', subtype: 'create' },
  OperationDefinition: { url: 'https://hub.test/FHIR/R4/OperationDefinition/Immunization-validate', code: 'validate' },
  SearchParameter: {
    url: 'https://hub.test/FHIR/R4/SearchParameter/Task-patient.identifier',
    code: 'patient.identifier'
  }
}

const absent = (answer: Answer): boolean => {
  const rules = rulesOf(answer)
  return (
    answer.status === 405 ||
    (answer.status === 404 && (rules.includes('unknown-url') || rules.includes('unknown-operation')))
  )
}

t.test('it is a CapabilityStatement of R4, and names the rules in force', (t) => {
  t.match(statement, {
    resourceType: 'CapabilityStatement',
    status: 'active',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'application/json'],
    implementation: { description: /programme rules/ }
  })
  t.same(
    resources.map(({ type }) => type),
    ['Immunization', 'Patient', 'Linkage', 'Task', 'Provenance', 'AuditEvent', 'OperationDefinition', 'SearchParameter']
  )
  t.end()
})

for (const resource of resources)
  t.test(`${resource.type}: interactions declared are answered, others are not there`, async (t) => {
    const declared = (resource.interaction ?? []).map(({ code }) => code as string)
    t.same(
      declared.filter((code) => REQUESTS[code] === undefined),
      [],
      'each is known here'
    )
    // Deleting comes last: the others look at what is there.
    for (const [code, requests] of Object.entries(REQUESTS).sort(
      ([a], [b]) => Number(a === 'delete') - Number(b === 'delete')
    ))
      for (const [method, path] of requests(resource.type)) {
        const answer = await hub.ask(method, path, {}, method === 'GET' ? undefined : '')
        if (declared.includes(code)) t.notOk(absent(answer), `${method} ${path} is answered: ${answer.status}`)
        // vread of a type without versions, for one, has no URL at all.
        else t.ok(absent(answer) || answer.status === 404, `${method} ${path} is not there: ${answer.status}`)
        if (answer.status === 405) t.ok(answer.headers['allow'], `${method} ${path} says what is allowed`)
        t.ok(answer.status < 500, answer.text)
      }
  })

for (const resource of resources.filter(({ interaction = [] }) =>
  interaction.some(({ code }) => code === 'search-type')
))
  t.test(`${resource.type}: search parameters declared are taken, others are unknown`, async (t) => {
    const named = resource.searchParam ?? []
    for (const { name, definition, documentation } of named) {
      const value = VALUES[resource.type]?.[name] ?? VALUES['*']?.[name]
      t.ok(value, `${name} has a value to be tried with`)
      const answer = await hub.get(`/${resource.type}?${query(resource, name, value ?? '')}`)
      t.equal(answer.status, 200, `${name}: ${answer.text}`)
      t.equal(bundleOf(answer).type, 'searchset')
      t.ok(bundleOf(answer).link?.[0]?.url.includes(encodeURIComponent(name)), `${name} stands in the self link`)
      t.ok(definition && documentation, `${name} is described`)
    }
    const known = new Set(named.map(({ name }) => name))
    for (const name of ['banana', '_text', '_content', '_filter', 'code', 'date', 'based-on', 'agent-name', '_list'])
      if (!known.has(name)) {
        const answer = await hub.get(`/${resource.type}?${query(resource, name, 'x')}`)
        t.same([answer.status, ...rulesOf(answer)], [400, 'search-parameter-unknown'], name)
      }
  })

function query({ type, searchParam = [] }: CapabilityStatementRestResource, name: string, value: string): string {
  const needed =
    ['Immunization', 'Linkage', 'Provenance'].includes(type) && searchParam.some((one) => one.name === '_id')
  const others = needed && name !== '_id' ? `&_id=${RECORD}` : ''
  return `${encodeURIComponent(name)}=${encodeURIComponent(value)}${others}`
}

t.test('every operation that is declared has a definition, and is called as it says', async (t) => {
  const declared = resources.flatMap(({ type, operation = [] }) => operation.map(({ name }) => ({ type, name })))
  const definitions = matchesOf(await hub.get('/OperationDefinition', { scopes: [] })) as OperationDefinition[]
  t.same(
    definitions.map(({ resource, code }) => `${resource?.[0] ?? ''}$${code}`).sort(),
    declared.map(({ type, name }) => `${type}$${name}`).sort()
  )
  for (const definition of definitions) {
    const { id = '', code, resource, url } = definition
    t.match(definition, {
      status: 'active',
      kind: 'operation',
      url: `https://hub.test/FHIR/R4/OperationDefinition/${id}`
    })
    t.ok(definition.system || definition.type || definition.instance, `${id} is called somewhere`)
    t.same((await hub.get(`/OperationDefinition/${id}`)).resource, definition)
    t.same(idsOf(await hub.get(`/OperationDefinition?url=${encodeURIComponent(url ?? '')}&code=${code}`)), [id])
    const places = [
      ...(definition.type ? [`/${resource?.[0] ?? ''}/$${code}`] : []),
      ...(definition.instance ? [`/${resource?.[0] ?? ''}/${RECORD}/$${code}`] : [])
    ]
    for (const place of places) t.notOk(absent(await hub.ask('POST', place, {}, '')), place)
  }
  const other = await hub.ask('POST', '/Immunization/$banana', {}, '')
  t.ok(absent(other), 'an operation that nobody declared')
})

t.test("the Hub's own search parameters are defined where /metadata points", async (t) => {
  const own = resources.flatMap(({ searchParam = [] }) =>
    searchParam.filter(({ definition }) => definition?.startsWith('https://hub.test/'))
  )
  const all = matchesOf(await hub.get('/SearchParameter?_count=200')) as SearchParameter[]
  t.same(all.map(({ url }) => url).sort(), own.map(({ definition }) => definition).sort())
  t.ok(own.some(({ name }) => name === '-hub.alternates'))
  for (const { name, definition = '' } of own) {
    const answer = await hub.get(definition, { scopes: [] })
    t.match(answer.resource, { resourceType: 'SearchParameter', status: 'active', code: name, url: definition })
    t.match(answer.resource, { base: [/^[A-Z]/], type: /^(?:token|special)$/, description: /./, name: /^[A-Z]\w+$/ })
  }
  const paged = await hub.get('/SearchParameter?_count=1')
  const next = bundleOf(paged).link?.find(({ relation }) => relation === 'next')?.url ?? ''
  t.equal(bundleOf(paged).total, all.length)
  t.not(idsOf(await hub.get(next))[0], idsOf(paged)[0])
  const tag = String((await hub.get(`/SearchParameter/${all[0]?.id ?? ''}`)).headers['etag'])
  t.equal((await hub.get(`/SearchParameter/${all[0]?.id ?? ''}`, {}, { 'if-none-match': tag })).status, 304)
})

t.test('metadata is open, has modes and a tag', async (t) => {
  const bare = await hub.server.inject('/FHIR/R4/metadata')
  t.equal(bare.statusCode, 200)
  for (const mode of ['full', 'normative']) t.same((await hub.get(`/metadata?mode=${mode}`)).resource, statement, mode)
  const terminology = await hub.get('/metadata?mode=terminology')
  t.match(terminology.resource, {
    resourceType: 'TerminologyCapabilities',
    status: 'active',
    kind: 'instance',
    date: '2026-11-02T09:00:00.000Z'
  })
  for (const wrong of ['banana', '', 'full&mode=full']) {
    const answer = await hub.get(`/metadata?mode=${wrong}`)
    t.same([answer.status, ...rulesOf(answer)], [400, 'metadata-mode'], wrong)
  }
})

t.test('smart-configuration says how to get a token, and for which scopes', async (t) => {
  for (const path of ['/FHIR/R4/.well-known/smart-configuration', '/.well-known/smart-configuration']) {
    const answer = await hub.server.inject(path)
    t.equal(answer.statusCode, 200)
    t.match(answer.headers['content-type'], /^application\/json/)
    const configuration = answer.json<Record<string, unknown>>()
    t.match(configuration, {
      token_endpoint: 'https://issuer.test/token',
      jwks_uri: 'https://issuer.test/keys',
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384', 'RS512'],
      grant_types_supported: ['client_credentials']
    })
    t.same(configuration['scopes_supported'], ALL_SCOPES)
  }
})

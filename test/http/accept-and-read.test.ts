// From the socket to the ledger and back: what suppliers and services do all day, on PostgreSQL.
import { readFileSync } from 'node:fs'
import type { Bundle, Immunization, OperationOutcome } from 'fhir/r4.js'
import t from 'tap'
import { openHub } from './open-hub.js'

const NOW = new Date('2026-11-15T09:00:00Z')
let now = NOW
const hub = await openHub(t, () => now)
const URL = '/FHIR/R4/Immunization'

function fixture(name: string): Immunization {
  const file = new globalThis.URL(`../../fixtures/immunization/valid/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as Immunization
}

interface Sent {
  statusCode: number
  headers: Record<string, unknown>
  body: string
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

async function ask(
  client: string,
  method: Method,
  url: string,
  body?: object | string,
  headers: object = {}
): Promise<Sent> {
  return hub.server.inject({
    method,
    url,
    headers: {
      authorization: await hub.bearer({ client, permissions: ['FLU.CRUDS', 'COVID.CRUDS', 'HPV.CRUDS'] }),
      ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
      ...headers
    },
    ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) })
  })
}

function rulesOf(answer: Sent): (string | undefined)[] {
  return (JSON.parse(answer.body) as OperationOutcome).issue.map(({ details }) => details?.coding?.[0]?.code)
}

const idOf = (answer: Sent) => (JSON.parse(answer.body) as Immunization).id ?? ''
const historyOf = (nhsNumber: string) => `${URL}?patient.identifier=https://fhir.nhs.uk/Id/nhs-number%7C${nhsNumber}`

t.test('a record lives: created, sent again, corrected, deleted, reinstated, and every version stays', async (t) => {
  const flu = fixture('flu-pharmacy-older-adult')
  const sent = JSON.stringify(flu).replace('"value":0.5,', '"value":0.50,')
  const created = await ask('marlowe-pharmacy', 'POST', URL, sent)
  t.equal(created.statusCode, 201, created.body)
  const id = idOf(created)
  const record = `${URL}/${id}`
  t.match(created.headers, { location: `https://hub.test${record}/_history/1`, etag: 'W/"1"' })
  t.match(created.body, /"value":0\.50,/)

  const again = await ask('marlowe-pharmacy', 'POST', URL, sent)
  t.match(again, { statusCode: 200, headers: { etag: 'W/"1"', 'last-modified': created.headers['last-modified'] } })
  t.equal(again.body, created.body, 'same id, same version, same text')
  const changed = await ask('marlowe-pharmacy', 'POST', URL, { ...flu, lotNumber: 'AF0000B' })
  t.equal(changed.statusCode, 409)
  t.match(changed.body, /Immunization\.lotNumber/)

  const corrected = { ...flu, id, lotNumber: 'AF0000B' }
  t.equal((await ask('marlowe-pharmacy', 'PUT', record, corrected)).statusCode, 400, 'without If-Match')
  now = new Date(NOW.getTime() + 60_000)
  const updated = await ask('marlowe-pharmacy', 'PUT', record, corrected, { 'if-match': 'W/"1"' })
  t.match(updated, { statusCode: 200, headers: { etag: 'W/"2"', 'last-modified': 'Sun, 15 Nov 2026 09:01:00 GMT' } })
  const stale = await ask(
    'marlowe-pharmacy',
    'PUT',
    record,
    { ...corrected, lotNumber: 'AF1111B' },
    { 'if-match': 'W/"1"' }
  )
  t.same([stale.statusCode, rulesOf(stale)], [412, ['version-stale']])

  const read = await ask('gp-practice', 'GET', record)
  t.match(read, { statusCode: 200, headers: { etag: 'W/"2"', 'last-modified': 'Sun, 15 Nov 2026 09:01:00 GMT' } })
  t.equal(read.body, updated.body)
  t.match(JSON.parse(read.body), { id, meta: { versionId: '2', lastUpdated: '2026-11-15T09:01:00.000Z' } })
  t.equal((await ask('gp-practice', 'GET', `${record}/_history/1`)).body, created.body)

  t.equal((await ask('other-pharmacy', 'DELETE', record)).statusCode, 404, "another supplier's record is not there")
  t.match(await ask('marlowe-pharmacy', 'DELETE', record), { statusCode: 204, headers: { etag: 'W/"3"' } })
  t.equal((await ask('gp-practice', 'GET', record)).statusCode, 410)
  t.match(JSON.parse((await ask('gp-practice', 'GET', historyOf('9990013675'))).body), { total: 0 })

  t.equal((await ask('marlowe-pharmacy', 'POST', URL, sent)).statusCode, 201)
  const versions = JSON.parse((await ask('gp-practice', 'GET', `${record}/_history`)).body) as Bundle
  t.same(
    versions.entry?.map(({ request, response }) => `${request?.method} ${response?.etag}`),
    ['PUT W/"4"', 'DELETE W/"3"', 'PUT W/"2"', 'POST W/"1"']
  )
})

t.test('the same jab from pharmacy and GP is one entry of the history, and both are kept', async (t) => {
  const pharmacy = await ask('marlowe-pharmacy', 'POST', URL, fixture('flu-pharmacy-adult-at-risk'))
  t.equal(pharmacy.statusCode, 201, pharmacy.body)
  const nhsNumber = /"https:\/\/fhir\.nhs\.uk\/Id\/nhs-number","value":"(\d{10})"/.exec(pharmacy.body)?.[1] ?? ''
  const copy = fixture('flu-pharmacy-adult-at-risk')
  const second = {
    ...copy,
    identifier: [{ system: 'https://gp-system.example/id', value: '8d0b7c0a-30a1-4c8e-9d2b-0d4c3e0a1f55' }],
    primarySource: false,
    reportOrigin: { text: 'Letter from pharmacy' }
  }
  const gp = await ask('gp-system', 'POST', URL, second)
  t.equal(gp.statusCode, 201, gp.body)
  t.not(idOf(gp), idOf(pharmacy))
  t.ok(gp.headers['x-issue-count'], 'the sender is told that it was linked')

  const shown = JSON.parse((await ask('gp-practice', 'GET', historyOf(nhsNumber))).body) as Bundle
  t.same(
    shown.entry?.filter(({ search }) => search?.mode === 'match').map(({ resource }) => resource?.id),
    [idOf(pharmacy)]
  )
  const all = JSON.parse(
    (await ask('gp-practice', 'GET', `${historyOf(nhsNumber)}&-hub.alternates=true`)).body
  ) as Bundle
  t.equal(all.total, 2)
})

t.test('every fault is answered at once, each with its element', async (t) => {
  const refused = await ask('school-team', 'POST', URL, {
    ...fixture('hpv-school'),
    status: 'done',
    lotNumber: 7,
    banana: true
  })
  t.equal(refused.statusCode, 400)
  const { issue } = JSON.parse(refused.body) as OperationOutcome
  const places = issue.flatMap(({ expression }) => expression ?? [])
  for (const place of ['Immunization.status', 'Immunization.lotNumber', 'Immunization.banana'])
    t.ok(places.includes(place), `${place} in ${places.join(', ')}`)
  for (const body of ['null', '[]', '"x"', '{}', '{"resourceType":"Patient"}'])
    t.same(rulesOf(await ask('school-team', 'POST', URL, body)), ['resource-type'], body)
})

t.test('a client without the permission for a vaccine type is told which one it lacks', async (t) => {
  const answer = await hub.server.inject({
    method: 'POST',
    url: URL,
    headers: {
      authorization: await hub.bearer({ permissions: ['FLU.CRUDS'] }),
      'content-type': 'application/fhir+json'
    },
    payload: JSON.stringify(fixture('hpv-school'))
  })
  t.equal(answer.statusCode, 403)
  t.match(answer.body, /HPV\.C/)
})

t.test('a hundred records sent at the same moment are each answered with their own', async (t) => {
  const authorization = await hub.bearer({ client: 'bulk' })
  const template = JSON.stringify(fixture('flu-pharmacy-nhs-number-unknown'))
  const value = fixture('flu-pharmacy-nhs-number-unknown').identifier?.[0]?.value ?? ''
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      hub.server.inject({
        method: 'POST',
        url: URL,
        headers: { authorization, 'content-type': 'application/fhir+json', 'x-request-id': `bulk-${index}` },
        payload: index % 10 === 3 ? '{"resourceType":"Immunization"}' : template.replace(value, `bulk-${index}`)
      })
    )
  )
  answers.forEach((answer, index) => {
    t.equal(answer.statusCode, index % 10 === 3 ? 400 : 201)
    t.equal(answer.headers['x-request-id'], `bulk-${index}`)
    if (answer.statusCode === 201) t.match(answer.body, `"value":"bulk-${index}"`)
  })
  t.equal(new Set(answers.flatMap((answer) => answer.headers['location'] ?? [])).size, 90)
  t.same(hub.faults, [])
})

// JSON Patch of a record: what it may do, what it is refused for, and that the result is judged like an update.
import type { Immunization, OperationOutcome } from 'fhir/r4.js'
import t, { type Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { openHub } from './open-hub.js'
import { openCaller, rulesOf, SYSTEM, type Call } from './write-calls.js'

const NOW = new Date('2026-11-15T09:00:00Z')
let now = NOW
const hub = await openHub(t, () => now)
const URL = '/FHIR/R4/Immunization'
const as = (client: string, permissions?: string[]): Call => openCaller(hub, client, permissions)
const pharmacy = as('pharmacy')
const LOT = [{ op: 'replace', path: '/lotNumber', value: 'NEW1' }]

interface Made {
  id: string
  url: string
  value: string
  body: string
}

async function create(t: Test): Promise<Made> {
  const value = uuidv7()
  const flu = fluByPharmacy({ value, system: SYSTEM, nhsNumber: '9990016410' })
  const sent = JSON.stringify(flu).replace('"value":0.5,', '"value":0.50,')
  const created = await pharmacy('POST', URL, sent)
  t.equal(created.statusCode, 201, created.body)
  const { id = '' } = JSON.parse(created.body) as Immunization
  return { id, url: `${URL}/${id}`, value, body: created.body }
}

t.test('a patch makes the next version and leaves every other character as it was', async (t) => {
  const made = await create(t)
  now = new Date(NOW.getTime() + 60_000)
  const patched = await pharmacy('PATCH', made.url, LOT, { 'if-match': 'W/"1"' })
  now = NOW
  t.match(patched, {
    statusCode: 200,
    headers: {
      etag: 'W/"2"',
      'last-modified': 'Sun, 15 Nov 2026 09:01:00 GMT',
      location: `https://hub.test${made.url}/_history/2`
    }
  })
  const expected = made.body
    .replace('"versionId":"1"', '"versionId":"2"')
    .replace('09:00:00.000Z', '09:01:00.000Z')
    .replace('"lotNumber":"AF3214B"', '"lotNumber":"NEW1"')
  t.equal(patched.body, expected)
  t.match(patched.body, '"value":0.50,')

  const same = await pharmacy('PATCH', made.url, LOT, { 'if-match': 'W/"2"', prefer: 'return=OperationOutcome' })
  t.match(same, { statusCode: 200, headers: { etag: 'W/"2"', 'preference-applied': 'return=OperationOutcome' } })
  t.same(rulesOf(same), ['unchanged'], 'no new version where nothing changes')
  const minimal = await pharmacy('PATCH', made.url, [], { 'if-match': '*', prefer: 'return=minimal' })
  t.match(minimal, { statusCode: 200, body: '' })
})

t.test('a patch names the version it changes', async (t) => {
  const made = await create(t)
  const none = await pharmacy('PATCH', made.url, LOT)
  t.same([none.statusCode, rulesOf(none)], [400, ['version-missing']])
  const stale = await pharmacy('PATCH', made.url, LOT, { 'if-match': 'W/"2"' })
  t.same([stale.statusCode, rulesOf(stale)], [412, ['version-stale']])
  t.equal((await pharmacy('PATCH', made.url, LOT, { 'e-tag': '1' })).statusCode, 200)
})

t.test('a patch that cannot be applied changes nothing, and is kept as it was sent', async (t) => {
  const made = await create(t)
  const current = { 'if-match': 'W/"1"' }
  const cases: [patch: object | string, status: number, rule: string][] = [
    [[{ op: 'test', path: '/lotNumber', value: 'OTHER' }, ...LOT], 422, 'patch-test'],
    [[{ op: 'remove', path: '/nothing' }], 400, 'patch-path'],
    [[{ op: 'replace', path: '/id', value: 'x' }], 422, 'patch-protected'],
    [[{ op: 'remove', path: '/resourceType' }], 422, 'patch-protected'],
    [[{ op: 'add', path: '/meta/versionId', value: '9' }], 422, 'patch-protected'],
    [[{ op: 'add', path: '/meta/lastUpdated', value: '9' }], 422, 'patch-protected'],
    [[{ op: 'add', path: '/__proto__/polluted', value: true }], 400, 'patch-malformed'],
    [[{ op: 'add', path: '/constructor/prototype/polluted', value: true }], 400, 'patch-malformed'],
    [{ resourceType: 'Parameters' }, 400, 'patch-malformed'],
    ['[{"op":"add","op":"test","path":"/a","value":1}]', 400, 'json-duplicate-key'],
    ['[', 400, 'json-syntax']
  ]
  for (const [patch, status, rule] of cases) {
    const answer = await pharmacy('PATCH', made.url, patch, current)
    t.same([answer.statusCode, rulesOf(answer)], [status, [rule]], JSON.stringify(patch))
  }
  const empty = await pharmacy('PATCH', made.url, undefined, current)
  t.same([empty.statusCode, rulesOf(empty)], [400, ['json-empty']])
  t.equal((await pharmacy('GET', made.url)).body, made.body)
  const { rows } = await hub.pool.query<{ body: string }>(
    `select body from refused_submission where 'patch-test' = any (rules)`
  )
  t.same(rows, [{ body: JSON.stringify(cases[0]?.[0]) }])
})

t.test('what comes out is judged like an update, every fault at once', async (t) => {
  const made = await create(t)
  const patch = (operations: object[], call = pharmacy) => call('PATCH', made.url, operations, { 'if-match': 'W/"1"' })
  const faulty = await patch([
    { op: 'replace', path: '/status', value: 'done' },
    { op: 'add', path: '/banana', value: 1 },
    { op: 'remove', path: '/vaccineCode' }
  ])
  t.equal(faulty.statusCode, 400)
  const places = (JSON.parse(faulty.body) as OperationOutcome).issue.flatMap(({ expression }) => expression ?? [])
  for (const place of ['Immunization.status', 'Immunization.banana', 'Immunization.vaccineCode'])
    t.ok(places.includes(place), place)

  const renamed = await patch([{ op: 'replace', path: '/identifier/0/value', value: 'other' }])
  t.same([renamed.statusCode, rulesOf(renamed)[0]], [422, 'identifier-changed'])
  const moved = await patch([{ op: 'replace', path: '/contained/1/identifier/0/value', value: '9990013675' }])
  t.same([moved.statusCode, rulesOf(moved)[0]], [409, 'identity-change'])
  const emptied = await patch([{ op: 'replace', path: '/reasonCode', value: [] }])
  t.equal(emptied.statusCode, 400, 'an array without entries is no FHIR')
  const forbidden = await patch(LOT, as('pharmacy', ['FLU.CRDS']))
  t.same([forbidden.statusCode, rulesOf(forbidden)], [403, ['permission-missing']])
})

t.test('a patch of what is unknown, another’s or deleted says so, and a test tells a stranger nothing', async (t) => {
  const made = await create(t)
  const current = { 'if-match': 'W/"1"' }
  const unknown = await pharmacy('PATCH', `${URL}/${uuidv7()}`, LOT, current)
  t.same([unknown.statusCode, rulesOf(unknown)], [404, ['unknown-record']])
  t.equal((await pharmacy('PATCH', `${URL}/banana`, LOT, current)).statusCode, 404)
  for (const value of ['AF3214B', 'OTHER']) {
    const stranger = await as('stranger')('PATCH', made.url, [{ op: 'test', path: '/lotNumber', value }], current)
    t.same([stranger.statusCode, rulesOf(stranger)], [404, ['unknown-record']])
  }
  await pharmacy('DELETE', made.url)
  const deleted = await pharmacy('PATCH', made.url, LOT, { 'if-match': 'W/"2"' })
  t.same([deleted.statusCode, rulesOf(deleted)], [410, ['deleted-record']])
  const byIdentifier = await pharmacy('PATCH', `${URL}?identifier=${SYSTEM}|${made.value}`, LOT)
  t.equal(byIdentifier.statusCode, 410)
})

t.test('a patch by identifier changes the one record that matches', async (t) => {
  const made = await create(t)
  const query = `${URL}?identifier=${SYSTEM}|${made.value}`
  t.match(await pharmacy('PATCH', query, LOT), { statusCode: 200, headers: { etag: 'W/"2"' } })
  const stale = await pharmacy('PATCH', query, [], { 'if-match': 'W/"1"' })
  t.same([stale.statusCode, rulesOf(stale)], [412, ['version-stale']])
  const none = await pharmacy('PATCH', `${URL}?identifier=${SYSTEM}|${uuidv7()}`, LOT)
  t.same([none.statusCode, rulesOf(none)], [404, ['unknown-record']])
})

t.test('only JSON Patch is taken, and the answer says so', async (t) => {
  const made = await create(t)
  for (const type of ['application/fhir+json', 'application/json', 'application/merge-patch+json', 'text/plain']) {
    const answer = await pharmacy('PATCH', made.url, '[]', { 'if-match': '*', 'content-type': type })
    t.same([answer.statusCode, rulesOf(answer)], [415, ['media-type']], type)
    t.equal(answer.headers['accept-patch'], 'application/json-patch+json')
  }
  const charset = { 'if-match': '*', 'content-type': 'application/json-patch+json; charset=utf-8' }
  t.equal((await pharmacy('PATCH', made.url, '[]', charset)).statusCode, 200)
  const metadata = JSON.parse((await pharmacy('GET', '/FHIR/R4/metadata')).body) as { patchFormat: string[] }
  t.same(metadata.patchFormat, ['application/json-patch+json'])
})

t.test('of 50 patches of the same version one is made, and 49 are told that they are late', async (t) => {
  const made = await create(t)
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      pharmacy('PATCH', made.url, [{ op: 'replace', path: '/lotNumber', value: `P${n}` }], { 'if-match': 'W/"1"' })
    )
  )
  const statuses = answers.map(({ statusCode }) => statusCode)
  t.equal(statuses.filter((status) => status === 200).length, 1)
  t.equal(statuses.filter((status) => status === 412).length, 49)
  const winner = answers.find(({ statusCode }) => statusCode === 200)
  t.equal((await pharmacy('GET', made.url)).body, winner?.body)
  t.same(hub.faults, [])
})

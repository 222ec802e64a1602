// Any FHIR server: what is sent, how it is reached, and how a doubt is settled.
import { generateKeyPairSync } from 'node:crypto'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Immunization } from 'fhir/r4.js'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import nock from 'nock'
import t from 'tap'
import { destinationKind } from '../../src/delivery/destinations/fhir-rest.js'
import type { Destination } from '../../src/delivery/destination.js'
import {
  claimedAgain,
  nextVersion,
  syntheticDelivery,
  syntheticImmunization,
  syntheticPatient,
  syntheticServices
} from './synthetic.js'

const NOW = new Date('2025-11-01T12:00:00Z')
const HOST = 'http://fhir.test'
const BASE = '/r4'
const ID = 'abc-1'
const { privateKey: PEM } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
})

nock.disableNetConnect()
t.afterEach(() => {
  nock.cleanAll()
})
const opened: Destination[] = []
t.teardown(() => Promise.all(opened.map((destination) => destination.close())))

function open(options: object = {}): Destination {
  const settings = { name: 'registry', kind: 'fhir-rest', concurrency: 1, timeoutMs: 3_000 }
  const all = { baseUrl: HOST + BASE, ...options }
  const destination = destinationKind.create(
    settings,
    all,
    syntheticServices(() => NOW)
  )
  opened.push(destination)
  return destination
}

const plain = open()
const stored = syntheticImmunization()
const [{ system, value } = {}] = stored.identifier!
const query = { identifier: `${system!}|${value!}` }
const created = syntheticDelivery(stored)
const doubted = claimedAgain(created, { outcomeUnknown: true })
const updated = nextVersion(created, 'update', { id: ID, version: '3' })
const signal = (): AbortSignal => AbortSignal.timeout(3_000)
const deliver = (delivery: typeof created, to = plain): ReturnType<Destination['deliver']> =>
  to.deliver(delivery, signal())
const located = (version: number): Record<string, string> => ({
  Location: `${HOST}${BASE}/Immunization/${ID}/_history/${version}`,
  ETag: `W/"${version}"`
})
const theirs = (changes: Partial<Immunization> = {}, version = '3'): Immunization => ({
  ...stored,
  id: ID,
  meta: { versionId: version },
  ...changes
})
const bundle = (...resources: Immunization[]): object => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry: resources.map((resource) => ({ resource }))
})
const refusal = (code: string, diagnostics: string): object => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, diagnostics }]
})
const conditional = (headers: Record<string, string> = {}): nock.Interceptor =>
  nock(HOST, { reqheaders: headers }).put(`${BASE}/Immunization`).query(query)
const search = (): nock.Interceptor =>
  nock(HOST, { reqheaders: { 'cache-control': 'no-cache' } })
    .get(`${BASE}/Immunization`)
    .query(query)
const overwrite = (version: string): nock.Interceptor =>
  nock(HOST, { reqheaders: { 'if-match': `W/"${version}"` } }).put(`${BASE}/Immunization/${ID}`)
const read = (): nock.Interceptor => nock(HOST).get(`${BASE}/Immunization/${ID}`)

t.test('what is sent is the record as it was received, without what is the server’s to say', async (t) => {
  const meta = {
    versionId: '9',
    lastUpdated: '2025-10-03T10:00:00Z',
    source: 'urn:x',
    profile: ['urn:profile'],
    tag: [{ code: 't' }],
    security: [{ code: 's' }]
  }
  const delivery = syntheticDelivery({ ...stored, id: 'ours', meta })
  let body: Immunization | undefined
  nock(HOST, {
    reqheaders: {
      'content-type': 'application/fhir+json',
      prefer: 'return=minimal',
      'x-request-id': delivery.deliveryId,
      'x-correlation-id': delivery.recordId
    },
    badheaders: ['authorization', 'if-match']
  })
    .put(`${BASE}/Immunization`, (sent: Immunization) => {
      body = sent
      return true
    })
    .query(query)
    .reply(201, '', located(1))
  t.same(await deliver(delivery), { kind: 'delivered', status: 201, remote: { id: ID, version: '1' } })
  const { profile, tag, security } = meta
  t.same(body, { ...stored, meta: { profile, tag, security } })
})

t.test('a version that the server has is written over, and no other', async (t) => {
  overwrite('3').reply(200, '', { ETag: 'W/"4"' })
  t.same(await deliver(updated), { kind: 'delivered', status: 200, remote: { id: ID, version: '4' } })
  overwrite('3').reply(200, '')
  t.same(await deliver(updated), { kind: 'delivered', status: 200, remote: { id: ID } }, 'a server without ETag')

  overwrite('3').reply(412, refusal('conflict', 'another version'))
  read().reply(200, theirs({ lotNumber: 'other' }, '5'))
  overwrite('5').reply(200, '', { ETag: 'W/"6"' })
  t.match(await deliver(updated), { kind: 'delivered', remote: { version: '6' } })

  overwrite('3').reply(409, '')
  read().reply(200, theirs({}, '5'), { ETag: 'W/"5"' })
  t.match(await deliver(updated), { kind: 'delivered', remote: { version: '5' }, message: /had this content already/ })
  t.ok(nock.isDone())
})

t.test('a record that is gone is made again, and one that returns is found by its identifier', async (t) => {
  for (const status of [404, 410]) {
    overwrite('3').reply(status, refusal('deleted', 'gone'))
    conditional().reply(201, '', located(1))
    t.match(await deliver(updated), { kind: 'delivered', status: 201, remote: { id: ID, version: '1' } })
  }
  const returned = nextVersion(created, 'reinstate', { id: 'old', version: '7' })
  conditional().reply(201, '', located(1))
  t.match(await deliver(returned), { kind: 'delivered', remote: { id: ID, version: '1' } })
  t.ok(nock.isDone())
})

t.test('in doubt the server is asked, by id or by identifier', async (t) => {
  search().reply(200, bundle(theirs()))
  t.match(await deliver(doubted), { kind: 'delivered', remote: { id: ID, version: '3' }, message: /already/ })

  search().reply(200, bundle())
  conditional().reply(201, '', located(1))
  t.match(await deliver(doubted), { kind: 'delivered', status: 201 })

  search().reply(200, bundle(theirs({ lotNumber: 'older' })))
  overwrite('3').reply(200, '', { ETag: 'W/"4"' })
  t.match(await deliver(doubted), { kind: 'delivered', remote: { version: '4' } })

  const again = claimedAgain(updated, { outcomeUnknown: true })
  read().reply(200, theirs({}, '4'), { ETag: 'W/"4"' })
  t.match(await deliver(again), { kind: 'delivered', remote: { id: ID, version: '4' } })
  read().reply(410, '')
  conditional().reply(201, '', located(1))
  t.match(await deliver(again), { kind: 'delivered', remote: { version: '1' } })
  t.ok(nock.isDone())

  search().reply(503, '')
  t.match(await deliver(doubted), { kind: 'unavailable', ambiguous: false, status: 503 }, 'asking leaves no doubt')
  search().reply(200, '<html>')
  t.match(await deliver(doubted), { kind: 'unavailable', ambiguous: false, message: /cannot be read/ })
  read().reply(200, refusal('exception', 'not the record'))
  t.match(await deliver(again), { kind: 'unavailable', ambiguous: false, message: /cannot be read/ })
})

t.test('an answer that does not say what was written is followed by a question', async (t) => {
  conditional().reply(200, '')
  search().reply(200, bundle(theirs()))
  t.match(await deliver(created), { kind: 'delivered', remote: { id: ID, version: '3' } })

  conditional().reply(200, theirs({}, '2'))
  t.match(await deliver(created), { kind: 'delivered', remote: { id: ID, version: '2' } }, 'the body says it')

  conditional().reply(200, refusal('exception', 'an error under a 200'))
  search().reply(200, bundle())
  t.match(await deliver(created), { kind: 'unavailable', ambiguous: true, message: /does not find it yet/ })
  overwrite('3').reply(200, refusal('exception', 'an error under a 200'))
  t.match(await deliver(updated), { kind: 'unavailable', ambiguous: true, message: /error in the body/ })
  overwrite('3').reply(
    200,
    { resourceType: 'OperationOutcome', issue: [{ severity: 'information' }] },
    { ETag: 'W/"4"' }
  )
  t.match(await deliver(updated), { kind: 'delivered', remote: { version: '4' } }, 'good news is no error')
})

t.test('several records with the identifier are for a person, and a race has an end', async (t) => {
  conditional().reply(412, refusal('multiple-matches', 'two'))
  search().reply(200, bundle(theirs(), theirs({ id: 'abc-2' })))
  t.match(await deliver(created), { kind: 'refused', message: 'the receiver has 2 records with this identifier' })

  nock(HOST).put(`${BASE}/Immunization/${ID}`).times(4).reply(412, '')
  read()
    .times(4)
    .reply(200, theirs({ lotNumber: 'other' }, '5'))
  t.match(await deliver(updated), { kind: 'unavailable', ambiguous: false, message: /4 writes/ })
})

t.test('a deletion deletes, gone counts as done, and what was never sent is not taken back', async (t) => {
  const remove = (): nock.Interceptor => nock(HOST).delete(`${BASE}/Immunization/${ID}`)
  const deleted = nextVersion(created, 'delete', { id: ID, version: '3' })
  remove().reply(204)
  t.match(await deliver(deleted), { kind: 'delivered', status: 204, remote: { id: ID } })
  remove().reply(410)
  t.match(await deliver(deleted), { kind: 'delivered', status: 410, message: /no such record any more/ })
  remove().reply(200, refusal('exception', 'x'))
  t.match(await deliver(deleted), { kind: 'unavailable', ambiguous: true })
  remove().reply(409, refusal('conflict', 'something refers to it'))
  t.match(await deliver(deleted), { kind: 'refused', message: 'answered 409: something refers to it' })

  t.match(await deliver(nextVersion(created, 'delete', undefined)), { kind: 'not-needed' })
  const error = syntheticImmunization({ identifier: stored.identifier!, status: 'entered-in-error' })
  t.match(await deliver(nextVersion(created, 'update', undefined, error)), { kind: 'not-needed' })
  let status: unknown
  nock(HOST)
    .put(`${BASE}/Immunization/${ID}`, (sent: Immunization) => {
      status = sent.status
      return true
    })
    .reply(200, '', { ETag: 'W/"4"' })
  t.match(await deliver(nextVersion(created, 'update', { id: ID, version: '3' }, error)), { kind: 'delivered' })
  t.equal(status, 'entered-in-error', 'a version like any other')
})

t.test('a refusal is kept without the patient', async (t) => {
  conditional().reply(422, refusal('invariant', 'Ottoline Thistlewood is wrong'))
  t.match(await deliver(created), {
    kind: 'refused',
    status: 422,
    message: 'answered 422: [patient] [patient] is wrong'
  })
  conditional().reply(400, 'plain text')
  t.match(await deliver(created), { kind: 'refused', message: 'answered 400' })
})

t.test('a server is reached with a token that does not end, and a header of its own', async (t) => {
  const fixed = open({ bearerToken: 'fixed', headerName: 'apikey', headerValue: 'key-1' })
  conditional({ authorization: 'Bearer fixed', apikey: 'key-1' }).reply(201, '', located(1))
  t.match(await deliver(created, fixed), { kind: 'delivered' })
  conditional().once().reply(401, '')
  t.match(await deliver(created, fixed), { kind: 'credentials', status: 401 }, 'the same token is not tried twice')
  conditional().reply(401, '')
  t.match(await deliver(created), { kind: 'credentials', status: 401 }, 'a server that wants one after all')
})

t.test('a token is asked for with a secret', async (t) => {
  const secret = open({ tokenUrl: `${HOST}/token`, clientId: 'hub:1', clientSecret: 's/1', scope: 'system/*.cruds' })
  let form = ''
  nock(HOST, { reqheaders: { authorization: `Basic ${Buffer.from('hub%3A1:s%2F1').toString('base64')}` } })
    .post('/token', (sent: Record<string, string>) => {
      form = new URLSearchParams(sent).toString()
      return true
    })
    .reply(200, { access_token: 'granted', expires_in: 300 })
  conditional({ authorization: 'Bearer granted' }).reply(201, '', located(1))
  t.match(await deliver(created, secret), { kind: 'delivered' })
  t.equal(form, 'grant_type=client_credentials&scope=system%2F*.cruds')
})

t.test('or with a signed JWT, as SMART Backend Services has it', async (t) => {
  const signed = open({ tokenUrl: `${HOST}/token`, clientId: 'hub', keyId: 'k1', privateKeyPem: PEM })
  let assertion = ''
  nock(HOST)
    .post('/token', (sent: Record<string, string>) => {
      assertion = sent['client_assertion'] ?? ''
      return true
    })
    .reply(200, { access_token: 'granted', expires_in: 300 })
  conditional({ authorization: 'Bearer granted' }).reply(201, '', located(1))
  t.match(await deliver(created, signed), { kind: 'delivered' })
  t.match(decodeProtectedHeader(assertion), { alg: 'RS384', kid: 'k1' })
  t.match(decodeJwt(assertion), { iss: 'hub', sub: 'hub', aud: `${HOST}/token` })
})

t.test('asked what it holds, two records with the identifier are not what was delivered', async (t) => {
  search().reply(200, bundle(theirs(), theirs({ id: 'abc-2' })))
  t.match(await plain.readBack?.(created, signal()), { kind: 'differs', message: /2 records with this identifier/ })
  search().reply(200, bundle(theirs()))
  t.same(await plain.readBack?.(created, signal()), { kind: 'same' })
})

t.test('options that do not go together are refused', (t) => {
  const check = new Ajv2020({ strict: true, allErrors: true, strictRequired: false }).compile(
    destinationKind.optionsSchema
  )
  const base = { baseUrl: HOST }
  const tokenUrl = `${HOST}/token`
  const right = [
    base,
    { ...base, bearerTokenFile: '/run/token' },
    { ...base, headerName: 'apikey', headerValueFile: '/run/key' },
    { ...base, tokenUrl, clientId: 'a', clientSecretFile: '/run/secret', scope: 's' },
    { ...base, tokenUrl, clientId: 'a', keyId: 'k', privateKeyFile: '/run/key', algorithm: 'RS512' }
  ]
  const wrong = [
    {},
    { ...base, tokenUrl },
    { ...base, tokenUrl, clientId: 'a' },
    { ...base, tokenUrl, clientId: 'a', keyId: 'k' },
    { ...base, tokenUrl, clientId: 'a', clientSecret: 's', bearerToken: 'b' },
    { ...base, tokenUrl, clientId: 'a', clientSecret: 's', keyId: 'k', privateKeyPem: 'p' },
    { ...base, clientSecret: 's' },
    { ...base, scope: 's' },
    { ...base, headerValue: 'v' },
    { ...base, headerName: 'a b', headerValue: 'v' },
    { ...base, tokenUrl, clientId: 'a', keyId: 'k', privateKeyPem: 'p', algorithm: 'HS256' }
  ]
  for (const options of right) t.ok(check(options), JSON.stringify(options))
  for (const options of wrong) t.notOk(check(options), JSON.stringify(options))
  const needs = /options need exactly one of headerValueFile and headerValue/
  t.throws(() => open({ headerName: 'apikey' }), { message: needs })
  t.throws(() => open({ bearerTokenFile: '/nowhere' }), { message: /options.bearerTokenFile cannot be read/ })
  t.end()
})

t.test('a record without a contained patient is sent as it is', async (t) => {
  const { contained, ...others } = syntheticImmunization({ contained: [syntheticPatient()] })
  t.ok(contained)
  nock(HOST).put(`${BASE}/Immunization`).query(true).reply(201, '', located(1))
  t.match(await deliver(syntheticDelivery({ ...others, patient: { reference: 'Patient/1' } })), { kind: 'delivered' })
})

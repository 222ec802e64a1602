// The sandbox: what its receivers insist on, what it can be told to do, and that it ends with its parent.
import { fork } from 'node:child_process'
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Immunization } from 'fhir/r4.js'
import { SignJWT } from 'jose'
import { createPrivateKey } from 'node:crypto'
import t from 'tap'
import { toOutboundImmunization } from '../../src/delivery/nhs/outbound-immunization.js'
import { meshAuthorization } from '../../src/delivery/mesh/authorization.js'
import { applyUpdate, isConditionMet } from '../../src/sandbox/dynamodb-expression.js'
import { createSandboxKeys } from '../../src/sandbox/keys.js'
import { forkSandbox } from '../../src/sandbox/process.js'
import { startSandbox } from '../../src/sandbox/server.js'
import { syntheticImmunization } from '../delivery/synthetic.js'
import { waitFor } from '../support/wait-for.js'

let nowMs = Date.parse('2025-11-01T12:00:00Z')
const sandbox = await startSandbox({ now: () => new Date(nowMs) })
const { keys, url } = sandbox
t.teardown(() => sandbox.close())

interface Answer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) })
  const text = await response.text()
  const isJson = text.startsWith('{') || text.startsWith('[')
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : { text }) as Answer['body']
  }
}

t.test('the token endpoint verifies the signed JWT', async (t) => {
  const right = {
    iss: keys.nhs.apiKey,
    sub: keys.nhs.apiKey,
    aud: `${url}/oauth2/token`,
    jti: 'one',
    lifeSeconds: 300,
    kid: keys.nhs.keyId
  }
  const ours = createPrivateKey(keys.nhs.privateKeyPem)
  const asked = async (changes: Partial<typeof right>, key = ours): Promise<Answer> => {
    const { iss, sub, aud, jti, lifeSeconds, kid } = { ...right, jti: randomUUID(), ...changes }
    const assertion = await new SignJWT({ iss, sub, aud, jti, exp: nowMs / 1000 + lifeSeconds })
      .setProtectedHeader({ alg: 'RS512', kid })
      .sign(key)
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion
    })
    return ask('POST', '/oauth2/token', { 'content-type': 'application/x-www-form-urlencoded' }, form.toString())
  }
  t.match(await asked({ jti: 'one' }), {
    status: 200,
    body: { access_token: /\w{10}/, expires_in: '599', token_type: 'Bearer' }
  })
  t.match(await asked({ jti: 'one' }), { status: 401, body: { error: 'invalid_client' } }, 'the same JWT again')
  t.equal((await asked({ aud: 'https://elsewhere.example/oauth2/token' })).status, 401)
  t.equal((await asked({ iss: 'somebody' })).status, 401)
  t.equal((await asked({ sub: 'somebody' })).status, 401)
  t.equal((await asked({ kid: 'other' })).status, 401)
  t.equal((await asked({ lifeSeconds: 301 })).status, 401)
  t.equal((await asked({ lifeSeconds: -10 })).status, 401)
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  t.equal((await asked({}, stranger)).status, 401, 'signed with another key')
  t.equal((await ask('POST', '/oauth2/token', {}, 'grant_type=password')).status, 400)
})

async function bearer(): Promise<Record<string, string>> {
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'RS512', kid: keys.nhs.keyId })
    .setIssuer(keys.nhs.apiKey)
    .setSubject(keys.nhs.apiKey)
    .setAudience(`${url}/oauth2/token`)
    .setExpirationTime(nowMs / 1000 + 60)
    .sign(createPrivateKey(keys.nhs.privateKeyPem))
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion
  })
  const { body } = await ask('POST', '/oauth2/token', {}, form.toString())
  return { authorization: `Bearer ${String(body['access_token'])}`, 'x-request-id': 'request-1' }
}

t.test('the NHS API: versions, conflicts, deletion and return', async (t) => {
  const headers = await bearer()
  const base = '/immunisation-fhir-api/FHIR/R4/Immunization'
  const { resource } = toOutboundImmunization(syntheticImmunization())
  const created = await ask('POST', base, headers, JSON.stringify(resource))
  const id = /[^/]+$/.exec(created.headers.get('location') ?? '')?.[0] ?? ''
  const put = (eTag: string | undefined, body: Immunization = { ...resource, id }): Promise<Answer> =>
    ask('PUT', `${base}/${id}`, { ...headers, ...(eTag === undefined ? {} : { 'e-tag': eTag }) }, JSON.stringify(body))
  const said = ({ body }: Answer): string => String((body['issue'] as { diagnostics: string }[])[0]?.diagnostics)

  t.equal(created.status, 201)
  t.equal(created.headers.get('e-tag'), '1')
  const identifier = resource.identifier![0]!
  const duplicate = await ask('POST', base, headers, JSON.stringify(resource))
  t.equal(duplicate.status, 422)
  t.equal(said(duplicate), `The provided identifier: ${identifier.system!}#${identifier.value!} is duplicated`)
  t.match(duplicate.body, { resourceType: 'OperationOutcome', issue: [{ code: 'duplicate' }] })

  t.match(said(await put(undefined)), /version not specified/)
  t.match(said(await put('W/"1"')), /is invalid/)
  t.match(said(await put('2')), /inconsistent with the existing version/)
  t.match(said(await put('1', resource)), /doesn't match with the content/)
  t.match(said(await put('1', { ...resource, id, identifier: [{ ...identifier, value: 'other' }] })), /identifier/)
  const updated = await put('1')
  t.same([updated.status, updated.headers.get('e-tag')], [200, '2'])
  t.match(said(await put('1')), /has changed since the last retrieve/)

  t.match(await ask('GET', `${base}/${id}`, headers), { status: 200, body: { id, lotNumber: 'AB1234' } })
  t.equal((await ask('DELETE', `${base}/${id}`, headers)).status, 204)
  t.equal((await ask('DELETE', `${base}/${id}`, headers)).status, 404)
  t.equal((await ask('GET', `${base}/${id}`, headers)).status, 404)
  const query = new URLSearchParams({ identifier: `${identifier.system!}|${identifier.value!}`, _elements: 'id,meta' })
  t.match(
    await ask('GET', `${base}?${query.toString()}`, headers),
    { status: 200, body: { total: 1, entry: [{ resource: { id, meta: { versionId: '2' } } }] } },
    'a deleted record is found, as it is by the real API'
  )
  const returned = await ask('POST', base, headers, JSON.stringify(resource))
  t.same([returned.status, returned.headers.get('e-tag')], [201, '3'])
  t.match(returned.headers.get('location'), new RegExp(`/${id}$`), 'under its old id')
  await ask('DELETE', `${base}/${id}`, headers)
  t.equal((await put('77')).headers.get('e-tag'), '4', 'any version brings a deleted record back')

  t.equal((await ask('POST', base, headers, JSON.stringify({ ...resource, id }))).status, 400)
  t.equal((await ask('POST', base, headers, '{"resourceType":')).status, 400)
  t.match(await ask('POST', base, headers, '{"resourceType":"Patient"}'), { status: 400 })
  t.equal((await ask('PATCH', `${base}/${id}`, headers)).status, 405)
  t.equal((await ask('GET', '/immunisation-fhir-api/FHIR/R4/metadata', headers)).status, 404)
  t.equal((await ask('GET', base, headers)).status, 400)
  t.equal((await ask('GET', `${base}/${id}`, { authorization: 'Bearer nonsense' })).status, 401)
  nowMs += 600_000
  t.equal((await ask('GET', `${base}/${id}`, headers)).status, 401, 'the token is over')
})

t.test('the NHS API names what it does not take', async (t) => {
  const headers = await bearer()
  const { resource } = toOutboundImmunization(syntheticImmunization())
  const [patient, practitioner] = resource.contained!
  const faults: [Partial<Record<keyof Immunization, unknown>>, RegExp][] = [
    [{ note: [{ text: 'x' }] }, /note is not an allowed element of the Immunization/],
    [{ contained: [{ ...patient, telecom: [] }, practitioner] }, /telecom is not an allowed element of the Patient/],
    [{ contained: [] }, /contained is a mandatory field/],
    [{ contained: [patient, practitioner, { ...practitioner, id: 'other' }] }, /maximum of one Practitioner/],
    [{ contained: [patient] }, /internal references/],
    [
      {
        identifier: [
          { system: 'a', value: 'b' },
          { system: 'a', value: 'c' }
        ]
      },
      /identifier must be an array of length 1/
    ],
    [{ status: 'not-done' }, /status must be one of the following: completed/],
    [{ extension: [] }, /extension must be an array of length 1/],
    [{ occurrenceDateTime: '2025-10-03T10:15:00Z' }, /occurrenceDateTime must be a valid datetime/],
    [{ occurrenceDateTime: '2025-10-03T10:15:00+02:00' }, /occurrenceDateTime must be a valid datetime/],
    [{ occurrenceDateTime: '2026-01-01' }, /occurrenceDateTime must be a valid datetime/],
    [{ recorded: undefined }, /recorded is a mandatory field/],
    [{ primarySource: undefined }, /primarySource is a mandatory field/],
    [{ location: {} }, /location.identifier.value is a mandatory field/],
    [{ performer: [] }, /exactly one performer.actor/],
    [{ protocolApplied: [] }, /protocolApplied must be an array of length 1/],
    [
      { protocolApplied: [{ ...resource.protocolApplied![0], targetDisease: [] }] },
      /not a valid combination of disease codes/
    ],
    [{ protocolApplied: [{ ...resource.protocolApplied![0], doseNumberPositiveInt: 10 }] }, /range 1 to 9/]
  ]
  for (const [change, expected] of faults) {
    const body = JSON.stringify({ ...resource, identifier: [{ system: 'urn:x', value: randomUUID() }], ...change })
    const answer = await ask('POST', '/immunisation-fhir-api/FHIR/R4/Immunization', headers, body)
    t.equal(answer.status, 400)
    t.match(JSON.stringify(answer.body), expected)
  }
})

t.test('MESH: a request proves its mailbox once, and messages go from outbox to inbox', async (t) => {
  const signed = (
    mailbox: { mailboxId: string; mailboxPassword: string },
    nonce: string = randomUUID(),
    at = nowMs
  ): Record<string, string> => ({
    authorization: meshAuthorization({ ...mailbox, sharedKey: keys.mesh.sharedKey }, nonce, new Date(at))
  })
  const outbox = `/messageexchange/${keys.mesh.mailboxId}/outbox`
  const inbox = `/messageexchange/${keys.mesh.practice.mailboxId}/inbox`
  const mex = {
    'mex-to': 'GPPROVIDER_9990000018_19510309_X',
    'mex-workflowid': 'DIGMED_FLU_VAC',
    'mex-localid': 'local-1'
  }
  const send = (headers: Record<string, string>, body = '<a/>'): Promise<Answer> => ask('POST', outbox, headers, body)

  const sent = await send({ ...signed(keys.mesh), ...mex })
  t.match(sent, { status: 202, body: { messageID: /^[0-9A-F]{32}$/ } })
  const nonce = randomUUID()
  t.equal((await ask('GET', `${outbox}/tracking/local-1`, signed(keys.mesh, nonce))).status, 200)
  t.equal((await ask('GET', `${outbox}/tracking/local-1`, signed(keys.mesh, nonce))).status, 403, 'a nonce used twice')
  t.equal(
    (await ask('GET', `${outbox}/tracking/local-1`, signed(keys.mesh, 'n', nowMs - 7_200_000))).status,
    403,
    'an old one'
  )
  t.equal((await send({ ...signed({ ...keys.mesh, mailboxPassword: 'wrong' }), ...mex })).status, 403)
  t.equal((await send({ ...signed(keys.mesh.practice), ...mex })).status, 403, "another mailbox's password")
  t.equal((await send(mex)).status, 403)
  t.equal((await ask('GET', `${outbox}/tracking/unknown`, signed(keys.mesh))).status, 404)

  t.match(await send({ ...signed(keys.mesh), ...mex, 'mex-workflowid': 'OTHER' }), {
    status: 417,
    body: { errorCode: '17' }
  })
  t.match(await send({ ...signed(keys.mesh), ...mex, 'mex-to': 'NOBODY' }), { status: 417, body: { errorCode: '12' } })
  t.match(await send({ ...signed(keys.mesh), ...mex, 'mex-to': '' }), { status: 400, body: { errorCode: '08' } })
  t.match(await send({ ...signed(keys.mesh), ...mex }, ''), { status: 417, body: { errorCode: '02' } })

  const messageId = String(sent.body['messageID'])
  t.same((await ask('GET', inbox, signed(keys.mesh.practice))).body, { messages: [messageId] })
  t.match(await ask('GET', `${inbox}/${messageId}`, signed(keys.mesh.practice)), {
    status: 200,
    body: { text: '<a/>' }
  })
  t.equal((await ask('PUT', `${inbox}/${messageId}/status/acknowledged`, signed(keys.mesh.practice))).status, 200)
  t.same((await ask('GET', inbox, signed(keys.mesh.practice))).body, { messages: [] })
  t.match((await ask('GET', `${outbox}/tracking/local-1`, signed(keys.mesh))).body, {
    messageId,
    status: 'Acknowledged'
  })
  await send({ ...signed(keys.mesh), ...mex })
  t.equal((await ask('GET', `${outbox}/tracking/local-1`, signed(keys.mesh))).status, 300, 'the same local id twice')
})

t.test('DynamoDB: expressions hold or do not, and what is not known is said', async (t) => {
  const item = { A: { N: '10' }, B: { S: 'x' } }
  const given = { names: { '#a': 'A' }, values: { ':nine': { N: '9' }, ':ten': { N: '10' }, ':x': { S: 'x' } } }
  const cases: [string, boolean][] = [
    ['attribute_exists(A)', true],
    ['attribute_not_exists(A)', false],
    ['attribute_not_exists(C)', true],
    ['#a > :nine', true],
    ['A < :nine', false],
    ['A <= :ten AND B = :x', true],
    ['A < :nine OR B = :x', true],
    ['A < :nine OR attribute_exists(C) AND B = :x', false],
    ['B <> :ten', true],
    ['B = :ten', false],
    ['C = :ten', false],
    ['A >= :ten', true]
  ]
  for (const [condition, expected] of cases) t.equal(isConditionMet(condition, item, given), expected, condition)
  t.equal(isConditionMet('attribute_not_exists(A)', undefined, given), true)
  t.same(applyUpdate('SET C = :x, #a = :nine', item, given), { A: { N: '9' }, B: { S: 'x' }, C: { S: 'x' } })
  for (const broken of ['REMOVE A', 'SET A', 'SET A = :none', 'SET #none = :x'])
    t.throws(() => applyUpdate(broken, item, given), { message: /\w/ }, broken)

  const call = (operation: string, body: object, key = keys.eligibility.accessKeyId): Promise<Answer> =>
    ask(
      'POST',
      '/',
      { 'x-amz-target': `DynamoDB_20120810.${operation}`, authorization: `AWS4-HMAC-SHA256 Credential=${key}/x` },
      JSON.stringify({ TableName: keys.eligibility.tableName, ...body })
    )
  const Key = { NHS_NUMBER: { S: 'hash' }, ATTRIBUTE_TYPE: { S: 'PERSON' } }
  t.same((await call('GetItem', { Key })).body, {})
  await call('PutItem', { Item: { ...Key, POSTCODE: { S: 'LS' } } })
  t.match((await call('GetItem', { Key })).body, { Item: { POSTCODE: { S: 'LS' } } })
  t.match((await call('GetItem', { Key }, 'OTHER')).body, { __type: /UnrecognizedClientException$/ })
  t.match((await call('Scan', {})).body, { __type: /UnknownOperationException$/ })
  t.match((await call('GetItem', { Key, TableName: 'other' })).body, { __type: /ResourceNotFoundException$/ })
  t.match((await call('UpdateItem', { Key, UpdateExpression: 'ADD A :x' })).body, { __type: /ValidationException$/ })

  await ask('PUT', '/persons', {}, '{"nhsNumbers":["9990000026"]}')
  const hash = createHmac('sha512', keys.eligibility.hashSecret).update('9990000026').digest('hex')
  t.ok('Item' in (await call('GetItem', { Key: { ...Key, NHS_NUMBER: { S: hash } } })).body)
  t.equal((await ask('PUT', '/persons', {}, '{"nhsNumbers":"x"}')).status, 400)
})

t.test('it is steered over HTTP, for so many requests or until told otherwise', async (t) => {
  const path = '/control/nhs-immunisation-api'
  const set = (setting: unknown): Promise<Answer> => ask('PUT', path, {}, JSON.stringify(setting))
  const statuses = async (count: number): Promise<number[]> => {
    const all: number[] = []
    for (let index = 0; index < count; index++)
      all.push((await ask('GET', '/immunisation-fhir-api/FHIR/R4/Immunization/x')).status)
    return all
  }
  t.match(await set({ mode: 'down', times: 2 }), { status: 200, body: { mode: 'down', times: 2 } })
  t.same(await statuses(3), [503, 503, 401])
  await set({ mode: 'down', only: 'write' })
  t.same(await statuses(1), [401], 'a read is not affected')
  await set({ mode: 'limited', retryAfterSeconds: 9, times: 1 })
  const limited = await ask('GET', '/immunisation-fhir-api/FHIR/R4/Immunization/x')
  t.same([limited.status, limited.headers.get('retry-after')], [429, '9'])
  await set({ mode: 'reset', times: 1 })
  await t.rejects(statuses(1), { message: 'fetch failed' })
  t.match((await ask('GET', '/control')).body, { 'nhs-immunisation-api': { mode: 'up' }, 'gp-record': { mode: 'up' } })

  for (const wrong of [
    {},
    { mode: 'broken' },
    { mode: 'slow', delayMs: -1 },
    { mode: 'up', only: 'x' },
    { mode: 'up', delay: 1 },
    null
  ])
    t.match(await set(wrong), { status: 400, body: { error: /\w/ } })
  t.equal((await ask('PUT', '/control/nobody', {}, '{"mode":"up"}')).status, 404)
  t.match(await ask('GET', '/elsewhere'), { status: 404, body: { error: /journal/ } })
})

t.test('the journal tells what arrived, in order and without patients, until it is cleared', async (t) => {
  await ask('DELETE', '/journal')
  const headers = await bearer()
  const { resource } = toOutboundImmunization(syntheticImmunization())
  const identifier = resource.identifier![0]!
  await ask('POST', '/immunisation-fhir-api/FHIR/R4/Immunization', headers, JSON.stringify(resource))
  await ask('GET', '/immunisation-fhir-api/FHIR/R4/Immunization?patient.identifier=9990000018', headers)
  const journal = (await ask('GET', '/journal?destination=nhs-immunisation-api')).body as unknown
  const shared = { destination: 'nhs-immunisation-api', requestId: 'request-1', at: new Date(nowMs).toISOString() }
  const path = '/immunisation-fhir-api/FHIR/R4/Immunization'
  const [{ order }] = journal as [{ order: number }]
  t.same(journal, [
    {
      ...shared,
      order,
      method: 'POST',
      path,
      status: 201,
      recordKey: `${identifier.system!}#${identifier.value!}`,
      version: '1',
      lotNumber: 'AB1234',
      applied: true
    },
    { ...shared, order: order + 1, method: 'GET', path, status: 400, applied: false }
  ])
  t.same((await ask('GET', `/journal?after=${order}`)).body, (journal as object[]).slice(1))
  t.match(await ask('GET', '/journal?after=x'), { status: 400, body: { error: /order of an entry/ } })
  t.same((await ask('GET', '/journal?destination=gp-record')).body, [])
  await ask('DELETE', '/journal')
  t.same((await ask('GET', '/journal')).body, [])
})

t.test('as a process it ends when it is closed, when its parent is killed, and says why it cannot start', async (t) => {
  const child = await forkSandbox({ keys: createSandboxKeys() })
  t.equal((await fetch(`${child.url}/control`)).status, 200)
  const { port } = new URL(child.url)
  await t.rejects(forkSandbox({ port: Number(port) }), { message: /the sandbox did not start: listen EADDRINUSE/ })
  await child.close()
  await t.rejects(fetch(`${child.url}/control`))

  const parent = fork(fileURLToPath(new URL('./parent.ts', import.meta.url)))
  const orphanUrl = await new Promise<string>((resolve) =>
    parent.once('message', (message) => {
      resolve(message as string)
    })
  )
  t.equal((await fetch(`${orphanUrl}/control`)).status, 200)
  parent.kill('SIGKILL')
  await waitFor(
    async () => (await fetch(`${orphanUrl}/control`).catch(() => undefined)) === undefined,
    'the sandbox to end'
  )
})

import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { OperationOutcome } from 'fhir/r4.js'
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWSAlgorithm, type JWTPayload } from 'jose'
import t from 'tap'
import type { Caller } from '../../src/fhir/caller.js'
import { FhirError } from '../../src/fhir/operation-outcome.js'
import { createDevelopmentIssuer } from '../../src/http/development-issuer.js'
import { createTokenVerifier } from '../../src/http/token-verifier.js'
import { openDoor } from './open-door.js'

const NOW = new Date('2026-11-02T09:00:00Z')
const NOW_SECONDS = NOW.getTime() / 1000
const ISSUER = 'https://issuer.test'
const AUDIENCE = 'https://hub.test/FHIR/R4'
const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: 'tpp', exp: NOW_SECONDS + 300, scope: 'system/Immunization.cs' }

async function makeKey(alg: JWSAlgorithm, kid: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  const sign = (claims: JWTPayload, header: Record<string, unknown> = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(privateKey)
  return { jwk, sign }
}

const rsa = await makeKey('RS512', 'rsa-1')
const ec = await makeKey('ES384', 'ec-1')
const stranger = await makeKey('RS512', 'rsa-1')

function verifier(now: () => Date = () => NOW) {
  return createTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys: { jwks: { keys: [rsa.jwk, ec.jwk] } }, now })
}

async function refusalOf(promise: Promise<unknown>): Promise<FhirError | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof FhirError) return error
    throw error
  }
}

t.test('a token names the client, its scopes and its permissions', async (t) => {
  const verify = verifier()
  const token = await rsa.sign({
    ...CLAIMS,
    scope: 'system/Immunization.crs ops/read openid',
    permissions: ['FLU.CRUDS', 'covid.s', 'BANANA.CRUDS', 7],
    changed_resend: 'correct'
  })
  const expected: Caller = {
    client: 'tpp',
    scopes: new Set(['system/Immunization.c', 'system/Immunization.r', 'system/Immunization.s', 'ops/read']),
    permissions: new Map([
      ['FLU', new Set(['C', 'R', 'U', 'D', 'S'])],
      ['COVID', new Set(['S'])]
    ]),
    changedResend: 'correct'
  }
  t.same(await verify(token), expected)
  const bare = await verify(await ec.sign({ ...CLAIMS, scope: ['ops/write'], permissions: 'FLU.CRUDS' }))
  t.match(bare, { client: 'tpp', changedResend: 'conflict' })
  t.equal(bare.scopes.size + bare.permissions.size, 0, 'claims of another shape grant nothing')
  t.equal((await verify(await ec.sign({ ...CLAIMS, tolerant: true }))).tolerant, true)
  t.equal((await verify(await ec.sign({ ...CLAIMS, existing_records: true }))).existingRecords, true)
  t.equal((await verify(await ec.sign({ ...CLAIMS, organisation: 'fzz01' }))).organisation, 'FZZ01')
  t.equal((await verify(await ec.sign({ ...CLAIMS, organisation: 'not a code' }))).organisation, undefined)
  t.equal((await verify(await ec.sign({ ...CLAIMS, tolerant: 'true' }))).tolerant, undefined, 'strict by default')
})

t.test('a token that is not for us, not by the issuer, or not of this time is refused', async (t) => {
  const verify = verifier()
  const without = (claim: string) => Object.fromEntries(Object.entries(CLAIMS).filter(([name]) => name !== claim))
  const good = await rsa.sign(CLAIMS)
  const [header = '', payload = '', signature = ''] = good.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const publicPem = createPublicKey({ key: rsa.jwk as JsonWebKey, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem'
  })
  const confused = `${encode({ alg: 'HS256', kid: 'rsa-1' })}.${payload}`
  const refused: [name: string, token: string][] = [
    ['expired', await rsa.sign({ ...CLAIMS, exp: NOW_SECONDS - 11 })],
    ['not valid yet', await rsa.sign({ ...CLAIMS, nbf: NOW_SECONDS + 11 })],
    ['without an end', await rsa.sign(without('exp'))],
    ['with an end that is no number', await rsa.sign({ ...CLAIMS, exp: '2030' as unknown as number })],
    ['without a client', await rsa.sign(without('sub'))],
    ['with a client name that could break a log', await rsa.sign({ ...CLAIMS, sub: 'a\nb' })],
    ['of another issuer', await rsa.sign({ ...CLAIMS, iss: 'https://other.test' })],
    ['for another audience', await rsa.sign({ ...CLAIMS, aud: 'https://int.hub.test/FHIR/R4' })],
    ['of another type', await rsa.sign(CLAIMS, { typ: 'logout+jwt' })],
    ['by a stranger with the same key id', await stranger.sign(CLAIMS)],
    ['by an unknown key', await (await makeKey('ES256', 'new')).sign(CLAIMS)],
    ['with an unknown critical header', await rsa.sign(CLAIMS, { crit: ['x'], x: 1 }).catch(() => `${header}.e30.x`)],
    ['unsigned', `${encode({ alg: 'none' })}.${payload}.`],
    [
      'HS256 with the public key',
      `${confused}.${createHmac('sha256', publicPem).update(confused).digest('base64url')}`
    ],
    ['with changed claims', `${header}.${encode({ ...CLAIMS, sub: 'emis' })}.${signature}`],
    ['cut off', `${header}.${payload}`],
    ['not a token', 'banana'],
    ['too long', `${good}${'x'.repeat(9000)}`]
  ]
  for (const [name, token] of refused) {
    const error = await refusalOf(verify(token))
    t.equal(error?.status, 401, name)
    t.match(error, { issues: [{ code: 'login' }], headers: { 'WWW-Authenticate': /^Bearer .*error="invalid_token"/ } })
  }
  t.match(
    await verify(await rsa.sign({ ...CLAIMS, exp: NOW_SECONDS - 9 })),
    { client: 'tpp' },
    'clocks may differ a little'
  )
})

t.test('a token that was good once is not good for ever', async (t) => {
  let now = NOW
  const verify = verifier(() => now)
  const token = await rsa.sign({ ...CLAIMS, exp: NOW_SECONDS + 60 })
  t.match(await verify(token), { client: 'tpp' })
  now = new Date(NOW.getTime() + 59_000)
  t.equal(await verify(token), await verify(token), 'the second time it is remembered')
  now = new Date(NOW.getTime() + 71_000)
  t.equal((await refusalOf(verify(token)))?.status, 401)
})

t.test('published keys: fetched, kept while the issuer is away, and without any nobody is let in', async (t) => {
  let answers = true
  let asked = 0
  const issuer = createServer((_request, response) => {
    asked++
    response.statusCode = answers ? 200 : 500
    response.end(JSON.stringify({ keys: [rsa.jwk] }))
  })
  await new Promise<void>((resolve) => {
    issuer.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => issuer.close())
  const url = new URL(`http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks`)
  const make = () => createTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys: { url }, now: () => NOW })

  const verify = make()
  t.match(await verify(await rsa.sign(CLAIMS)), { client: 'tpp' })
  t.match(await verify(await rsa.sign({ ...CLAIMS, jti: '2' })), { client: 'tpp' })
  t.equal(asked, 1, 'the key set is fetched once')
  t.equal((await refusalOf(verify(await ec.sign(CLAIMS))))?.status, 401, 'a key that is not published')

  answers = false
  t.match(await verify(await rsa.sign({ ...CLAIMS, jti: '3' })), { client: 'tpp' })
  t.match(await refusalOf(make()(await rsa.sign(CLAIMS))), { status: 503, issues: [{ code: 'transient' }] })
  t.throws(
    () =>
      createTokenVerifier({
        issuer: ISSUER,
        audience: AUDIENCE,
        keys: { url: new URL('http://keys.test/jwks') },
        now: () => NOW
      }),
    /https/
  )
})

t.test('processes that start together share one development key, which only their account can read', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'imms-key-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const keyFile = path.join(folder, 'state', 'development-key.json')
  const issuers = await Promise.all(
    Array.from({ length: 8 }, () => createDevelopmentIssuer({ keyFile, now: () => NOW }))
  )
  const [first] = issuers
  for (const { jwks } of issuers) t.same(jwks, first?.jwks)
  t.notOk(JSON.stringify(first?.jwks).includes('"d":'), 'the published key set holds no private key')
  t.equal((await stat(keyFile)).mode & 0o777, 0o600)
  t.same(await readdir(path.dirname(keyFile)), ['development-key.json'], 'no draft is left')

  const issuer = await createDevelopmentIssuer({ keyFile, now: () => NOW })
  const verify = createTokenVerifier({ ...issuer, keys: { jwks: first?.jwks ?? { keys: [] } }, now: () => NOW })
  const token = await issuer.issueToken({
    client: 'demo',
    scopes: ['system/Immunization.cruds', 'ops/write'],
    permissions: ['FLU.CRUDS'],
    ttlSeconds: 60,
    changedResend: 'correct'
  })
  t.match(await verify(token), { client: 'demo', changedResend: 'correct' })

  await writeFile(keyFile, '{}')
  await t.rejects(createDevelopmentIssuer({ keyFile, now: () => NOW }), /does not hold a development key/)
  t.equal(await readFile(keyFile, 'utf8'), '{}', 'a file that is not ours is left alone')
})

t.test('every route but health, metadata and documentation wants a token', async (t) => {
  const door = await openDoor(t)
  await door.server.inject('/health/live')
  const open = door.server.routes.filter(({ access }) => access === 'open').map(({ path: url }) => url)
  t.same(open.sort(), [
    '/.well-known/smart-configuration',
    '/FHIR/R4/.well-known/smart-configuration',
    '/FHIR/R4/OperationDefinition',
    '/FHIR/R4/OperationDefinition/:id',
    '/FHIR/R4/OperationDefinition/_search',
    '/FHIR/R4/SearchParameter',
    '/FHIR/R4/SearchParameter/:id',
    '/FHIR/R4/SearchParameter/_search',
    '/FHIR/R4/metadata',
    '/docs',
    '/docs/:file',
    '/health/live',
    '/health/ready',
    '/openapi.yaml'
  ])
  for (const { method, path: pattern, access } of door.server.routes) {
    if (access === 'open') continue
    const url = pattern.replaceAll(/:\w+/g, '1')
    const request = { method: method as 'GET', url }
    const anonymous = await door.server.inject(request)
    t.equal(anonymous.statusCode, 401, `${method} ${url}`)
    t.equal(anonymous.headers['www-authenticate'], 'Bearer realm="immunisation-hub"')
    t.match(anonymous.json<OperationOutcome>().issue, [{ code: 'login' }])
    // What each entry of a Bundle wants is asked entry by entry.
    if (access === 'authenticated') continue

    const authorization = await door.bearer({ scopes: ['openid'] })
    const powerless = await door.server.inject({ ...request, headers: { authorization } })
    t.equal(powerless.statusCode, 403, `${method} ${url} without a scope`)
    t.match(powerless.json<OperationOutcome>().issue, [{ code: 'forbidden' }])
    t.match(powerless.body, access, 'the missing scope is named')
    t.match(powerless.headers['www-authenticate'], `scope="${access}"`)
  }
})

t.test('a token counts only in one Authorization header', async (t) => {
  const door = await openDoor(t)
  const bearer = await door.bearer()
  const token = bearer.slice('Bearer '.length)
  const url = '/FHIR/R4/Immunization/1'
  for (const authorization of ['', token, `Basic ${token}`, `Bearer ${token} x`, `Bearer ${token},${token}`, 'Bearer '])
    t.equal((await door.server.inject({ url, headers: { authorization } })).statusCode, 401, authorization.slice(0, 10))
  t.equal((await door.server.inject({ url: `${url}?access_token=${token}` })).statusCode, 401)

  const address = new URL(await door.server.listen({ host: '127.0.0.1', port: 0 }))
  const twice = await new Promise<string>((resolve) => {
    const socket = connect(Number(address.port), '127.0.0.1', () =>
      socket.write(
        `GET ${url} HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer}\r\nauthorization: ${bearer}\r\nConnection: close\r\n\r\n`
      )
    )
    let heard = ''
    socket.on('data', (chunk) => (heard += chunk.toString()))
    socket.on('close', () => {
      resolve(heard)
    })
  })
  t.match(twice, /^HTTP\/1\.1 401 /)
})

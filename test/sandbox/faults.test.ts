// The faults the sandbox can be told to have: what becomes of the request, and what the caller hears of it.
import { request as openRequest, type IncomingMessage } from 'node:http'
import { randomUUID } from 'node:crypto'
import type { Immunization } from 'fhir/r4.js'
import t from 'tap'
import { toOutboundImmunization } from '../../src/delivery/nhs/outbound-immunization.js'
import { createTokenSource } from '../../src/delivery/nhs/token-source.js'
import { createHttpTransport } from '../../src/delivery/transport/http-transport.js'
import type { ControlSetting } from '../../src/sandbox/control-setting.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { createRandomFaults } from '../../src/sandbox/random-faults.js'
import { startSandbox } from '../../src/sandbox/server.js'
import { syntheticImmunization } from '../delivery/synthetic.js'

const NOW = new Date('2025-11-01T12:00:00Z')
const BASE = '/immunisation-fhir-api/FHIR/R4/Immunization'
const sandbox = await startSandbox({ now: () => NOW })
const transport = createHttpTransport({ maxSockets: 4 })
t.teardown(async () => {
  transport.close()
  await sandbox.close()
})

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(sandbox.url + path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
  return response.status === 204 ? undefined : await response.json()
}
const control = (setting: object): Promise<unknown> => ask('PUT', '/control/nhs-immunisation-api', setting)
const journal = async (): Promise<JournalEntry[]> => (await ask('GET', '/journal')) as JournalEntry[]

async function bearer(): Promise<string> {
  const tokens = createTokenSource(
    { ...sandbox.keys.nhs, tokenUrl: `${sandbox.url}/oauth2/token`, timeoutMs: 5_000 },
    transport,
    () => NOW
  )
  const granted = await tokens.token()
  return granted.kind === 'token' ? `Bearer ${granted.token}` : ''
}

function freshRecord(): Immunization {
  return toOutboundImmunization(syntheticImmunization()).resource
}

async function send(
  method: string,
  path: string,
  resource: Immunization | undefined,
  headers: Record<string, string> = {}
): Promise<{ status: number; headers: IncomingMessage['headers']; text: string; isComplete: boolean }> {
  return transport.send({
    method,
    url: sandbox.url + path,
    headers: { Authorization: await bearer(), 'X-Request-ID': randomUUID(), ...headers },
    signal: AbortSignal.timeout(5_000),
    ...(resource === undefined ? {} : { body: JSON.stringify(resource) })
  })
}

t.beforeEach(async () => {
  await control({ mode: 'up' })
  await ask('DELETE', '/journal')
})

t.test('an answer may break off in its body, after the request was carried out or before', async (t) => {
  await control({ mode: 'half', times: 1 })
  const after = await send('POST', BASE, freshRecord())
  await control({ mode: 'half', when: 'before', times: 1 })
  const before = await send('POST', BASE, freshRecord())

  t.match(after, { status: 201, isComplete: false })
  t.match(before, { status: 503, isComplete: false })
  t.match(await journal(), [
    { fault: 'half', status: 201, applied: true },
    { fault: 'half', status: 503, applied: false }
  ])
})

t.test('an answer may be no JSON, or an error under the status of a success', async (t) => {
  await control({ mode: 'garbled', times: 1 })
  const garbled = await send('POST', BASE, freshRecord())
  await control({ mode: 'error-body', times: 1 })
  const done = await send('POST', BASE, freshRecord())
  await control({ mode: 'error-body', when: 'before', times: 1 })
  const undone = await send('POST', BASE, freshRecord())

  t.match(garbled, { status: 201, isComplete: true })
  t.throws(() => JSON.parse(garbled.text) as unknown)
  for (const answer of [done, undone]) {
    t.equal(answer.status, 200)
    t.match(JSON.parse(answer.text), { resourceType: 'OperationOutcome', issue: [{ severity: 'error' }] })
  }
  t.same(
    (await journal()).map(({ fault, status, applied }) => [fault, status, applied]),
    [
      ['garbled', 201, true],
      ['error-body', 200, true],
      ['error-body', 200, false]
    ]
  )
})

t.test('a connection may break before or after the request was carried out', async (t) => {
  for (const when of ['before', 'after']) {
    await control({ mode: 'reset', when, times: 1 })
    await t.rejects(send('POST', BASE, freshRecord()), { message: /connection lost/ })
  }
  t.match(await journal(), [
    { fault: 'reset', status: 0, applied: false },
    { fault: 'reset', status: 0, applied: true }
  ])
})

t.test('somebody else may write first, and a request may come twice', async (t) => {
  const record = freshRecord()
  await control({ mode: 'duplicate', times: 1 })
  const twice = await send('POST', BASE, record)
  t.equal(twice.status, 422)
  t.match(JSON.parse(twice.text), { issue: [{ code: 'duplicate' }] })
  t.match(await journal(), [
    { fault: 'duplicate', status: 201, applied: true },
    { fault: 'duplicate', status: 422, applied: false }
  ])

  const [held] = ((await ask('GET', '/holdings/nhs-immunisation-api')) as { id: string; version: number }[]).slice(-1)
  const path = `${BASE}/${held!.id}`
  await control({ mode: 'conflict', times: 1 })
  const conflict = await send('PUT', path, { ...record, id: held!.id }, { 'E-Tag': '1' })
  t.equal(conflict.status, 400)
  t.match(conflict.text, /has changed since the last retrieve/)
  t.equal((await send('PUT', path, { ...record, id: held!.id }, { 'E-Tag': '2' })).status, 200)
})

t.test('a token may end early: the next one is good', async (t) => {
  await control({ mode: 'expired', times: 1 })
  t.equal((await send('POST', BASE, freshRecord())).status, 401)
  t.equal((await send('POST', BASE, freshRecord())).status, 201)
})

t.test('a limit is written in every form there is, or not at all', async (t) => {
  const forms = { seconds: '7', date: 'Sat, 01 Nov 2025 12:00:07 GMT', none: undefined, garbage: 'in a while' }
  for (const [retryAfter, expected] of Object.entries(forms)) {
    await control({ mode: 'limited', retryAfter, retryAfterSeconds: 7, times: 1 })
    const limited = await send('GET', `${BASE}/x`, undefined)
    t.same([limited.status, limited.headers['retry-after']], [429, expected], retryAfter)
  }
  await control({ mode: 'limited', retryAfter: 'huge', times: 1 })
  t.match((await send('GET', `${BASE}/x`, undefined)).headers['retry-after'], /^9{40}$/)
})

t.test('faults by chance are the same for the same seed, and as many as their rates say', (t) => {
  const setting = (seed: number): ControlSetting => ({
    mode: 'random',
    delayMs: 5,
    retryAfterSeconds: 1,
    seed,
    rates: { down: 0.1, slow: 0.2, reset: 0.3, limited: 0.1 }
  })
  const draw = (seed: number, count = 4_000): ControlSetting[] => {
    const next = createRandomFaults(setting(seed))
    return Array.from({ length: count }, () => next())
  }
  const modes = (seed: number): string =>
    draw(seed, 200)
      .map(({ mode, when }) => `${mode} ${when ?? ''}`)
      .join()
  t.equal(modes(7), modes(7))
  t.not(modes(7), modes(8))

  const drawn = draw(7)
  const share = (fits: (fault: ControlSetting) => boolean): number => drawn.filter(fits).length / drawn.length
  const near = (found: number, expected: number, what: string): void => {
    t.ok(Math.abs(found - expected) < 0.03, `${what}: ${found}`)
  }
  near(
    share(({ mode }) => mode === 'down'),
    0.1,
    'down'
  )
  near(
    share(({ mode }) => mode === 'slow'),
    0.2,
    'slow'
  )
  near(
    share(({ mode }) => mode === 'up'),
    0.3,
    'up'
  )
  near(
    share(({ mode, when }) => mode === 'reset' && when === 'before'),
    0.15,
    'reset before'
  )
  near(
    share(({ mode, when }) => mode === 'reset' && when === 'after'),
    0.15,
    'reset after'
  )
  near(
    share(({ mode, retryAfter }) => mode === 'limited' && retryAfter === 'date'),
    0.05,
    'limited until a date'
  )
  const fixed = createRandomFaults({ ...setting(7), when: 'after', retryAfter: 'none' })
  t.same([...new Set(Array.from({ length: 200 }, () => fixed().when))], ['after'])
  t.end()
})

t.test('it is told to have faults by chance over HTTP, and starts anew with the same seed', async (t) => {
  const run = async (): Promise<JournalEntry['fault'][]> => {
    await ask('DELETE', '/journal')
    const set = { mode: 'random', seed: 3, rates: { down: 0.3, limited: 0.3, refuse: 0.1 }, only: 'read', times: 12 }
    t.match(await control(set), { mode: 'random', seed: 3, times: 12 })
    for (let count = 0; count < 13; count++) await send('GET', `${BASE}/x`, undefined)
    return (await journal()).map(({ fault }) => fault)
  }
  const first = await run()
  t.same(await run(), first)
  t.ok(first.includes('down') && first.includes('limited') && first.includes(undefined), String(first))
  t.match(await ask('GET', '/control'), { 'nhs-immunisation-api': { mode: 'up' } }, 'so many requests, then up')

  for (const [wrong, said] of [
    [{ mode: 'random' }, /random needs rates/],
    [{ mode: 'random', rates: { fire: 0.1 } }, /must be one of down, slow/],
    [{ mode: 'random', rates: { down: 1.1 } }, /rate of down must be 0 to 1/],
    [{ mode: 'random', rates: { down: 0.6, slow: 0.6 } }, /not come to more than 1/],
    [{ mode: 'random', rates: {}, seed: -1 }, /seed must be a whole number/],
    [{ mode: 'down', seed: 1 }, /belong to the mode random/],
    [{ mode: 'limited', retryAfter: 'never' }, /retryAfter must be one of/]
  ] as const)
    t.match(await control(wrong), { error: said })
})

t.test('a socket that broke is not counted for another request', async (t) => {
  await control({ mode: 'half', times: 1 })
  const statuses = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise<number | undefined>((resolve, reject) => {
          const outgoing = openRequest(`${sandbox.url}${BASE}/x`, (incoming) => {
            incoming.resume()
            incoming.on('error', () => undefined)
            resolve(incoming.statusCode)
          })
          outgoing.on('error', reject)
          outgoing.end()
        })
    )
  )
  t.same(statuses, [401, 401, 401])
})

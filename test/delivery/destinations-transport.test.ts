// What all destinations stand on: sockets, waiting times, redaction, secrets, the FHIR client.
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { outcomeOfAnswer, outcomeOfFault } from '../../src/delivery/transport/answer-outcome.js'
import { createFhirClient, readAnswer } from '../../src/delivery/transport/fhir-client.js'
import { createHttpTransport, TransportFault } from '../../src/delivery/transport/http-transport.js'
import { createRedactor } from '../../src/delivery/transport/receiver-text.js'
import { parseRetryAfter } from '../../src/delivery/transport/retry-after.js'
import { findFileOption, readSecretOption } from '../../src/delivery/transport/secret-option.js'
import { NHS_NUMBER, syntheticImmunization } from './synthetic.js'

const NOW = new Date('2025-11-01T12:00:00Z')

t.test('Retry-After in seconds and as a date, from one second to a quarter of an hour', (t) => {
  const cases: [string | undefined, number | undefined][] = [
    ['5', 5_000],
    [' 5 ', 5_000],
    ['0', 1_000],
    ['900', 900_000],
    ['901', 900_000],
    ['9999999999', 900_000],
    ['9'.repeat(400), 900_000],
    ['Sat, 01 Nov 2025 12:01:00 GMT', 60_000],
    ['Saturday, 01-Nov-25 12:01:00 GMT', 60_000],
    ['Sat, 01 Nov 2025 11:00:00 GMT', 1_000],
    ['Sun, 01 Nov 2026 11:00:00 GMT', 900_000],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2025-11-01T12:01:00Z', undefined],
    ['', undefined],
    [undefined, undefined]
  ]
  for (const [header, expected] of cases) t.equal(parseRetryAfter(header, NOW), expected, String(header))
  t.end()
})

t.test('each status has its class', (t) => {
  const kindOf = (status: number, isWrite = true): string => {
    const outcome = outcomeOfAnswer({ status, retryAfter: undefined, said: 'x' }, isWrite, NOW)
    return outcome.kind === 'unavailable' ? `unavailable${outcome.ambiguous ? ', perhaps done' : ''}` : outcome.kind
  }
  const expected = {
    unavailable: [301, 307, 425],
    'unavailable, perhaps done': [408, 500, 502, 503, 504, 599],
    limited: [429],
    credentials: [401, 403],
    refused: [400, 404, 405, 406, 409, 410, 412, 413, 415, 417, 422, 451, 501]
  }
  for (const [kind, statuses] of Object.entries(expected))
    for (const status of statuses) t.equal(kindOf(status), kind, String(status))
  t.equal(kindOf(503, false), 'unavailable', 'a read leaves no doubt')
  t.match(outcomeOfFault(new TransportFault(true, 'aborted', 'timeout'), true), {
    ambiguous: true,
    message: 'aborted (timeout)'
  })
  t.match(outcomeOfFault(new TransportFault(true, 'aborted', 'timeout'), false), { ambiguous: false })
  t.match(outcomeOfFault(new TransportFault(false, 'not-connected', 'ECONNREFUSED'), true), { ambiguous: false })
  t.end()
})

t.test('the patient is taken out of what a receiver says, and codes are left in', (t) => {
  const redact = createRedactor(syntheticImmunization())
  t.equal(redact(`patient ${NHS_NUMBER} born 1951-03-09 (19510309)`), 'patient [patient] born [patient] ([patient])')
  t.equal(redact('Mrs THISTLEWOOD, ottoline may'), 'Mrs [patient], [patient] [patient]')
  t.equal(redact('Thistlewoods and Mayfair'), 'Thistlewoods and Mayfair', 'whole words only')
  t.equal(redact('numbers 999 000 0018, 943-476-5919 and 9434765919'), 'numbers [number], [number] and [number]')
  t.equal(redact('code 43208811000001106 at LS99 9ZZ'), 'code 43208811000001106 at [patient]')
  t.equal(redact('by Ned Quillfeather'), 'by [patient] [patient]')
  t.equal(redact('a\n  b\tc'), 'a b c')
  t.equal(redact('x'.repeat(400)).length, 300)
  t.equal(createRedactor({ ...syntheticImmunization(), contained: [] })('plain'), 'plain')
  t.end()
})

t.test('a secret comes from a file without its last newline, or literally, never both', (t) => {
  const file = join(t.testdir(), 'secret')
  writeFileSync(file, 'from the file\n')
  const source = { file: 'keyFile', literal: 'key' }
  t.equal(readSecretOption('d', { keyFile: file }, source), 'from the file')
  t.equal(readSecretOption('d', { key: 'literal\n' }, source), 'literal\n')
  const exactlyOne = { message: 'destination "d": options need exactly one of keyFile and key' }
  t.throws(() => readSecretOption('d', {}, source), exactlyOne)
  t.throws(() => readSecretOption('d', { key: 'a', keyFile: file }, source), exactlyOne)
  t.equal(findFileOption('d', {}, 'caFile'), undefined)
  t.equal(findFileOption('d', { caFile: file }, 'caFile'), 'from the file')
  t.throws(() => findFileOption('d', { caFile: '/nowhere' }, 'caFile'), {
    message: /options.caFile cannot be read \(ENOENT\)/
  })
  t.end()
})

t.test('a line to a receiver', async (t) => {
  let respond: (request: IncomingMessage, response: ServerResponse) => void
  const server = createServer((request, response) => {
    request.resume()
    respond(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const transport = createHttpTransport({ maxSockets: 2 })
  t.teardown(() => {
    transport.close()
    server.closeAllConnections()
    server.close()
  })
  const get = (signal = AbortSignal.timeout(3_000)): ReturnType<typeof transport.send> =>
    transport.send({ method: 'GET', url: `${url}/?identifier=${NHS_NUMBER}`, headers: {}, signal })

  t.test('an answer that breaks off after its status still has that status', async (t) => {
    respond = (_request, response) => {
      response.writeHead(201, { 'Content-Length': '100', 'E-Tag': '4' })
      response.write('{"half"')
      setImmediate(() => response.destroy())
    }
    t.match(await get(), { status: 201, headers: { 'e-tag': '4' }, isComplete: false })
  })

  t.test('an answer without end is cut', async (t) => {
    respond = (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) continue
        response.once('drain', more)
      }
      more()
    }
    const answer = await get()
    t.notOk(answer.isComplete)
    t.ok(answer.text.length <= 4 * 1024 * 1024)
  })

  t.test('a redirect is given back, not followed', async (t) => {
    respond = (_request, response) => {
      response.writeHead(302, { Location: 'http://elsewhere.example/' }).end()
    }
    t.match(await get(), { status: 302 })
  })

  t.test('a fault says what happened and not where, as the address may name a patient', async (t) => {
    respond = (request) => {
      request.socket.resetAndDestroy()
    }
    await t.rejects(get(), { mayHaveArrived: true, reason: 'connection-lost', message: 'connection lost (ECONNRESET)' })
    respond = () => undefined
    await t.rejects(get(AbortSignal.timeout(60)), { mayHaveArrived: true, message: 'aborted (timeout)' })
    await t.rejects(get(AbortSignal.abort()), { mayHaveArrived: false, message: 'aborted (before sending)' })
    const nobody = transport.send({
      method: 'GET',
      url: 'http://127.0.0.1:9/',
      headers: {},
      signal: AbortSignal.timeout(900)
    })
    await t.rejects(nobody, { mayHaveArrived: false, message: 'not connected (ECONNREFUSED)' })
  })

  t.test('the FHIR client sends E-Tag in the letters its receiver looks for, and gives any status back', async (t) => {
    let names: string[] = []
    respond = (request, response) => {
      names = request.rawHeaders.filter((_, index) => index % 2 === 0)
      response.writeHead(422, { 'Content-Type': 'application/fhir+json' })
      response.end('{"resourceType":"OperationOutcome","issue":[]}')
    }
    const client = createFhirClient(`${url}/R4`, transport)
    const headers = { 'e-tag': '1', 'x-request-id': 'r', 'x-correlation-id': 'c' }
    const options = { headers, signal: AbortSignal.timeout(3_000) }
    const body = { resourceType: 'Immunization' }
    const answer = readAnswer(await client.update({ resourceType: 'Immunization', id: '1', body, options }))
    t.match(answer, { status: 422, resource: { resourceType: 'OperationOutcome' } })
    for (const name of ['E-Tag', 'X-Request-ID', 'X-Correlation-ID']) t.ok(names.includes(name), name)

    respond = (_request, response) => {
      response.writeHead(200).end('not JSON')
    }
    const unreadable = readAnswer(
      await client.read({ resourceType: 'Immunization', id: '1', options: { signal: options.signal } })
    )
    t.match(unreadable, { status: 200, text: 'not JSON' })
    t.equal(unreadable.resource, undefined)
    await t.rejects(client.read({ resourceType: 'Immunization', id: '1' }), { message: /needs an AbortSignal/ })
    t.throws(() => readAnswer({}), { message: 'not a result of this client' })
  })
  t.end()
})

// Webhooks: what is signed and sent, which addresses are connected to, and what cannot be set up.
import { createHmac } from 'node:crypto'
import type { LookupAddress } from 'node:dns'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Immunization } from 'fhir/r4.js'
import t from 'tap'
import { destinationKind } from '../../src/delivery/destinations/webhook.js'
import type { Destination } from '../../src/delivery/destination.js'
import { createHttpTransport } from '../../src/delivery/transport/http-transport.js'
import { createPublicLookup, isPublicAddress } from '../../src/delivery/transport/public-lookup.js'
import { parseSecrets } from '../../src/delivery/webhook/signature.js'
import { createSandboxKeys } from '../../src/sandbox/keys.js'
import { startSandbox } from '../../src/sandbox/server.js'
import {
  claimedAgain,
  nextVersion,
  PATIENT_WORDS,
  syntheticDelivery,
  syntheticImmunization,
  syntheticServices
} from './synthetic.js'

let nowMs = Date.parse('2025-11-01T12:00:00Z')
const now = (): Date => new Date(nowMs)
const NEWER = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const OLDER = `whsec_${Buffer.alloc(24, 2).toString('base64')}`

interface Received {
  headers: IncomingMessage['headers']
  body: string
}

const received: Received[] = []
let answer = { status: 204, headers: {} as Record<string, string>, body: '' }
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const { port } = receiver.address() as AddressInfo
const url = `http://127.0.0.1:${port}/hook?key=of-the-receiver`
t.teardown(() => {
  receiver.closeAllConnections()
  receiver.close()
})

const opened: Destination[] = []
t.teardown(() => Promise.all(opened.map((destination) => destination.close())))

function open(options: object = {}): Destination {
  const settings = { name: 'hook', kind: 'webhook', concurrency: 1, timeoutMs: 3_000 }
  const all = { url, secret: `${NEWER} ${OLDER}`, allowPrivateAddresses: true, ...options }
  const destination = destinationKind.create(settings, all, syntheticServices(now))
  opened.push(destination)
  return destination
}
const signal = (): AbortSignal => AbortSignal.timeout(3_000)

t.beforeEach(() => {
  received.length = 0
  answer = { status: 204, headers: {}, body: '' }
})

function signatureOf({ headers, body }: Received, secret: string): string {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}

t.test('a notification names the record and nothing of the patient, and is signed with every secret', async (t) => {
  const delivery = syntheticDelivery(syntheticImmunization())
  t.match(await open().deliver(delivery, signal()), {
    kind: 'delivered',
    status: 204,
    remote: { id: delivery.deliveryId, version: '1' }
  })

  const [message] = received
  t.same(JSON.parse(message!.body), {
    type: 'immunization.created',
    timestamp: '2025-10-03T09:21:07.125Z',
    data: { id: delivery.recordId, version: 1, reference: `Immunization/${delivery.recordId}/_history/1` }
  })
  for (const word of PATIENT_WORDS) t.notOk(message!.body.includes(word))
  t.match(message!.headers, {
    'content-type': 'application/json',
    'webhook-id': delivery.deliveryId,
    'webhook-timestamp': '1761998400',
    'webhook-signature': `${signatureOf(message!, NEWER)} ${signatureOf(message!, OLDER)}`
  })
})

t.test('a later attempt has the same id and body, and the time and signature of its own', async (t) => {
  const destination = open()
  const delivery = syntheticDelivery(syntheticImmunization())
  answer = { status: 500, headers: {}, body: '' }
  t.match(await destination.deliver(delivery, signal()), { kind: 'unavailable', ambiguous: true })
  nowMs += 60_000
  answer = { status: 200, headers: {}, body: '{"error":"nobody reads this"}' }
  t.match(await destination.deliver(claimedAgain(delivery, { outcomeUnknown: true }), signal()), { kind: 'delivered' })

  const [first, second] = received
  t.equal(second!.headers['webhook-id'], first!.headers['webhook-id'])
  t.equal(second!.body, first!.body)
  t.equal(second!.headers['webhook-timestamp'], '1761998460')
  t.ok(String(second!.headers['webhook-signature']).includes(signatureOf(second!, NEWER)))
})

t.test('the resource goes along where it is asked for, to the letter, and not when it was deleted', async (t) => {
  const destination = open({ content: 'resource' })
  const body = JSON.stringify(syntheticImmunization()).replace('"value":0.5', '"value":0.50')
  const created = syntheticDelivery(syntheticImmunization(), { body })
  await destination.deliver(created, signal())
  const remote = { id: created.deliveryId, version: '1' }
  const resource = JSON.parse(body) as Immunization
  for (const operation of ['update', 'delete', 'reinstate'] as const)
    await destination.deliver(nextVersion(created, operation, remote, resource), signal())

  t.ok(received[0]!.body.endsWith(`,"resource":${body}}}`), 'not written anew: 0.50 stays 0.50')
  const messages = received.map((one) => JSON.parse(one.body) as { type: string; data: { resource?: Immunization } })
  t.same(
    messages.map(({ type, data }) => [type, data.resource?.status]),
    [
      ['immunization.created', 'completed'],
      ['immunization.updated', 'completed'],
      ['immunization.deleted', undefined],
      ['immunization.reinstated', 'completed']
    ]
  )
  t.match(messages[0]!.data.resource, resource)
})

t.test('what was never told is not taken back', async (t) => {
  const deleted = syntheticDelivery(syntheticImmunization(), { operation: 'delete', version: 2 })
  t.match(await open().deliver(deleted, signal()), { kind: 'not-needed' })
  t.equal(received.length, 0)
})

t.test('a redirect is not followed, and a refusal is kept without the patient', async (t) => {
  const destination = open()
  answer = { status: 307, headers: { location: url }, body: '' }
  t.match(await destination.deliver(syntheticDelivery(syntheticImmunization()), signal()), {
    kind: 'unavailable',
    ambiguous: false,
    status: 307
  })
  t.equal(received.length, 1)
  answer = { status: 410, headers: {}, body: 'gone, Ottoline Thistlewood' }
  t.match(await destination.deliver(syntheticDelivery(syntheticImmunization()), signal()), {
    kind: 'refused',
    status: 410,
    message: 'answered 410: gone, [patient] [patient]'
  })
  answer = { status: 429, headers: { 'retry-after': '7' }, body: '' }
  t.match(await destination.deliver(syntheticDelivery(syntheticImmunization()), signal()), {
    kind: 'limited',
    retryAfterMs: 7_000
  })
})

t.test('only public addresses are public', (t) => {
  const isPublic = ['8.8.8.8', '1.1.1.1', '100.63.255.255', '172.15.0.1', '172.32.0.1', '192.0.1.1', '223.255.255.255']
  const isNot = ['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.0.1', '169.254.169.254', '172.16.0.1']
  isNot.push('172.31.255.255', '192.0.0.8', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.9')
  isNot.push('224.0.0.1', '240.0.0.1', '255.255.255.255')
  isPublic.push('2606:4700:4700::1111', '2a00:1450::1')
  isNot.push('::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1')
  isNot.push('64:ff9b::7f00:1', '2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', 'localhost', '')
  for (const address of isPublic) t.ok(isPublicAddress(address), address)
  for (const address of isNot) t.notOk(isPublicAddress(address), address)
  t.end()
})

t.test('a name that leads to this machine is not connected to, whenever it does so', async (t) => {
  const addresses: LookupAddress[] = [{ address: '127.0.0.1', family: 4 }]
  const lookup = createPublicLookup(((_name: string, _options: object, done: (...all: unknown[]) => void) => {
    setImmediate(done, null, addresses)
  }) as never)
  const transport = createHttpTransport({ maxSockets: 1, lookup })
  t.teardown(() => {
    transport.close()
  })
  const send = (): Promise<unknown> =>
    transport.send({ method: 'POST', url: `http://receiver.test:${port}/`, headers: {}, body: '{}', signal: signal() })
  await t.rejects(send(), { mayHaveArrived: false, message: 'not connected (NOT_PUBLIC)' })
  t.equal(received.length, 0)

  const resolved = await new Promise((resolve) => {
    addresses.push({ address: '192.168.0.1', family: 4 }, { address: '2a00:1450::1', family: 6 })
    lookup('receiver.test', { all: true }, (_error, found) => {
      resolve(found)
    })
  })
  t.same(resolved, [{ address: '2a00:1450::1', family: 6 }], 'of several addresses the public ones are left')
  const single = await new Promise((resolve) => {
    lookup('receiver.test', { all: false }, (_error, found) => {
      resolve(found)
    })
  })
  t.equal(single, '2a00:1450::1')

  const unknown = createPublicLookup(((_name: string, _options: object, done: (...all: unknown[]) => void) => {
    done(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }))
  }) as never)
  const failed = await new Promise((resolve) => {
    unknown('receiver.test', { all: true }, resolve)
  })
  t.match(failed, { code: 'ENOTFOUND' })
})

t.test('the name of this machine is resolved and refused by the destination itself', async (t) => {
  const local = open({ url: `https://localhost:${port}/hook`, allowPrivateAddresses: false })
  t.match(await local.deliver(syntheticDelivery(syntheticImmunization()), signal()), {
    kind: 'unavailable',
    ambiguous: false,
    message: 'not connected (NOT_PUBLIC)'
  })
  t.equal(received.length, 0)
})

t.test('what cannot be right stops the start, and says nothing of the secret', (t) => {
  const strict = { allowPrivateAddresses: false }
  const wrong: [object, RegExp][] = [
    [{ ...strict, url: 'http://receiver.test/' }, /^destination "hook": options.url must be https/],
    [{ ...strict, url: 'https://10.0.0.1/' }, /^destination "hook": options.url is no public address/],
    [{ ...strict, url: 'https://2130706433/' }, /no public address/],
    [{ ...strict, url: 'https://0x7f.1/' }, /no public address/],
    [{ ...strict, url: 'https://[::1]/' }, /no public address/],
    [{ ...strict, url: 'https://[::ffff:10.0.0.1]/' }, /no public address/],
    [{ secret: ' ' }, /^destination "hook": there is no signing secret$/],
    [
      { secret: `${NEWER} plain` },
      /^destination "hook": signing secret 2 must be whsec_ and 24 to 64 bytes in base64$/
    ],
    [{ secret: 'whsec_c2hvcnQ=' }, /signing secret 1 must/],
    [{ secret: NEWER.replace('AQ', 'A!') }, /signing secret 1 must/]
  ]
  for (const [options, message] of wrong) t.throws(() => open(options), { message })
  t.doesNotThrow(() => open({ ...strict, url: 'https://receiver.test/' }))
  t.doesNotThrow(() => open({ ...strict, url: 'https://[2606:4700:4700::1111]/' }))
  t.equal(parseSecrets('hook', `${NEWER}\n${OLDER}\n`).length, 2)
  t.end()
})

t.test('the sandbox takes what is signed now by either secret, and acts once on each id', async (t) => {
  const keys = createSandboxKeys()
  const sandbox = await startSandbox({ keys, now })
  t.teardown(() => sandbox.close())
  const to = (secret: string): Destination => open({ url: `${sandbox.url}/webhook`, secret, content: 'resource' })
  const [newer, older] = keys.webhook.secrets
  const delivery = syntheticDelivery(syntheticImmunization())

  for (const secret of [newer, older, `${NEWER} ${older}`])
    t.match(await to(secret).deliver(delivery, signal()), { kind: 'delivered' })
  t.match(await to(NEWER).deliver(delivery, signal()), { kind: 'credentials', message: /no signature is right/ })
  const late = destinationKind.create(
    { name: 'late', kind: 'webhook', concurrency: 1, timeoutMs: 3_000 },
    { url: `${sandbox.url}/webhook`, secret: newer, allowPrivateAddresses: true },
    syntheticServices(() => new Date(nowMs - 301_000))
  )
  opened.push(late)
  t.match(await late.deliver(delivery, signal()), { kind: 'credentials', message: /too far off/ })

  const journal = (await (await fetch(`${sandbox.url}/journal?destination=webhook`)).json()) as unknown[]
  t.match(journal, [
    { requestId: delivery.deliveryId, recordKey: delivery.recordId, version: '1', lotNumber: 'AB1234', applied: true },
    { requestId: delivery.deliveryId, applied: false },
    { requestId: delivery.deliveryId, applied: false },
    { status: 401, applied: false },
    { status: 401, applied: false }
  ])
  t.match(await (await fetch(`${sandbox.url}/holdings/webhook`)).json(), [{ id: delivery.deliveryId }])
  t.equal((await fetch(`${sandbox.url}/webhook`)).status, 405)
  t.equal((await fetch(`${sandbox.url}/webhook`, { method: 'POST', body: '{}' })).status, 401)
})

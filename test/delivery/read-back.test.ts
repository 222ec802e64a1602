// What receivers answer when they are asked whether they hold what was delivered; nothing is written by asking.
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import type { Delivery, Destination, DestinationKind, ReadBack } from '../../src/delivery/destination.js'
import { destinationKind as eligibilityStore } from '../../src/delivery/destinations/eligibility-store.js'
import { destinationKind as fhirRest } from '../../src/delivery/destinations/fhir-rest.js'
import { destinationKind as nhsApi } from '../../src/delivery/destinations/nhs-immunisation-api.js'
import { checkCredentials } from '../../src/delivery/judge-vitals.js'
import { credentialsOf } from '../../src/delivery/transport/certificate-expiry.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import { startSandbox } from '../../src/sandbox/server.js'
import {
  NHS_NUMBER,
  nextVersion,
  PATIENT_WORDS,
  syntheticDelivery,
  syntheticImmunization,
  syntheticServices
} from './synthetic.js'

const sandbox = await startSandbox({ seed: { persons: [NHS_NUMBER] } })
const services = syntheticServices()
const opened: Destination[] = []
t.teardown(async () => {
  for (const destination of opened) await destination.close()
  await sandbox.close()
})

function open(kind: DestinationKind): Destination {
  const entry = sandboxDestinations(sandbox.url, sandbox.keys).find((one) => one.kind === kind.kind)
  const settings = { name: kind.kind, kind: kind.kind, concurrency: 2, timeoutMs: 2_000 }
  const destination = kind.create(settings, entry?.options ?? {}, services)
  opened.push(destination)
  return destination
}

const control = (receiver: string, setting: object): Promise<Response> =>
  fetch(`${sandbox.url}/control/${receiver}`, { method: 'PUT', body: JSON.stringify(setting) })

const holdingsOf = async (receiver: string): Promise<string> =>
  (await fetch(`${sandbox.url}/holdings/${receiver}`)).text()

async function ask(destination: Destination, delivery: Delivery): Promise<ReadBack> {
  const answer = await destination.readBack?.(delivery, AbortSignal.timeout(2_000))
  if (answer === undefined) throw new Error(`${destination.name} cannot be asked`)
  for (const word of PATIENT_WORDS) t.notMatch(JSON.stringify(answer), word)
  return answer
}

t.test('the national API is asked by identifier, and what it holds is compared', async (t) => {
  const api = open(nhsApi)
  const stored = syntheticImmunization()
  const delivery = syntheticDelivery(stored)
  const missing = await ask(api, delivery)
  const outcome = await api.deliver(delivery, AbortSignal.timeout(2_000))
  t.equal(outcome.kind, 'delivered')
  const before = await holdingsOf('nhs-immunisation-api')

  const same = await ask(api, delivery)
  const differs = await ask(api, syntheticDelivery({ ...stored, lotNumber: 'ZZ9999' }))
  const withdrawn = await ask(api, { ...delivery, operation: 'delete' })

  t.match(missing, { kind: 'missing', message: /no record with this identifier/ })
  t.same(same, { kind: 'same' })
  t.match(differs, { kind: 'differs', message: /other content/ })
  t.match(withdrawn, { kind: 'differs', message: /still holds a record that was withdrawn/ })
  t.equal(await holdingsOf('nhs-immunisation-api'), before, 'asking changes nothing')
})

t.test('what was withdrawn is to be gone, and what is gone is missing', async (t) => {
  const api = open(nhsApi)
  const delivery = syntheticDelivery(syntheticImmunization())
  const sent = await api.deliver(delivery, AbortSignal.timeout(2_000))
  const deletion = nextVersion(delivery, 'delete', sent.kind === 'delivered' ? sent.remote : undefined)
  t.equal((await api.deliver(deletion, AbortSignal.timeout(2_000))).kind, 'delivered')

  t.same(await ask(api, deletion), { kind: 'same' })
  t.match(await ask(api, delivery), { kind: 'missing' })
})

t.test('any FHIR server is asked by identifier, and what it holds is compared', async (t) => {
  const server = open(fhirRest)
  const stored = syntheticImmunization()
  const delivery = syntheticDelivery(stored)
  const missing = await ask(server, delivery)
  const sent = await server.deliver(delivery, AbortSignal.timeout(2_000))
  const before = await holdingsOf('fhir-rest')

  const same = await ask(server, delivery)
  const differs = await ask(server, syntheticDelivery({ ...stored, lotNumber: 'ZZ9999' }))
  const withdrawn = await ask(server, { ...delivery, operation: 'delete' })

  t.match(missing, { kind: 'missing', message: /no record with this identifier/ })
  t.same(same, { kind: 'same' })
  t.match(differs, { kind: 'differs', message: /other content/ })
  t.match(withdrawn, { kind: 'differs', message: /still holds a record that was withdrawn/ })
  t.equal(await holdingsOf('fhir-rest'), before, 'asking changes nothing')

  const wrong = nextVersion(delivery, 'update', sent.kind === 'delivered' ? sent.remote : undefined, {
    ...stored,
    status: 'entered-in-error'
  })
  t.equal((await server.deliver(wrong, AbortSignal.timeout(2_000))).kind, 'delivered')
  t.same(await ask(server, wrong), { kind: 'same' }, 'a correction is a version like any other')
  t.match(await ask(server, delivery), { kind: 'differs' })

  const deletion = nextVersion(wrong, 'delete', sent.kind === 'delivered' ? sent.remote : undefined)
  t.equal((await server.deliver(deletion, AbortSignal.timeout(2_000))).kind, 'delivered')
  t.same(await ask(server, deletion), { kind: 'same' })
  t.match(await ask(server, delivery), { kind: 'missing' })
})

t.test('what a FHIR server answers under a fault is no difference', async (t) => {
  const server = open(fhirRest)
  const delivery = syntheticDelivery(syntheticImmunization())
  await server.deliver(delivery, AbortSignal.timeout(2_000))
  const faults: [setting: Record<string, unknown>, message: RegExp][] = [
    [{ mode: 'down' }, /answered 503/],
    [{ mode: 'limited' }, /answered 429/],
    [{ mode: 'refuse' }, /answered 422/],
    [{ mode: 'credentials' }, /answered 401/],
    [{ mode: 'reset' }, /connection lost/],
    [{ mode: 'half' }, /unreadable/],
    [{ mode: 'garbled' }, /unreadable/],
    [{ mode: 'error-body' }, /unreadable/],
    [{ mode: 'slow', delayMs: 5_000 }, /timeout/]
  ]
  for (const [setting, message] of faults) {
    await control('fhir-rest', setting)
    t.match(await ask(server, delivery), { kind: 'unknown', message }, String(setting['mode']))
  }
  await control('fhir-rest', { mode: 'conflict', times: 1 })
  t.same(await ask(server, delivery), { kind: 'same' }, 'a version that rose by itself')
  await control('fhir-rest', { mode: 'expired', times: 1 })
  t.same(await ask(server, delivery), { kind: 'same' }, 'the token is renewed')
})

t.test('a receiver that does not answer is no difference', async (t) => {
  const api = open(nhsApi)
  const store = open(eligibilityStore)
  const delivery = syntheticDelivery(syntheticImmunization())
  for (const receiver of ['nhs-immunisation-api', 'eligibility-store']) await control(receiver, { mode: 'down' })

  services.totals = { nhsNumber: NHS_NUMBER, eventDays: ['2025-10-03'], sourceVersion: 1 }
  t.equal((await ask(api, delivery)).kind, 'unknown')
  t.equal((await ask(store, delivery)).kind, 'unknown')
  for (const receiver of ['nhs-immunisation-api', 'eligibility-store']) await control(receiver, { mode: 'up' })
})

t.test('the eligibility store is asked for the totals that follow from the present event groups', async (t) => {
  const store = open(eligibilityStore)
  const delivery = syntheticDelivery(syntheticImmunization())
  services.totals = { nhsNumber: NHS_NUMBER, eventDays: ['2025-10-03'], sourceVersion: 5 }
  const missing = await ask(store, delivery)
  await store.deliver(delivery, AbortSignal.timeout(2_000))

  const same = await ask(store, delivery)
  services.totals = { ...services.totals, eventDays: ['2025-10-03', '2026-10-01'], sourceVersion: 6 }
  const differs = await ask(store, delivery)
  services.totals = { ...services.totals, sourceVersion: 4 }
  const newer = await ask(store, delivery)
  services.totals = { nhsNumber: '9990000026', eventDays: ['2025-10-03'], sourceVersion: 6 }
  const nobody = await ask(store, delivery)

  t.match(missing, { kind: 'missing', message: 'the store has no item for FLU' })
  t.same(same, { kind: 'same' })
  t.match(differs, { kind: 'differs', message: 'the item for FLU holds other totals' })
  t.same(newer, { kind: 'same' }, 'it holds newer totals')
  t.same(nobody, { kind: 'same' }, 'it does not know the person, and is not to')
})

t.test('a certificate that ends soon is trouble, and a key has no end', (t) => {
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' }
  })
  t.same(credentialsOf({ key: privateKey }), [])
  const now = new Date('2026-11-28T12:00:00Z')
  const inDays = (days: number): Date => new Date(now.getTime() + days * 86_400_000)
  const found = [40, 29, -1].flatMap((days) =>
    checkCredentials(
      [{ name: 'gp-record', credentials: [{ what: 'client certificate', expiresAt: inDays(days) }] }],
      now
    )
  )
  t.same(
    found.map(({ state }) => state),
    ['ok', 'trouble', 'trouble']
  )
  t.match(found[1]?.text, 'ends at 2026-12-27 12:00:00 UTC, in 29 days')
  t.match(found[2]?.text, 'ended at 2026-11-27 12:00:00 UTC')
  t.end()
})

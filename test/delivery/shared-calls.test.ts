// What all kinds that sign in share: one token for the fleet, and a rate that the repetition after a refused token is under.
import t from 'tap'
import type { Test } from 'tap'
import type { Destination, DestinationKind, DestinationServices } from '../../src/delivery/destination.js'
import { destinationKind as fhirRest } from '../../src/delivery/destinations/fhir-rest.js'
import { destinationKind as mnsEvent } from '../../src/delivery/destinations/mns-event.js'
import { destinationKind as nhsApi } from '../../src/delivery/destinations/nhs-immunisation-api.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import { startSandbox } from '../../src/sandbox/server.js'
import { createDatabase } from '../../src/storage/database.js'
import { createTestDatabase } from '../support/test-database.js'
import { claimedAgain, syntheticDelivery, syntheticImmunization, syntheticServices } from './synthetic.js'

const RATE = 20
const sandbox = await startSandbox()
t.teardown(() => sandbox.close())

function open(t: Test, kind: DestinationKind, services: DestinationServices): Destination {
  const { options } = sandboxDestinations(sandbox.url, sandbox.keys).find((entry) => entry.kind === kind.kind)!
  const settings = { name: kind.kind, kind: kind.kind, concurrency: 2, timeoutMs: 5_000, ratePerSecond: RATE }
  const destination = kind.create(settings, options, services)
  t.teardown(() => destination.close())
  return destination
}

/** Notes each moment that is waited for. */
function countMoments(): DestinationServices & { moments: [name: string, ratePerSecond: number][] } {
  const moments: [string, number][] = []
  return {
    ...syntheticServices(),
    moments,
    awaitMoment: (name, ratePerSecond) => {
      moments.push([name, ratePerSecond])
      return Promise.resolve()
    }
  }
}

const steer = (receiver: string, setting: object): Promise<Response> =>
  fetch(`${sandbox.url}/control/${receiver}`, { method: 'PUT', body: JSON.stringify(setting) })
const tokensIssued = async (): Promise<number> =>
  ((await (await fetch(`${sandbox.url}/tokens`)).json()) as { issued: number }).issued
const signal = (): AbortSignal => AbortSignal.timeout(5_000)

t.test('the workers that send events share one token, and its renewal', async (t) => {
  const { pool } = await createTestDatabase(t)
  const services = { ...syntheticServices(), accessTokens: createDatabase(pool).stores.accessTokens }
  const workers = [1, 2, 3].map(() => open(t, mnsEvent, services))
  const sendFromAll = async (): Promise<string[]> => {
    const outcomes = await Promise.all(
      [...workers, ...workers].map((worker) => worker.deliver(syntheticDelivery(syntheticImmunization()), signal()))
    )
    return [...new Set(outcomes.map(({ kind }) => kind))]
  }
  const before = await tokensIssued()

  t.same(await sendFromAll(), ['delivered'])
  t.equal((await tokensIssued()) - before, 1, 'one token for all')

  await steer('mns-event', { mode: 'expired', times: 1 })
  t.same(await sendFromAll(), ['delivered'])
  t.equal((await tokensIssued()) - before, 2, 'one renewal for all')

  // The same application: what one kind has got serves the other.
  const api = open(t, nhsApi, services)
  t.match(await api.deliver(syntheticDelivery(syntheticImmunization()), signal()), { kind: 'delivered' })
  t.equal((await tokensIssued()) - before, 2)
})

for (const kind of [nhsApi, mnsEvent, fhirRest]) {
  t.test(`${kind.kind}: the repetition after a 401 waits for a moment of its own`, async (t) => {
    const services = countMoments()
    const destination = open(t, kind, services)
    const send = async (): Promise<string> =>
      (await destination.deliver(syntheticDelivery(syntheticImmunization()), signal())).kind

    t.equal(await send(), 'delivered')
    t.same(services.moments, [], 'the claim has paid for the first request')

    await steer(kind.kind, { mode: 'expired', times: 1 })
    t.equal(await send(), 'delivered')
    t.same(services.moments, [[kind.kind, RATE]])

    await steer(kind.kind, { mode: 'credentials', times: 2 })
    t.equal(await send(), 'credentials')
    t.equal(services.moments.length, 2, 'once is enough')
  })
}

for (const kind of [nhsApi, fhirRest]) {
  t.test(`${kind.kind}: each further request of a doubt waits for a moment, a comparison for none`, async (t) => {
    const services = countMoments()
    const destination = open(t, kind, services)
    const delivery = syntheticDelivery(syntheticImmunization())
    t.match(await destination.deliver(claimedAgain(delivery, { outcomeUnknown: true }), signal()), {
      kind: 'delivered'
    })
    t.equal(services.moments.length, 1, 'a search, and the write')

    t.same(await destination.readBack?.(delivery, signal()), { kind: 'same' })
    t.equal(services.moments.length, 1, 'whoever compares has paid for two')
  })
}

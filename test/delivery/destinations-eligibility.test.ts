// The eligibility store: what is counted, whose item it is, and that nothing else in it is touched.
import { createHmac } from 'node:crypto'
import t from 'tap'
import type { Delivery, DeliveryOutcome } from '../../src/delivery/destination.js'
import { destinationKind } from '../../src/delivery/destinations/eligibility-store.js'
import { patientItemKey, toTargetFields } from '../../src/delivery/eligibility/target-item.js'
import type { VaccineType } from '../../src/fhir/vaccine-types.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import { startSandbox } from '../../src/sandbox/server.js'
import {
  NHS_NUMBER,
  syntheticCandidate,
  syntheticDelivery,
  syntheticImmunization,
  syntheticServices
} from './synthetic.js'

type Item = Record<string, Record<string, unknown>>

const sandbox = await startSandbox({ seed: { persons: [NHS_NUMBER] } })
const { options } = sandboxDestinations(sandbox.url, sandbox.keys).find(({ kind }) => kind === 'eligibility-store')!
const services = syntheticServices()
const destination = destinationKind.create(
  { name: 'e', kind: 'eligibility-store', concurrency: 2, timeoutMs: 2_000 },
  options,
  services
)
t.teardown(async () => {
  await destination.close()
  await sandbox.close()
})

async function deliver(changes: Partial<Delivery> = {}): Promise<DeliveryOutcome> {
  return destination.deliver(syntheticDelivery(syntheticImmunization(), changes), AbortSignal.timeout(2_000))
}

async function itemOf(target: string): Promise<Item | undefined> {
  const items = (await (await fetch(`${sandbox.url}/holdings/eligibility-store`)).json()) as Item[]
  return items.find((item) => item['ATTRIBUTE_TYPE']?.['S'] === target)
}

const control = (setting: object): Promise<Response> =>
  fetch(`${sandbox.url}/control/eligibility-store`, { method: 'PUT', body: JSON.stringify(setting) })

t.test('the totals of the patient become the fields of the target', async (t) => {
  services.totals = { nhsNumber: NHS_NUMBER, eventDays: ['2024-10-01', '2025-10-03'], sourceVersion: 7 }
  const outcome = await deliver()

  const key = createHmac('sha512', sandbox.keys.eligibility.hashSecret).update(NHS_NUMBER).digest('hex')
  t.equal(patientItemKey(NHS_NUMBER, sandbox.keys.eligibility.hashSecret), key)
  t.same(outcome, { kind: 'delivered', status: 200, remote: { id: `${key.slice(0, 16)}/FLU`, version: '7' } })
  t.same(await itemOf('FLU'), {
    NHS_NUMBER: { S: key },
    ATTRIBUTE_TYPE: { S: 'FLU' },
    LAST_SUCCESSFUL_DATE: { S: '20251003' },
    SUCCESSFUL_PROCEDURE_COUNT: { S: '2' },
    SOURCE_VERSION: { N: '7' }
  })
})

t.test('older totals, and the same again, change nothing', async (t) => {
  services.totals = { nhsNumber: NHS_NUMBER, eventDays: ['2024-10-01'], sourceVersion: 6 }
  t.match(await deliver(), { kind: 'delivered', message: /or newer ones/ })
  services.totals = { ...services.totals, sourceVersion: 7 }
  t.match(await deliver(), { kind: 'delivered', message: /already/ })
  t.same((await itemOf('FLU'))?.['SUCCESSFUL_PROCEDURE_COUNT'], { S: '2' })
})

t.test('when no dose counts any more the date is null and the count is 0', async (t) => {
  services.totals = { nhsNumber: NHS_NUMBER, eventDays: [], sourceVersion: 8 }
  await deliver({ operation: 'delete' })
  t.match(await itemOf('FLU'), { LAST_SUCCESSFUL_DATE: { NULL: true }, SUCCESSFUL_PROCEDURE_COUNT: { S: '0' } })
  t.same(toTargetFields({ eventDays: ['2025-01-02', '2025-01-01'], sourceVersion: 1 }).lastSuccessfulDate, '20250102')
})

t.test('bookings and invitations in the same item stay as they are', async (t) => {
  const { tableName, hashSecret, accessKeyId } = sandbox.keys.eligibility
  const item = {
    NHS_NUMBER: { S: patientItemKey(NHS_NUMBER, hashSecret) },
    ATTRIBUTE_TYPE: { S: 'RSV' },
    BOOKED_APPOINTMENT_DATE: { S: '20251201' },
    LAST_INVITE_STATUS: { S: 'SENT' }
  }
  await fetch(sandbox.url, {
    method: 'POST',
    headers: { 'x-amz-target': 'DynamoDB_20120810.PutItem', authorization: `Credential=${accessKeyId}/` },
    body: JSON.stringify({ TableName: tableName, Item: item })
  })
  services.totals = { nhsNumber: NHS_NUMBER, eventDays: ['2025-10-03'], sourceVersion: 9 }
  await deliver({ vaccineType: 'RSV' })
  t.match(await itemOf('RSV'), { ...item, LAST_SUCCESSFUL_DATE: { S: '20251003' } })
})

t.test('MMR and MMRV count together, as one target', async (t) => {
  const asked: (readonly VaccineType[])[] = []
  const counting = destinationKind.create({ name: 'e', kind: 'e', concurrency: 1, timeoutMs: 2_000 }, options, {
    now: () => new Date(),
    readEligibilityTotals: (_key, types) => {
      asked.push(types)
      return Promise.resolve({ nhsNumber: NHS_NUMBER, eventDays: ['2025-05-05'], sourceVersion: 1 })
    }
  })
  t.teardown(() => counting.close())
  for (const vaccineType of ['MMRV', 'MMR'] as const)
    await counting.deliver(syntheticDelivery(syntheticImmunization(), { vaccineType }), AbortSignal.timeout(2_000))
  t.same(asked, [
    ['MMR', 'MMRV'],
    ['MMR', 'MMRV']
  ])
  t.ok(await itemOf('MMR'))
})

t.test('which versions it wants: every change of a type that has an item', (t) => {
  t.ok(destination.wants(syntheticCandidate('FLU', 'completed')))
  t.equal(destinationKind.defaults.sends, 'all', 'a duplicate may change the group')
  t.notOk(destination.wants(syntheticCandidate('FLU', 'not-done')), 'it cannot have counted')
  t.notOk(destination.wants(syntheticCandidate('HPV', 'completed')), 'no item for HPV')
  const mapped = destinationKind.create(
    { name: 'e', kind: 'e', concurrency: 1, timeoutMs: 900 },
    { ...options, targets: { HPV: 'HPV' } },
    services
  )
  t.ok(mapped.wants(syntheticCandidate('HPV', 'completed')))
  t.notOk(mapped.wants(syntheticCandidate('FLU', 'completed')))
  t.end()
})

t.test('a patient the store does not know, or without NHS number, is finished with the reason', async (t) => {
  services.totals = { nhsNumber: '9990000026', eventDays: ['2025-10-03'], sourceVersion: 10 }
  t.same(await deliver(), { kind: 'not-needed', message: 'no-person: the store does not know this patient' })
  services.totals = { eventDays: ['2025-10-03'], sourceVersion: 10 }
  t.match(await deliver(), { kind: 'not-needed', message: /^no-nhs-number/ })
  t.match(await deliver({ vaccineType: 'BCG' }), { kind: 'not-needed', message: 'no item for BCG' })
  services.totals = { nhsNumber: NHS_NUMBER, eventDays: ['2025-10-03'], sourceVersion: 10 }
})

t.test(
  'while a number is superseded its item holds the totals of the whole patient, as that of its successor',
  async (t) => {
    services.totals = {
      nhsNumber: '9990000026',
      supersededNumbers: [NHS_NUMBER],
      eventDays: ['2024-10-01', '2025-10-04'],
      sourceVersion: 20
    }
    const outcome = await deliver()

    t.match(outcome, { kind: 'delivered', remote: { version: '20' } }, 'the successor is not known to the store')
    t.match(await itemOf('FLU'), { LAST_SUCCESSFUL_DATE: { S: '20251004' }, SUCCESSFUL_PROCEDURE_COUNT: { S: '2' } })
    services.totals = { nhsNumber: NHS_NUMBER, eventDays: ['2025-10-03'], sourceVersion: 21 }
    await deliver()
  }
)

t.test('a ledger or a table that is not there is waited for, not held against the delivery', async (t) => {
  const failing = {
    now: () => new Date(),
    readEligibilityTotals: () => Promise.reject(new Error('the database is away'))
  }
  const settings = { name: 'e', kind: 'e', concurrency: 1, timeoutMs: 900 }
  const away = destinationKind.create(settings, options, failing)
  const elsewhere = destinationKind.create(settings, { ...options, tableName: 'no-such-table' }, services)
  t.teardown(() => Promise.all([away.close(), elsewhere.close()]))
  const delivery = syntheticDelivery(syntheticImmunization())
  t.match(await away.deliver(delivery, AbortSignal.timeout(900)), {
    kind: 'unavailable',
    ambiguous: false,
    message: /our own/
  })
  t.match(await elsewhere.deliver(delivery, AbortSignal.timeout(900)), {
    kind: 'unavailable',
    ambiguous: false,
    message: /ResourceNotFound/
  })
})

t.test('a doubt is only there when the write may have arrived', async (t) => {
  await control({ mode: 'reset', only: 'read', times: 1 })
  t.match(await deliver(), { kind: 'unavailable', ambiguous: false })
  await control({ mode: 'reset', only: 'write', when: 'after', times: 1 })
  t.match(await deliver(), { kind: 'unavailable', ambiguous: true })
  t.match(await deliver(), { kind: 'delivered', message: /already/ }, 'it had arrived')
  await control({ mode: 'limited', retryAfterSeconds: 4, times: 1 })
  t.match(await deliver(), { kind: 'limited', retryAfterMs: 4_000 })
})

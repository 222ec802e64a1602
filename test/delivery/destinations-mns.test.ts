// Events of the notification service: the national shape to the letter, and nothing of the patient beyond it.
import { generateKeyPairSync } from 'node:crypto'
import type { Immunization } from 'fhir/r4.js'
import nock from 'nock'
import t from 'tap'
import { destinationKind } from '../../src/delivery/destinations/mns-event.js'
import { toChangeEvent } from '../../src/delivery/mns/change-event.js'
import type { Delivery } from '../../src/delivery/destination.js'
import { startSandbox } from '../../src/sandbox/server.js'
import {
  claimedAgain,
  nextVersion,
  NHS_NUMBER,
  PATIENT_WORDS,
  syntheticCandidate,
  syntheticDelivery,
  syntheticImmunization,
  syntheticPatient,
  syntheticServices
} from './synthetic.js'

const NOW = new Date('2025-11-01T12:00:00Z')
const HOST = 'http://mns.test'
const { privateKey: PEM } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
})
const OPTIONS = {
  baseUrl: `${HOST}/multicast-notification-service`,
  tokenUrl: `${HOST}/oauth2/token`,
  apiKey: 'app',
  keyId: 'k1',
  privateKeyPem: PEM,
  source: 'example.hub',
  recordBaseUrl: 'https://hub.example/FHIR/R4'
}
const destination = destinationKind.create(
  { name: 'mns', kind: 'mns-event', concurrency: 1, timeoutMs: 3_000 },
  OPTIONS,
  syntheticServices(() => NOW)
)
t.teardown(() => destination.close())
nock.disableNetConnect()
t.afterEach(() => {
  nock.cleanAll()
})

const signal = (): AbortSignal => AbortSignal.timeout(3_000)
const eventOf = (resource: Immunization, changes: Partial<Delivery> = {}): ReturnType<typeof toChangeEvent> =>
  toChangeEvent(syntheticDelivery(resource, changes), resource, OPTIONS)

t.test('an event has the national shape, our version and the time of the change, and no more of the patient', (t) => {
  const resource = syntheticImmunization({
    contained: [
      syntheticPatient({
        generalPractitioner: [
          { identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'y02438' } }
        ]
      })
    ]
  })
  const delivery = syntheticDelivery(resource, { version: 3, operation: 'update' })
  const event = toChangeEvent(delivery, resource, OPTIONS)
  t.same(event, {
    specversion: '1.0',
    id: delivery.deliveryId,
    source: 'example.hub',
    type: 'imms-vaccination-record-change-1',
    time: '2025-10-03T09:15:00.000Z',
    subject: NHS_NUMBER,
    dataref: `https://hub.example/FHIR/R4/Immunization/${delivery.recordId}`,
    filtering: {
      generalpractitioner: 'Y02438',
      sourceorganisation: 'RJ1',
      sourceapplication: 'example-pharmacy',
      subjectage: 74,
      immunisationtype: 'FLU',
      action: 'UPDATE'
    },
    recordversion: 3,
    recordchangetime: '2025-10-03T09:21:07.125Z'
  })
  const text = JSON.stringify(event)
  for (const word of PATIENT_WORDS.filter((one) => one !== NHS_NUMBER)) t.notOk(text.includes(word), word)
  t.end()
})

t.test('what is not known is null, and a date is as exact as it was given', (t) => {
  t.match(eventOf(syntheticImmunization())?.filtering, { generalpractitioner: null })
  t.match(eventOf(syntheticImmunization({ performer: [] }))?.filtering, { sourceorganisation: null })
  const day = eventOf(syntheticImmunization({ occurrenceDateTime: '2025-07-01' }))
  t.match(day, { time: '2025-07-01T00:00:00.000Z', filtering: { subjectage: 74 } })
  const month = eventOf(syntheticImmunization({ occurrenceDateTime: '2025-07' }))
  t.match(month, { time: undefined, filtering: { subjectage: null } })
  t.notOk('time' in month!)
  t.end()
})

t.test('the age is counted in whole years on the day of the vaccination', (t) => {
  const ageOn = (occurrenceDateTime: string, birthDate = '1951-03-09'): unknown =>
    eventOf(syntheticImmunization({ occurrenceDateTime, contained: [syntheticPatient({ birthDate })] }))?.filtering
      .subjectage
  t.equal(ageOn('2025-03-08'), 73)
  t.equal(ageOn('2025-03-09'), 74)
  t.equal(ageOn('2025-03-10'), 74)
  // Half past eleven at night in Greenwich is the next day in a British summer.
  t.equal(ageOn('2025-06-30T23:30:00Z', '1990-07-01'), 35)
  t.equal(ageOn('2025-03-09', '1951-03'), null)
  t.equal(ageOn('1951-03-08'), -1, 'as nationally: a slip in a date shows')
  t.end()
})

t.test('a withdrawal is a DELETE, whether deleted or corrected to an error, and a return is an UPDATE', (t) => {
  const actionOf = (operation: Delivery['operation'], status: Immunization['status']): unknown =>
    eventOf(syntheticImmunization({ status }), { operation })?.filtering.action
  t.equal(actionOf('create', 'completed'), 'CREATE')
  t.equal(actionOf('update', 'completed'), 'UPDATE')
  t.equal(actionOf('update', 'entered-in-error'), 'DELETE')
  t.equal(actionOf('update', 'not-done'), 'DELETE')
  t.equal(actionOf('delete', 'completed'), 'DELETE')
  t.equal(actionOf('reinstate', 'completed'), 'UPDATE')
  t.end()
})

t.test('nothing is sent without an NHS number, nor a withdrawal of what was never told', async (t) => {
  const anonymous = syntheticDelivery(syntheticImmunization({ contained: [syntheticPatient({ identifier: [] })] }))
  t.match(await destination.deliver(anonymous, signal()), { kind: 'not-needed', message: /^no-nhs-number/ })
  const deleted = syntheticDelivery(syntheticImmunization(), { operation: 'delete', version: 2 })
  t.match(await destination.deliver(deleted, signal()), { kind: 'not-needed', message: /never told/ })
  t.end()
})

t.test('it is sent as a CloudEvent with a token, under one id on every attempt', async (t) => {
  const delivery = syntheticDelivery(syntheticImmunization())
  const bodies: unknown[] = []
  nock(HOST).post('/oauth2/token').reply(200, { access_token: 'one', expires_in: '599' })
  const events = (): nock.Interceptor =>
    nock(HOST, {
      reqheaders: {
        authorization: 'Bearer one',
        'content-type': 'application/cloudevents+json',
        'x-request-id': delivery.deliveryId,
        'x-correlation-id': delivery.recordId
      }
    }).post('/multicast-notification-service/events', (body: unknown) => bodies.push(body) > 0)

  events().reply(502, '<html>')
  t.match(await destination.deliver(delivery, signal()), { kind: 'unavailable', ambiguous: true, status: 502 })
  events().reply(202, { id: 'theirs' })
  t.match(await destination.deliver(claimedAgain(delivery, { outcomeUnknown: true }), signal()), {
    kind: 'delivered',
    status: 202,
    remote: { id: delivery.deliveryId, version: '1' }
  })
  t.same(bodies[1], bodies[0])

  events().reply(400, { errors: [{ diagnostics: `subject ${NHS_NUMBER} (Thistlewood) is unknown` }] })
  t.match(await destination.deliver(delivery, signal()), {
    kind: 'refused',
    status: 400,
    message: /subject \[patient\] \(\[patient\]\) is unknown/
  })
})

t.test('a token that ended early is renewed once', async (t) => {
  nock(HOST).post('/multicast-notification-service/events').twice().reply(401, {})
  nock(HOST).post('/oauth2/token').reply(200, { access_token: 'two', expires_in: '599' })
  t.match(await destination.deliver(syntheticDelivery(syntheticImmunization()), signal()), {
    kind: 'credentials',
    status: 401
  })
  t.ok(nock.isDone())
})

t.test('it wants what was given: what did not happen is no event', (t) => {
  t.ok(destination.wants(syntheticCandidate('RSV', 'completed')))
  t.notOk(destination.wants(syntheticCandidate('RSV', 'not-done')))
  t.notOk(destination.wants(syntheticCandidate('RSV', 'entered-in-error')))
  t.end()
})

t.test('the sandbox insists on the shape, and counts an id once', async (t) => {
  nock.enableNetConnect('127.0.0.1')
  const sandbox = await startSandbox({ now: () => NOW })
  t.teardown(() => sandbox.close())
  const there = destinationKind.create(
    { name: 'mns', kind: 'mns-event', concurrency: 1, timeoutMs: 3_000 },
    {
      ...OPTIONS,
      ...sandbox.keys.nhs,
      publicKeyPem: undefined,
      baseUrl: `${sandbox.url}/multicast-notification-service`,
      tokenUrl: `${sandbox.url}/oauth2/token`
    },
    syntheticServices(() => NOW)
  )
  t.teardown(() => there.close())
  const created = syntheticDelivery(syntheticImmunization())
  await there.deliver(created, signal())
  await there.deliver(claimedAgain(created, { outcomeUnknown: true }), signal())
  await there.deliver(nextVersion(created, 'update', { id: created.deliveryId, version: '1' }), signal())

  const ask = async (path: string): Promise<unknown> => (await fetch(sandbox.url + path)).json()
  const shared = { recordKey: created.recordId, status: 200 }
  t.match(await ask('/journal?destination=mns-event'), [
    { ...shared, requestId: created.deliveryId, version: '1', applied: true },
    { ...shared, requestId: created.deliveryId, version: '1', applied: false },
    { ...shared, version: '2', applied: true }
  ])
  t.match(await ask('/holdings/mns-event'), [
    { recordversion: 1 },
    { recordversion: 2, filtering: { action: 'UPDATE' } }
  ])

  const broken = syntheticDelivery(
    syntheticImmunization({
      contained: [
        syntheticPatient({ identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000019' }] })
      ]
    })
  )
  t.match(await there.deliver(broken, signal()), { kind: 'refused', message: /subject must be an NHS number/ })
})

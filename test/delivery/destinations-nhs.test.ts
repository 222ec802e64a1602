// The NHS Immunisation FHIR API: what is sent, how tokens are got, and how a doubt is settled.
import { generateKeyPairSync } from 'node:crypto'
import type { Immunization, Patient } from 'fhir/r4.js'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import nock from 'nock'
import t from 'tap'
import { destinationKind } from '../../src/delivery/destinations/nhs-immunisation-api.js'
import { toOutboundOccurrence, toOutboundRecorded } from '../../src/delivery/nhs/outbound-dates.js'
import { toOutboundImmunization } from '../../src/delivery/nhs/outbound-immunization.js'
import { hasSameContent } from '../../src/delivery/nhs/same-content.js'
import { createTokenSource } from '../../src/delivery/nhs/token-source.js'
import { createHttpTransport } from '../../src/delivery/transport/http-transport.js'
import { checkNhsImmunization } from '../../src/sandbox/nhs-rules.js'
import {
  claimedAgain,
  nextVersion,
  syntheticCandidate,
  syntheticDelivery,
  syntheticImmunization,
  syntheticPatient,
  syntheticPractitioner,
  syntheticServices
} from './synthetic.js'

const NOW = new Date('2025-11-01T12:00:00Z')
const HOST = 'http://nhs.test'
const BASE = '/immunisation-fhir-api/FHIR/R4'
const { privateKey: PEM } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' }
})
const OPTIONS = {
  baseUrl: HOST + BASE,
  tokenUrl: `${HOST}/oauth2/token`,
  apiKey: 'app',
  keyId: 'k1',
  privateKeyPem: PEM
}
const ID = '29dc4e84-7e72-11ee-b962-0242ac120002'

nock.disableNetConnect()
t.afterEach(() => {
  nock.cleanAll()
})

t.test('what is sent', (t) => {
  const sent = (changes: Partial<Immunization>): Immunization =>
    toOutboundImmunization(syntheticImmunization(changes)).resource

  t.test('a full record passes the rules of the API', (t) => {
    const { resource, notes } = toOutboundImmunization(syntheticImmunization())
    t.same(checkNhsImmunization(resource, NOW), [])
    t.same(notes, [])
    t.equal(resource.id, undefined, 'no id in the body of a POST')
    t.end()
  })

  t.test('the record that was received is not changed', (t) => {
    const stored = syntheticImmunization({ note: [{ text: 'a note' }] })
    const before = structuredClone(stored)
    toOutboundImmunization(stored)
    t.same(stored, before)
    t.end()
  })

  t.test('elements the API does not know are left out, in the record and in the people', (t) => {
    const resource = sent({
      id: 'ours',
      meta: { versionId: '7', profile: ['https://fhir.hl7.org.uk/StructureDefinition/UKCore-Immunization'] },
      text: { status: 'generated', div: '<div/>' },
      note: [{ text: 'well tolerated' }],
      isSubpotent: false,
      reportOrigin: { text: 'by post' },
      reaction: [{ date: '2025-10-04' }],
      contained: [
        syntheticPatient({ telecom: [{ value: '0' }], active: true, deceasedBoolean: false }),
        syntheticPractitioner({ identifier: [{ system: 'https://fhir.hl7.org.uk/Id/nmc-number', value: '1' }] }),
        { resourceType: 'Organization', id: 'org' }
      ]
    })
    t.same(checkNhsImmunization(resource, NOW), [])
    t.same(
      Object.keys(resource).filter(
        (key) => /id|meta|text|note|isSub|report|reaction/.test(key) && key !== 'identifier'
      ),
      []
    )
    t.same(
      resource.contained?.map((entry) => Object.keys(entry).sort()),
      [
        ['address', 'birthDate', 'gender', 'id', 'identifier', 'name', 'resourceType'],
        ['id', 'name', 'resourceType']
      ]
    )
    t.end()
  })

  t.test('there is one identifier, one extension, one protocol and one coding per system', (t) => {
    const whole = syntheticImmunization()
    const coding = { system: 'http://snomed.info/sct', code: '368208006' }
    const resource = sent({
      identifier: [...whole.identifier!, { system: 'urn:other', value: 'second' }],
      extension: [{ url: 'urn:other', valueString: 'x' }, ...whole.extension!, ...whole.extension!],
      site: { coding: [coding, { ...coding, code: '368209003' }, { system: 'urn:local', code: 'L' }] },
      protocolApplied: ['14189004', '36989005', '36653000'].map((code) => ({
        targetDisease: [
          {
            coding: [
              { system: 'http://snomed.info/sct', code },
              { system: 'urn:icd', code: 'B05' }
            ]
          }
        ],
        doseNumberPositiveInt: 2
      }))
    })
    t.same(checkNhsImmunization(resource, NOW), [])
    t.same(resource.identifier, [{ system: 'https://supplier.example/vacc', value: resource.identifier?.[0]?.value }])
    t.same(resource.extension, whole.extension)
    t.same(
      resource.site?.coding?.map(({ code }) => code),
      ['368208006', 'L']
    )
    t.same(resource.protocolApplied, [
      {
        targetDisease: ['14189004', '36989005', '36653000'].map((code) => ({
          coding: [{ system: 'http://snomed.info/sct', code }]
        })),
        doseNumberPositiveInt: 2
      }
    ])
    t.end()
  })

  t.test('a disease named twice is named once, as a repeat would break the vaccine type', (t) => {
    const disease = { coding: [{ system: 'http://snomed.info/sct', code: '6142004' }] }
    const resource = sent({ protocolApplied: [{ targetDisease: [disease, disease], doseNumberString: '1' }] })
    t.same(resource.protocolApplied?.[0]?.targetDisease, [disease])
    t.end()
  })

  t.test('one Patient and at most one Practitioner go along, each with an id and pointed at', (t) => {
    const second = syntheticPractitioner({ id: 'prac2' })
    const organization = syntheticImmunization().performer![0]!
    const other = sent({
      contained: [syntheticPatient(), syntheticPractitioner(), second],
      performer: [
        organization,
        { actor: { reference: '#prac2' }, function: { text: 'AP' } },
        { actor: { reference: '#prac' } }
      ]
    })
    t.same(
      other.contained?.map(({ id }) => id),
      ['pat', 'prac2']
    )
    t.same(other.performer?.[1], { function: { text: 'AP' }, actor: { reference: '#prac2' } })

    const unnamed = sent({ contained: [syntheticPatient(), syntheticPractitioner()], performer: [organization] })
    t.same(
      unnamed.contained?.map(({ resourceType }) => resourceType),
      ['Patient'],
      'nobody points at the Practitioner'
    )

    const { id: left, ...nameless } = syntheticPatient()
    t.equal(left, 'pat')
    const alone = sent({ contained: [nameless], patient: {}, performer: [organization] })
    t.same(alone.patient, { reference: '#patient' })
    t.same(checkNhsImmunization(alone, NOW), [])
    t.end()
  })

  t.test('only the NHS number identifies the patient, wherever the record gives it', (t) => {
    const nhsNumber = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' }
    const contained = [
      syntheticPatient({
        identifier: [
          { system: 'urn:hospital', value: '1' },
          { ...nhsNumber, extension: [{ url: 'urn:x', valueString: 'y' }] }
        ]
      })
    ]
    const performer = syntheticImmunization().performer!.slice(0, 1)
    t.same((sent({ contained, performer }).contained?.[0] as Patient).identifier, [nhsNumber])
    const byReference = sent({
      contained: [syntheticPatient({ identifier: [] })],
      patient: { reference: '#pat', identifier: nhsNumber },
      performer
    })
    t.same((byReference.contained?.[0] as Patient).identifier, [nhsNumber])
    t.notOk(
      'identifier' in (sent({ contained: [syntheticPatient({ identifier: [] })], performer }).contained?.[0] ?? {})
    )
    t.end()
  })

  t.test('one Organization performs: the first that is named so, else the first with an ODS code', (t) => {
    const ods = (value: string): { system: string; value: string } => ({
      system: 'https://fhir.nhs.uk/Id/ods-organization-code',
      value
    })
    const contained = [syntheticPatient()]
    const typed = sent({
      contained,
      performer: [
        { actor: { type: 'Organization', identifier: ods('RJ1'), reference: '#org' } },
        { actor: { type: 'Organization', identifier: ods('RJ2') } },
        { actor: { identifier: ods('RJ3') } }
      ]
    })
    t.same(typed.performer, [{ actor: { type: 'Organization', identifier: ods('RJ1') } }])
    const untyped = sent({ contained, performer: [{ actor: { identifier: ods('RJ3') } }] })
    t.same(untyped.performer, [{ actor: { type: 'Organization', identifier: ods('RJ3') } }])
    t.end()
  })

  t.test('what is not known gets the stand-in the API documents', (t) => {
    const { location, protocolApplied, ...others } = syntheticImmunization()
    t.ok(location)
    const { gender, address, ...patient } = syntheticPatient()
    t.ok(gender !== undefined && address !== undefined)
    const stored: Immunization = {
      ...others,
      contained: [patient, syntheticPractitioner()],
      protocolApplied: [{ targetDisease: protocolApplied![0]!.targetDisease! }]
    }
    const { resource } = toOutboundImmunization(stored)
    t.same(checkNhsImmunization(resource, NOW), [])
    t.same(resource.location?.identifier, { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'X99999' })
    t.match(resource.contained?.[0], { gender: 'unknown', address: [{ postalCode: 'ZZ99 3WZ' }] })
    t.equal(resource.protocolApplied?.[0]?.doseNumberString, 'Dose sequence not recorded')
    const lined = sent({ contained: [syntheticPatient({ address: [{ city: 'Leeds' }, { city: 'York' }] })] })
    t.match(lined.contained?.[0], { address: [{ city: 'Leeds', postalCode: 'ZZ99 3WZ' }, { city: 'York' }] })
    t.end()
  })

  t.test('a dose number is a number up to 9 and a text above', (t) => {
    const targetDisease = syntheticImmunization().protocolApplied![0]!.targetDisease!
    const doseOf = (dose: object): unknown => {
      const { targetDisease: left, ...rest } = sent({ protocolApplied: [{ targetDisease, ...dose }] })
        .protocolApplied![0]!
      t.ok(left)
      return rest
    }
    t.same(doseOf({ doseNumberPositiveInt: 9 }), { doseNumberPositiveInt: 9 })
    t.same(doseOf({ doseNumberPositiveInt: 10 }), { doseNumberString: '10' })
    t.same(doseOf({ doseNumberString: 'booster' }), { doseNumberString: 'booster' })
    t.same(doseOf({ doseNumberString: ' ' }), { doseNumberString: 'Dose sequence not recorded' })
    t.end()
  })

  t.test('names are shortened to what the API takes, and the delivery says so without the name', (t) => {
    const name = [{ family: 'F'.repeat(36), given: ['G'.repeat(181), ' ', 'B', 'C', 'D', 'E', 'F'] }]
    const { resource, notes } = toOutboundImmunization(
      syntheticImmunization({
        contained: [syntheticPatient({ name })],
        performer: [syntheticImmunization().performer![0]!]
      })
    )
    t.same(checkNhsImmunization(resource, NOW), [])
    t.same((resource.contained?.[0] as Patient).name, [
      { family: 'F'.repeat(35), given: ['G'.repeat(180), 'B', 'C', 'D', 'E'] }
    ])
    t.same(notes, [
      'the family name was cut to 35 characters',
      'only the first 5 given names were sent',
      'a given name was cut to 180 characters'
    ])
    const just = [{ family: 'é'.repeat(35), given: ['G'.repeat(180)] }]
    t.same(toOutboundImmunization(syntheticImmunization({ contained: [syntheticPatient({ name: just })] })).notes, [])
    t.end()
  })

  t.test('an expiry date that is no day is left out, and the delivery says so', (t) => {
    const { resource, notes } = toOutboundImmunization(syntheticImmunization({ expirationDate: '2026-03' }))
    t.notOk('expirationDate' in resource)
    t.same(notes, ['the expiry date is no full date and was left out'])
    t.equal(sent({ expirationDate: '2026-03-31' }).expirationDate, '2026-03-31')
    t.end()
  })

  t.test('references to what is not sent do not dangle', (t) => {
    t.same(sent({ manufacturer: { reference: '#org', display: 'Pfizer' } }).manufacturer, { display: 'Pfizer' })
    t.equal(sent({ manufacturer: { reference: '#org' } }).manufacturer, undefined)
    t.same(sent({ reasonCode: [{ coding: [] }, { text: 'routine' }] }).reasonCode, [{ text: 'routine' }])
    t.end()
  })

  t.test('the occurrence has an offset of the United Kingdom and six digits of fraction', (t) => {
    const cases = {
      '2025-10-03': '2025-10-03',
      '2025-10-03T10:15:00Z': '2025-10-03T10:15:00+00:00',
      '2025-07-01T10:15:00Z': '2025-07-01T10:15:00+00:00',
      '2025-10-03T10:15:00-00:00': '2025-10-03T10:15:00+00:00',
      '2025-10-03T10:15:00+01:00': '2025-10-03T10:15:00+01:00',
      '2025-12-03T10:15:00+00:00': '2025-12-03T10:15:00+00:00',
      // Two hours ahead of UTC: British Summer Time in July, Greenwich Mean Time in January, the day before in London.
      '2025-07-01T10:15:00+02:00': '2025-07-01T09:15:00+01:00',
      '2025-01-15T10:15:00+02:00': '2025-01-15T08:15:00+00:00',
      '2025-01-15T00:30:00.1234567+02:00': '2025-01-14T22:30:00.123456+00:00',
      // The clocks change at 01:00 UTC on 30 March and 26 October 2025.
      '2025-03-30T02:59:59+02:00': '2025-03-30T00:59:59+00:00',
      '2025-03-30T03:00:00+02:00': '2025-03-30T02:00:00+01:00',
      '2025-10-26T02:59:59+02:00': '2025-10-26T01:59:59+01:00',
      '2025-10-26T03:00:00+02:00': '2025-10-26T01:00:00+00:00',
      '2025-10-03T10:15:00.123456789Z': '2025-10-03T10:15:00.123456+00:00',
      '2025-10': '2025-10'
    }
    for (const [received, expected] of Object.entries(cases))
      t.equal(toOutboundOccurrence(received), expected, received)
    t.equal(toOutboundOccurrence(undefined), undefined)
    t.equal(toOutboundRecorded('2025-10-03T10:15:00.1234567Z'), '2025-10-03T10:15:00.123456Z')
    t.equal(toOutboundRecorded('2025-10-03T10:15:00-05:00'), '2025-10-03T10:15:00-05:00')
    t.equal(toOutboundRecorded('2025-10-03'), '2025-10-03')
    t.end()
  })

  t.test(
    'what comes back is the same content when only its id, order of keys and way of writing instants differ',
    (t) => {
      const ours = syntheticImmunization({ occurrenceDateTime: '2025-10-03T10:15:00.271+01:00' })
      const theirs = Object.fromEntries(Object.entries({ ...ours, id: ID, meta: { versionId: '2' } }).reverse())
      t.ok(hasSameContent(ours, { ...theirs, occurrenceDateTime: '2025-10-03T09:15:00.271000+00:00' }))
      t.notOk(hasSameContent(ours, { ...theirs, occurrenceDateTime: '2025-10-03T09:15:00.271001+00:00' }))
      t.notOk(hasSameContent(ours, { ...theirs, lotNumber: 'other' }))
      t.notOk(hasSameContent(ours, { ...theirs, occurrenceDateTime: '2025-10-03' }))
      t.end()
    }
  )
  t.end()
})

t.test('which versions it wants', (t) => {
  const open = (options: object): ReturnType<typeof destinationKind.create> =>
    destinationKind.create(
      { name: 'nhs', kind: 'nhs', concurrency: 1, timeoutMs: 900 },
      { ...OPTIONS, ...options },
      syntheticServices()
    )
  const any = open({})
  t.ok(any.wants(syntheticCandidate('BCG', 'completed')))
  t.notOk(any.wants(syntheticCandidate('BCG', 'not-done')), 'the API takes completed only')
  t.notOk(any.wants(syntheticCandidate('BCG', 'entered-in-error')))
  const limited = open({ permissions: ['FLU.CRUDS', 'COVID.RS', 'RSV.CR'] })
  t.ok(limited.wants(syntheticCandidate('FLU', 'completed')))
  t.notOk(limited.wants(syntheticCandidate('COVID', 'completed')))
  t.notOk(limited.wants(syntheticCandidate('MMR', 'completed')))
  t.end()
})

t.test('tokens', (t) => {
  let nowMs = NOW.getTime()
  const transport = createHttpTransport({ maxSockets: 2 })
  t.teardown(() => {
    transport.close()
  })
  const open = (): ReturnType<typeof createTokenSource> =>
    createTokenSource({ ...OPTIONS, timeoutMs: 900 }, transport, () => new Date(nowMs))
  const tokenOf = async (source: ReturnType<typeof createTokenSource>, refused?: string): Promise<string> => {
    const result = await source.token(refused)
    return result.kind === 'token' ? result.token : JSON.stringify(result.outcome)
  }
  let given = 0
  const grant = (expires_in: unknown): void => {
    nock(HOST)
      .post('/oauth2/token')
      .reply(200, () => ({ access_token: `token-${++given}`, expires_in }))
  }

  t.test('the signed JWT names the application, the address and the key, and lives five minutes', async (t) => {
    let form = new URLSearchParams()
    nock(HOST)
      .post('/oauth2/token', (body: Record<string, string>) => {
        form = new URLSearchParams(body)
        return true
      })
      .reply(200, { access_token: 'a', expires_in: '599' })
    await open().token()

    const assertion = form.get('client_assertion') ?? ''
    t.equal(form.get('grant_type'), 'client_credentials')
    t.equal(form.get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    t.match(decodeProtectedHeader(assertion), { alg: 'RS512', kid: 'k1', typ: 'JWT' })
    const { jti, ...claims } = decodeJwt(assertion)
    const iat = NOW.getTime() / 1000
    t.same(claims, { iss: 'app', sub: 'app', aud: OPTIONS.tokenUrl, iat, exp: iat + 240 })
    t.match(jti, /^[0-9a-f-]{36}$/)
  })

  t.test('a token is used for 80 % of its life, and callers at the same moment share one request', async (t) => {
    const source = open()
    given = 0
    grant('600')
    const together = await Promise.all([tokenOf(source), tokenOf(source), tokenOf(source)])
    t.same(together, ['token-1', 'token-1', 'token-1'])
    nowMs += 479_999
    t.equal(await tokenOf(source), 'token-1')
    grant(600)
    nowMs += 1
    t.equal(await tokenOf(source), 'token-2')
  })

  t.test('a refused token is replaced once, however many calls it was refused in', async (t) => {
    const source = open()
    given = 0
    grant(600)
    await source.token()
    grant(600)
    t.equal(await tokenOf(source, 'token-1'), 'token-2')
    t.equal(await tokenOf(source, 'token-1'), 'token-2', 'a call that still had the old one gets the new one')
  })

  t.test('no token is an outcome: wrong key, limit, down, nonsense', async (t) => {
    const cases: [number, unknown, object][] = [
      [400, { error: 'invalid_client' }, { kind: 'credentials', status: 401, message: /invalid_client/ }],
      [401, { error: 'public_key error', error_description: 'kid' }, { kind: 'credentials', status: 401 }],
      [404, 'no such page', { kind: 'credentials', status: 404 }],
      [429, {}, { kind: 'limited', retryAfterMs: 3_000 }],
      [503, 'sorry', { kind: 'unavailable', ambiguous: false, status: 503 }],
      [200, '<html>', { kind: 'unavailable', ambiguous: false }],
      [200, { access_token: 'a', expires_in: 'soon' }, { kind: 'unavailable', ambiguous: false }]
    ]
    for (const [status, body, expected] of cases) {
      nock(HOST)
        .post('/oauth2/token')
        .reply(status, body as nock.Body, { 'Retry-After': '3' })
      t.match(await open().token(), { kind: 'none', outcome: expected }, `${status}`)
    }
    nock(HOST)
      .post('/oauth2/token')
      .replyWithError(Object.assign(new Error('x'), { code: 'ECONNRESET' }))
    t.match(await open().token(), { kind: 'none', outcome: { kind: 'unavailable', ambiguous: false } })
  })
  t.end()
})

t.test('how a delivery is settled', (t) => {
  const destination = destinationKind.create(
    { name: 'nhs', kind: 'nhs-immunisation-api', concurrency: 2, timeoutMs: 2_000 },
    OPTIONS,
    syntheticServices(() => NOW)
  )
  t.teardown(() => destination.close())
  const deliver = (delivery: Parameters<typeof destination.deliver>[0]): ReturnType<typeof destination.deliver> =>
    destination.deliver(delivery, AbortSignal.timeout(2_000))
  const created = syntheticDelivery(syntheticImmunization())
  const stored = JSON.parse(created.body) as Immunization
  const content = toOutboundImmunization(stored).resource
  const identifier = `https://supplier.example/vacc|${stored.identifier![0]!.value!}`
  const remote = { id: ID, version: '3' }
  const updated = nextVersion(created, 'update', remote)
  const refusal = (code: string, diagnostics: string): nock.Body => ({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code, diagnostics }]
  })
  const found = (...ids: string[]): nock.Body => ({
    resourceType: 'Bundle',
    type: 'searchset',
    total: ids.length,
    entry: ids.map((id) => ({ resource: { resourceType: 'Immunization', id, meta: { versionId: 3 } } }))
  })
  const api = (): nock.Scope => nock(HOST, { reqheaders: { authorization: 'Bearer good' } })
  const search = (): nock.Interceptor => api().get(`${BASE}/Immunization`).query({ identifier, _elements: 'id,meta' })
  const path = `${BASE}/Immunization/${ID}`
  const duplicate = refusal('duplicate', `The provided identifier: ${identifier.replace('|', '#')} is duplicated`)
  const conflict = refusal(
    'invariant',
    `Validation errors: The requested immunization resource ${ID} has changed since the last retrieve.`
  )

  nock(HOST).post('/oauth2/token').reply(200, { access_token: 'good', expires_in: '599' })

  t.test('the trace headers are sent: the delivery, the record, the version', async (t) => {
    api()
      .put(path, { ...content, id: ID } as never)
      .reply(function () {
        const { headers } = this.req
        t.same([headers['x-request-id']].flat(), [updated.deliveryId])
        t.same([headers['x-correlation-id']].flat(), [updated.recordId])
        t.same([headers['e-tag']].flat(), ['3'])
        t.same([headers['accept']].flat(), ['application/fhir+json'])
        return [200, '', { 'E-Tag': '4' }]
      })
    t.same(await deliver(updated), { kind: 'delivered', status: 200, remote: { id: ID, version: '4' } })
  })

  t.test('the id is the end of Location, wherever that points, and a 201 without E-Tag means version 1', async (t) => {
    for (const front of [
      'https://api.service.nhs.uk/immunisation-fhir-api',
      'https://x/immunisation-fhir-api/FHIR/R4',
      ''
    ])
      for (const [headers, version] of [
        [{}, '1'],
        [{ 'E-Tag': '6' }, '6']
      ] as const) {
        api()
          .post(`${BASE}/Immunization`, content as never)
          .reply(201, '', { ...headers, Location: `${front}/Immunization/${ID}` })
        t.same(await deliver(created), { kind: 'delivered', status: 201, remote: { id: ID, version } })
      }
  })

  t.test('a duplicate with our content is adopted, one with other content is brought up to date', async (t) => {
    api().post(`${BASE}/Immunization`).reply(422, duplicate)
    search().reply(200, found(ID))
    api()
      .get(path)
      .reply(200, { ...content, id: ID } as never, { 'E-Tag': '3' })
    t.match(await deliver(created), { kind: 'delivered', remote, message: /had this content already/ })

    api().post(`${BASE}/Immunization`).reply(422, duplicate)
    search().reply(200, found(ID))
    api()
      .get(path)
      .reply(200, { ...content, lotNumber: 'OLD', id: ID } as never, { 'E-Tag': '3' })
    api().put(path).matchHeader('e-tag', '3').reply(200, '', { 'E-Tag': '4' })
    t.same(await deliver(created), { kind: 'delivered', status: 200, remote: { id: ID, version: '4' } })

    api().post(`${BASE}/Immunization`).reply(422, duplicate)
    search().reply(200, found(ID))
    api().get(path).reply(403, refusal('forbidden', 'Unauthorized request for vaccine type'))
    api().put(path).matchHeader('e-tag', '3').reply(200, '')
    t.same(
      await deliver(created),
      { kind: 'delivered', status: 200, remote: { id: ID, version: '4' } },
      'no right to read'
    )
  })

  t.test('a duplicate that the search does not find yet waits for the next attempt', async (t) => {
    api().post(`${BASE}/Immunization`).reply(422, duplicate)
    search().reply(200, found())
    t.match(await deliver(created), { kind: 'unavailable', ambiguous: true, message: /does not find it yet/ })
  })

  t.test('after an unknown outcome the API is asked before anything is sent', async (t) => {
    const unknown = claimedAgain(created, { outcomeUnknown: true })
    search().reply(200, found(ID))
    api()
      .get(path)
      .reply(200, { ...content, id: ID } as never, { 'E-Tag': '1' })
    t.match(await deliver(unknown), { kind: 'delivered', remote: { id: ID, version: '1' } })

    search().reply(200, found())
    api()
      .post(`${BASE}/Immunization`)
      .reply(201, '', { Location: `/Immunization/${ID}` })
    t.match(await deliver(unknown), { kind: 'delivered', status: 201 })

    api()
      .get(path)
      .reply(200, { ...content, id: ID } as never, { 'E-Tag': '4' })
    t.match(await deliver(claimedAgain(updated, { outcomeUnknown: true })), {
      kind: 'delivered',
      remote: { id: ID, version: '4' }
    })
    t.ok(nock.isDone())
  })

  t.test('a record that is found though deleted is created again, which brings it back', async (t) => {
    search().reply(200, found(ID))
    api().get(path).reply(404, refusal('not-found', 'gone'))
    api()
      .post(`${BASE}/Immunization`)
      .reply(201, '', { Location: `/Immunization/${ID}`, 'E-Tag': '5' })
    t.same(await deliver(claimedAgain(created, { outcomeUnknown: true })), {
      kind: 'delivered',
      status: 201,
      remote: { id: ID, version: '5' }
    })
  })

  t.test('a version conflict is read again and written on top, and given up when it goes on', async (t) => {
    api().put(path).matchHeader('e-tag', '3').reply(400, conflict)
    api()
      .get(path)
      .reply(200, { ...content, lotNumber: 'OLD', id: ID } as never, { 'E-Tag': '8' })
    api().put(path).matchHeader('e-tag', '8').reply(200, '', { 'E-Tag': '9' })
    t.match(await deliver(updated), { kind: 'delivered', remote: { id: ID, version: '9' } })

    api().put(path).times(9).reply(400, conflict)
    api()
      .get(path)
      .times(9)
      .reply(200, { ...content, lotNumber: 'OLD', id: ID } as never, { 'E-Tag': '8' })
    t.match(await deliver(updated), { kind: 'unavailable', ambiguous: false, message: /during 4 writes/ })
  })

  t.test('an id the API does not know leads to a new record', async (t) => {
    api().put(path).reply(404, refusal('not-found', 'none'))
    api().post(`${BASE}/Immunization`).reply(201, '', { Location: '/Immunization/new-id' })
    t.match(await deliver(updated), { kind: 'delivered', remote: { id: 'new-id', version: '1' } })
  })

  t.test('a deletion, and a correction to entered-in-error or not-done, become a DELETE', async (t) => {
    api().delete(path).reply(204)
    t.same(await deliver(nextVersion(created, 'delete', remote)), { kind: 'delivered', status: 204, remote })
    for (const status of ['entered-in-error', 'not-done'] as const) {
      api().delete(path).reply(404, refusal('not-found', 'gone'))
      t.match(await deliver(nextVersion(created, 'update', remote, { ...stored, status })), {
        kind: 'delivered',
        status: 404,
        remote
      })
    }
    t.match(await deliver(nextVersion(created, 'delete', undefined)), {
      kind: 'not-needed',
      message: /never delivered/
    })
    api().delete(path).reply(502, '<html>')
    t.match(await deliver(nextVersion(created, 'delete', remote)), {
      kind: 'unavailable',
      ambiguous: true,
      status: 502
    })
  })

  t.test(
    'a right that is missing for one vaccine type is a refusal, a missing scope is about credentials',
    async (t) => {
      api().post(`${BASE}/Immunization`).reply(403, refusal('forbidden', 'Unauthorized request for vaccine type'))
      t.match(await deliver(created), {
        kind: 'refused',
        status: 403,
        message: /vaccine type; next: have NHS England grant/
      })
      api().post(`${BASE}/Immunization`).reply(403, refusal('forbidden', 'The sender does not have permissions'))
      t.match(await deliver(created), { kind: 'credentials', status: 403 })
    }
  )

  t.test('a limit may give its end as a date', async (t) => {
    api().post(`${BASE}/Immunization`).reply(429, '', { 'Retry-After': 'Sat, 01 Nov 2025 12:00:42 GMT' })
    t.match(await deliver(created), { kind: 'limited', status: 429, retryAfterMs: 42_000 })
  })

  t.test('answers that make no sense are not taken for success, a 2xx to a write is', async (t) => {
    search().reply(200, '<html>')
    t.match(await deliver(claimedAgain(created, { outcomeUnknown: true })), { kind: 'unavailable', ambiguous: false })
    api().put(path).reply(200, '{"broken')
    t.match(await deliver(updated), { kind: 'delivered', remote: { id: ID, version: '4' } })
    api().post(`${BASE}/Immunization`).reply(301, '', { Location: 'https://elsewhere.example/' })
    t.match(await deliver(created), { kind: 'unavailable', ambiguous: false, status: 301 })
  })

  t.test('what had to be shortened is kept with the delivery', async (t) => {
    const name = [{ family: 'F'.repeat(40), given: ['A'] }]
    const long = syntheticDelivery(syntheticImmunization({ contained: [syntheticPatient({ name })] }))
    api()
      .post(`${BASE}/Immunization`)
      .reply(201, '', { Location: `/Immunization/${ID}` })
    t.match(await deliver(long), { kind: 'delivered', message: 'the family name was cut to 35 characters' })
  })

  t.test('a token that does not come does not keep a stopped delivery', async (t) => {
    const waiting = destinationKind.create(
      { name: 'nhs', kind: 'nhs-immunisation-api', concurrency: 1, timeoutMs: 60_000 },
      { ...OPTIONS, tokenUrl: 'http://silent.test/token' },
      syntheticServices(() => NOW)
    )
    t.teardown(() => waiting.close())
    const stop = new AbortController()
    nock('http://silent.test')
      .post('/token')
      .reply(() => {
        stop.abort()
        return new Promise(() => undefined)
      })
    t.match(await waiting.deliver(created, stop.signal), { kind: 'unavailable', ambiguous: false })
    t.match(await waiting.deliver(created, AbortSignal.abort()), { kind: 'unavailable', ambiguous: false })
  })

  // Last: it ends the token that the tests above share.
  t.test('a token that expired early is renewed once; refused again, it is about credentials', async (t) => {
    const expired = refusal('expired', 'The sender has not provided a token or it has expired or is otherwise invalid.')
    api().post(`${BASE}/Immunization`).reply(401, expired)
    nock(HOST).post('/oauth2/token').reply(200, { access_token: 'newer', expires_in: '599' })
    nock(HOST, { reqheaders: { authorization: 'Bearer newer' } })
      .post(`${BASE}/Immunization`)
      .reply(201, '', { Location: `/Immunization/${ID}` })
    t.match(await deliver(created), { kind: 'delivered', status: 201 })

    nock(HOST).post(`${BASE}/Immunization`).twice().reply(401, expired)
    nock(HOST).post('/oauth2/token').reply(200, { access_token: 'newest', expires_in: '599' })
    t.match(await deliver(created), { kind: 'credentials', status: 401 })
    t.ok(nock.isDone())
  })
  t.end()
})

// The GP record: which message goes to which practice, and that MESH gets it once.
import { createHmac } from 'node:crypto'
import type { Immunization } from 'fhir/r4.js'
import nock from 'nock'
import t from 'tap'
import { create as parseXml } from 'xmlbuilder2'
import type { Delivery, Destination } from '../../src/delivery/destination.js'
import { destinationKind } from '../../src/delivery/destinations/gp-record.js'
import { toFhirXml, XhtmlTable } from '../../src/delivery/gp/fhir-xml.js'
import { nameUuid } from '../../src/delivery/gp/name-uuid.js'
import { editionOf, planGpMessage } from '../../src/delivery/gp/plan-gp-message.js'
import { routingAddress } from '../../src/delivery/gp/routing-address.js'
import { meshAuthorization } from '../../src/delivery/mesh/authorization.js'
import type { MeshMessage } from '../../src/delivery/mesh/mailbox.js'
import {
  claimedAgain,
  nextVersion,
  NHS_NUMBER,
  syntheticCandidate,
  syntheticDelivery,
  syntheticImmunization,
  syntheticPatient,
  syntheticServices
} from './synthetic.js'

const NOW = new Date('2025-11-01T12:00:00Z')
const OPTIONS = {
  baseUrl: 'http://mesh.test',
  mailboxId: 'X26HUB01',
  mailboxPassword: 'password',
  sharedKey: 'shared',
  senderOdsCode: 'X26'
}

function plan(delivery: Delivery, options: object = {}): MeshMessage {
  const planned = planGpMessage(delivery, JSON.parse(delivery.body) as Immunization, { ...OPTIONS, ...options }, NOW)
  if ('kind' in planned) throw new Error(planned.message)
  return planned
}

function reasonFor(delivery: Delivery, options: object = {}): string | undefined {
  const planned = planGpMessage(delivery, JSON.parse(delivery.body) as Immunization, { ...OPTIONS, ...options }, NOW)
  return 'kind' in planned && planned.kind === 'not-needed' ? planned.message : undefined
}

interface XmlNode {
  nodeName: string
  parentNode: XmlNode | null
  getAttribute?(name: string): string | null
}

/** Values of the elements at the end of a path such as Composition/relatesTo/code, in order, from well-formed XML. */
function valuesAt(xml: string, path: string): string[] {
  const found: string[] = []
  parseXml(xml).each(
    ({ node }) => {
      const element = node as unknown as XmlNode
      if (`/${trailOf(element)}`.endsWith(`/${path}`)) found.push(element.getAttribute?.('value') ?? '')
    },
    false,
    true
  )
  return found
}

function trailOf({ nodeName, parentNode }: XmlNode): string {
  return parentNode === null ? nodeName : `${trailOf(parentNode)}/${nodeName}`
}

t.test('the message', (t) => {
  const delivery = syntheticDelivery(syntheticImmunization())
  const message = plan(delivery)
  const { content } = message

  t.test('is an ITK3 message with a document about the immunisation', (t) => {
    t.match(content, /^<\?xml version="1.0" encoding="UTF-8"\?><Bundle xmlns="http:\/\/hl7.org\/fhir">/)
    t.same(valuesAt(content, 'Bundle/type'), ['message', 'document'])
    t.same(valuesAt(content, 'MessageHeader/event/code'), ['ITK009D'])
    t.same(
      valuesAt(content, 'MessageHeader/extension/extension/valueBoolean'),
      ['true', 'true'],
      'both acknowledgements'
    )
    t.same(valuesAt(content, 'MessageHeader/source/endpoint'), ['X26HUB01'])
    t.same(valuesAt(content, 'MessageHeader/timestamp'), ['2025-11-01T12:00:00.000Z'])
    t.match(content, /<extension url="RecipientType"><valueCoding>/, 'the url of an extension is an attribute')
    t.same(valuesAt(content, 'Composition/section/code/coding/code'), [
      '1077881000000105',
      '1102181000000102',
      '886731000000109'
    ])
    t.match(content, /<div xmlns="http:\/\/www.w3.org\/1999\/xhtml"><table><tbody><tr><th>/)
    t.end()
  })

  t.test('carries every clinical fact, in the order STU3 wants', (t) => {
    t.same(valuesAt(content, 'Immunization/status'), ['completed'])
    t.same(valuesAt(content, 'Immunization/notGiven'), ['false'])
    t.same(valuesAt(content, 'Immunization/identifier/value'), [
      (JSON.parse(delivery.body) as Immunization).identifier![0]!.value
    ])
    t.same(valuesAt(content, 'Immunization/vaccineCode/coding/code'), ['43208811000001106'])
    t.same(valuesAt(content, 'Immunization/extension/valueDateTime'), ['2025-10-03T10:20:00+01:00'])
    t.same(valuesAt(content, 'Immunization/extension/valueCodeableConcept/coding/code'), ['985151000000100'])
    t.same(valuesAt(content, 'Immunization/date'), ['2025-10-03T10:15:00+01:00'])
    t.same(valuesAt(content, 'Immunization/lotNumber'), ['AB1234'])
    t.same(valuesAt(content, 'Immunization/doseQuantity/value'), ['0.5'])
    t.same(valuesAt(content, 'Immunization/explanation/reason/coding/code'), ['443684005'])
    t.same(valuesAt(content, 'Immunization/vaccinationProtocol/doseSequence'), ['1'])
    t.same(valuesAt(content, 'Immunization/vaccinationProtocol/targetDisease/coding/code'), ['6142004'])
    t.same(valuesAt(content, 'Immunization/vaccinationProtocol/doseStatus/coding/code'), ['count'])
    t.same(valuesAt(content, 'Patient/identifier/value'), [NHS_NUMBER])
    t.same(valuesAt(content, 'Practitioner/name/family'), ['Quillfeather'])
    const inner = /<Immunization>.*<\/Immunization>/s.exec(content)![0]
    const order =
      'identifier status notGiven vaccineCode patient encounter date primarySource manufacturer lotNumber expirationDate site route doseQuantity practitioner explanation vaccinationProtocol'
    const positions = order.split(' ').map((name) => inner.indexOf(`<${name}`))
    t.same(
      positions,
      [...positions].sort((a, b) => a - b)
    )
    t.notOk(positions.includes(-1))
    t.end()
  })

  t.test('every reference in it leads to a resource in it', (t) => {
    const targets = new Set(valuesAt(content, 'entry/fullUrl'))
    const references = [...content.matchAll(/<reference value="(urn:uuid:[^"]+)"/g)].map(([, urn]) => urn!)
    t.ok(references.length > 10)
    t.same(
      references.filter((urn) => !targets.has(urn)),
      []
    )
    t.equal(targets.size, valuesAt(content, 'entry/fullUrl').length, 'each resource once')
    t.end()
  })

  t.test('is the same message on every attempt, and another one for another version', (t) => {
    t.equal(plan(claimedAgain(delivery)).content, content)
    const next = plan(nextVersion(delivery, 'update', undefined))
    t.not(
      valuesAt(next.content, 'Composition/identifier/value')[0],
      valuesAt(content, 'Composition/identifier/value')[0]
    )
    t.match(nameUuid('a', 'b'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    t.not(nameUuid('a', 'b'), nameUuid('ab'))
    t.end()
  })

  t.test('a correction replaces the document sent last, a deletion says entered in error', (t) => {
    const remote = { id: 'MESH1', version: '1' }
    const corrected = plan(nextVersion(delivery, 'update', remote)).content
    t.same(valuesAt(corrected, 'Composition/relatesTo/code'), ['replaces'])
    t.same(
      valuesAt(corrected, 'Composition/relatesTo/targetIdentifier/value'),
      valuesAt(content, 'Composition/identifier/value'),
      'the earlier document'
    )
    t.same(valuesAt(corrected, 'Composition/status'), ['amended'])
    const stored = JSON.parse(delivery.body) as Immunization
    for (const withdrawn of [
      nextVersion(delivery, 'delete', remote),
      nextVersion(delivery, 'update', remote, { ...stored, status: 'entered-in-error' })
    ]) {
      const { content } = plan(withdrawn)
      t.same(valuesAt(content, 'Composition/status'), ['entered-in-error'])
      t.same(valuesAt(content, 'Immunization/status'), ['entered-in-error'])
      t.same(valuesAt(content, 'Composition/relatesTo/code'), ['replaces'])
    }
    t.same(valuesAt(plan({ ...delivery, remote }).content, 'Composition/relatesTo/code'), [], 'the same version again')
    t.end()
  })

  t.test('a record that takes the place of others replaces their documents, and nothing else is sent of them', (t) => {
    const other = { recordId: '0198b0aa-0000-7000-8000-000000000001', version: '3' }
    const theirs = plan({ ...delivery, recordId: other.recordId, version: 3 }).content
    const taking = plan({ ...delivery, replaces: [other] }).content
    t.same(valuesAt(taking, 'Composition/relatesTo/code'), ['replaces'])
    t.same(
      valuesAt(taking, 'Composition/relatesTo/targetIdentifier/value'),
      valuesAt(theirs, 'Composition/identifier/value')
    )
    t.same(valuesAt(taking, 'Composition/status'), ['amended'])
    const remote = { id: 'MESH1', version: '1' }
    t.match(reasonFor({ ...delivery, operation: 'delete', remote, toldBySuccessor: true }), /replaced by the document/)
    t.end()
  })

  t.test('one version taken back and brought back is a document of its own each time', (t) => {
    const takenBack = { ...delivery, operation: 'delete' as const, remote: { id: 'MESH1', version: '1' } }
    const deletion = plan(takenBack).content
    const [identifier] = valuesAt(deletion, 'Composition/identifier/value')
    t.not(identifier, valuesAt(content, 'Composition/identifier/value')[0])
    t.same(
      valuesAt(deletion, 'Composition/relatesTo/targetIdentifier/value'),
      valuesAt(content, 'Composition/identifier/value')
    )
    const sent = { id: 'MESH2', version: editionOf(takenBack) }
    const again = plan({ ...takenBack, remote: sent }).content
    t.same(valuesAt(again, 'Composition/identifier/value'), [identifier], 'sent again it is the same one')
    const back = plan({
      ...delivery,
      deliveryId: '0198b0aa-0000-7000-8000-000000000002',
      operation: 'reinstate',
      remote: sent
    }).content
    t.same(valuesAt(back, 'Composition/relatesTo/targetIdentifier/value'), [identifier])
    t.equal(
      new Set([deletion, content, back].flatMap((text) => valuesAt(text, 'Composition/identifier/value'))).size,
      3
    )
    t.end()
  })

  t.test('is complete where the record is not', (t) => {
    const bare = syntheticDelivery({
      resourceType: 'Immunization',
      status: 'completed',
      contained: [syntheticPatient({ name: [{ family: 'O<&>"\u0007\ud800Neill\n😀' }] })],
      patient: { reference: '#pat' },
      vaccineCode: { text: 'a vaccine' },
      occurrenceDateTime: '2025-10-03',
      isSubpotent: true,
      protocolApplied: [{ targetDisease: [], doseNumberString: 'booster' }]
    })
    const { content, subject } = plan(bare)
    t.same(valuesAt(content, 'Practitioner/name/text'), ['Not recorded'])
    t.same(valuesAt(content, 'Patient/name/family'), ['O<&>"Neill\n😀'], 'escaped, without what XML cannot hold')
    t.same(valuesAt(content, 'Immunization/vaccinationProtocol/description'), ['booster'])
    t.same(valuesAt(content, 'Immunization/vaccinationProtocol/doseStatus/coding/code'), ['nocount'])
    t.match(subject, /seen at not recorded, ODS code: X26, version 1$/)
    t.end()
  })

  t.test('its MESH headers route it and name the delivery', (t) => {
    t.equal(message.to, `GPPROVIDER_${NHS_NUMBER}_19510309_Thistlewood`)
    t.equal(message.workflowId, 'DIGMED_FLU_VAC')
    t.equal(message.localId, delivery.deliveryId)
    t.equal(message.fileName, `${delivery.deliveryId}.xml`)
    t.equal(
      message.subject,
      `Immunisation record for THISTLEWOOD, Ottoline May, NHS Number: ${NHS_NUMBER}, seen at Example Trust, ODS code: RJ1, version 1`
    )
    t.match(plan(delivery, { recipientMailboxId: 'GP123', workflowId: 'OTHER' }), { to: 'GP123', workflowId: 'OTHER' })
    t.end()
  })
  t.end()
})

t.test('the routing address is plain ASCII, in either order of the date, or not there', (t) => {
  const named = (family: string): string | undefined =>
    routingAddress(
      syntheticPatient({
        name: [
          { family: 'Old', use: 'old' },
          { family, use: 'official' }
        ]
      }),
      NHS_NUMBER,
      'DDMMYYYY'
    )
  t.equal(named("Ó Súilleabháin_O'Shea"), `GPPROVIDER_${NHS_NUMBER}_09031951_O Suilleabhain O'Shea`)
  t.equal(named('李'), undefined)
  t.equal(routingAddress(syntheticPatient(), undefined, 'YYYYMMDD'), undefined)
  t.equal(routingAddress(syntheticPatient({ birthDate: '1951-03' }), NHS_NUMBER, 'YYYYMMDD'), undefined)
  t.end()
})

t.test('what the practice has already, or cannot get, is not sent, and the reason is kept', (t) => {
  const practice = { identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'rj1' } }
  const about = (patient: object): Delivery =>
    syntheticDelivery(syntheticImmunization({ contained: [syntheticPatient(patient)] }))
  t.match(reasonFor(about({ generalPractitioner: [practice] })), /given by the practice/)
  t.equal(
    reasonFor(about({ generalPractitioner: [{ identifier: { ...practice.identifier, value: 'A83627' } }] })),
    undefined
  )
  t.match(reasonFor(about({}), { gpSuppliers: ['example-pharmacy'] }), /reported by the GP system/)
  t.equal(reasonFor(about({}), { gpSuppliers: ['other'] }), undefined)
  t.match(reasonFor(about({ identifier: [] })), /no practice can be found without NHS number/)
  t.equal(reasonFor(about({ identifier: [] }), { recipientMailboxId: 'GP1' }), undefined)
  t.match(reasonFor(syntheticDelivery(syntheticImmunization({ contained: [] }))), /no contained Patient/)
  t.match(reasonFor(nextVersion(about({}), 'delete', undefined)), /never sent/)
  const open = (): Destination =>
    destinationKind.create(
      { name: 'gp', kind: 'gp-record', concurrency: 1, timeoutMs: 900 },
      OPTIONS,
      syntheticServices()
    )
  t.notOk(open().wants(syntheticCandidate('FLU', 'not-done')))
  t.end()
})

t.test('elements that are undefined, lists and tables are written as FHIR XML has them', (t) => {
  const xml = toFhirXml({
    resourceType: 'Basic',
    gone: undefined,
    many: [1, undefined, true],
    text: { div: new XhtmlTable([['Heading', 'a & b', 'c']]) }
  })
  t.equal(
    xml,
    '<?xml version="1.0" encoding="UTF-8"?><Basic xmlns="http://hl7.org/fhir"><many value="1"/><many value="true"/><text>' +
      '<div xmlns="http://www.w3.org/1999/xhtml"><table><tbody><tr><th>Heading</th><td><p>a &amp; b</p><p>c</p></td></tr>' +
      '</tbody></table></div></text></Basic>'
  )
  t.end()
})

t.test('the password proves itself without being sent', (t) => {
  const header = meshAuthorization(OPTIONS, 'a-nonce', new Date('2025-11-01T23:59:30Z'))
  const hash = createHmac('sha256', 'shared').update('X26HUB01:a-nonce:0:password:202511012359').digest('hex')
  t.equal(header, `NHSMESH X26HUB01:a-nonce:0:202511012359:${hash}`)
  t.end()
})

t.test('MESH gets a message once', (t) => {
  nock.disableNetConnect()
  const destination = destinationKind.create(
    { name: 'gp', kind: 'gp-record', concurrency: 1, timeoutMs: 2_000 },
    OPTIONS,
    syntheticServices(() => NOW)
  )
  t.teardown(() => {
    nock.cleanAll()
    return destination.close()
  })
  t.afterEach(() => {
    nock.cleanAll()
  })
  const delivery = syntheticDelivery(syntheticImmunization())
  const again = claimedAgain(delivery)
  const deliver = (given: Delivery): ReturnType<Destination['deliver']> =>
    destination.deliver(given, AbortSignal.timeout(2_000))
  const outbox = '/messageexchange/X26HUB01/outbox'
  const tracking = `${outbox}/tracking/${delivery.deliveryId}`

  t.test('a first attempt sends at once, and remembers the version it sent', async (t) => {
    nock('http://mesh.test', {
      reqheaders: {
        authorization: /^NHSMESH X26HUB01:[0-9a-f-]{36}:0:202511011200:[0-9a-f]{64}$/,
        'content-type': 'application/xml',
        'mex-from': 'X26HUB01',
        'mex-to': /^GPPROVIDER_/,
        'mex-workflowid': 'DIGMED_FLU_VAC',
        'mex-localid': delivery.deliveryId
      }
    })
      .post(outbox, /^<\?xml/)
      .reply(202, { messageID: 'M1' })
    t.same(await deliver(delivery), {
      kind: 'delivered',
      status: 202,
      remote: { id: 'M1', version: '1' },
      answerWithinMs: 5 * 24 * 3_600_000
    })
  })

  t.test('a later attempt asks first, and does not send what is there', async (t) => {
    nock('http://mesh.test').get(tracking).reply(200, { messageId: 'M1', statusSuccess: 'SUCCESS' })
    t.match(await deliver(again), { kind: 'delivered', remote: { id: 'M1', version: '1' } })
    nock('http://mesh.test').get(tracking).reply(300)
    t.match(await deliver(again), { kind: 'delivered', message: /more than once/ })
  })

  t.test('what is not there, or was given up by MESH, is sent', async (t) => {
    nock('http://mesh.test').get(tracking).reply(404).post(outbox).reply(202, { message_id: 'M2' })
    t.match(await deliver(again), { kind: 'delivered', remote: { id: 'M2' } })
    nock('http://mesh.test')
      .get(tracking)
      .reply(200, { messageId: 'M1', statusSuccess: 'ERROR' })
      .post(outbox)
      .reply(202, '{')
    t.match(await deliver(again), { kind: 'delivered', remote: { id: delivery.deliveryId } })
    t.ok(nock.isDone())
  })

  t.test('when MESH does not say whether it is there, nothing is sent', async (t) => {
    nock('http://mesh.test').get(tracking).reply(503)
    t.match(await deliver(again), { kind: 'unavailable', ambiguous: false, status: 503 })
    nock('http://mesh.test')
      .get(tracking)
      .replyWithError(Object.assign(new Error('x'), { code: 'ECONNRESET' }))
    t.match(await deliver(again), { kind: 'unavailable', ambiguous: false })
  })

  t.test('a refusal says what MESH says, in both versions of its errors', async (t) => {
    nock('http://mesh.test').post(outbox).reply(417, { errorCode: '12', errorDescription: 'Unregistered to address' })
    t.same(await deliver(delivery), {
      kind: 'refused',
      status: 417,
      message: 'answered 417: 12 Unregistered to address'
    })
    nock('http://mesh.test')
      .post(outbox)
      .reply(417, { detail: [{ event: 'SEND', code: '17', msg: 'not registered' }] })
    t.match(await deliver(delivery), { kind: 'refused', message: 'answered 417: 17 not registered' })
    nock('http://mesh.test').post(outbox).reply(403, '')
    t.match(await deliver(delivery), { kind: 'credentials', message: 'answered 403' })
  })
  t.end()
})

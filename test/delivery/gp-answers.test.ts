// How a message in our MESH inbox is read.
import fc from 'fast-check'
import t from 'tap'
import { findAll, readFhirXml } from '../../src/delivery/gp/read-fhir-xml.js'
import { readAnswer } from '../../src/delivery/gp/read-answer.js'
import { toFhirXml } from '../../src/delivery/gp/fhir-xml.js'
import type { MeshInboxMessage } from '../../src/delivery/mesh/mailbox-inbox.js'

const DELIVERY = '019a0000-0000-7000-8000-000000000001'

function response(detail: string, code = 'ok', identifier = DELIVERY, event = 'ITK008M'): string {
  return toFhirXml({
    resourceType: 'Bundle',
    entry: [
      {
        resource: {
          resourceType: 'MessageHeader',
          event: { code: event },
          response: { identifier, code }
        }
      },
      {
        resource: {
          resourceType: 'OperationOutcome',
          issue: { details: { coding: { code: detail, display: 'Ottoline Thistlewood' }, text: '999 000 0018' } }
        }
      }
    ]
  })
}

function message(changes: Partial<MeshInboxMessage> = {}): MeshInboxMessage {
  return {
    type: 'DATA',
    workflowId: 'DIGMED_FLU_VAC_ACK',
    sender: 'GP1',
    isPartial: false,
    isCompressed: false,
    content: response('30001'),
    ...changes
  }
}

t.test('the registered codes say whether the message could be read, and whether the record was filed', (t) => {
  const about = { deliveryId: DELIVERY }
  for (const [detail, code, level, isPositive] of [
    ['20013', 'ok', 'infrastructure', true],
    ['20013', 'fatal-error', 'infrastructure', false],
    ['30001', 'ok', 'business', true],
    ['30002', 'fatal-error', 'business', false],
    ['30003', 'fatal-error', 'business', false],
    ['30004', 'ok', 'business', false],
    ['10009', 'fatal-error', 'infrastructure', false],
    ['20008', 'transient-error', 'infrastructure', false],
    // As the guide prints it.
    ['200001', 'fatal-error', 'infrastructure', false]
  ] as const) {
    const read = readAnswer(message({ content: response(detail, code) }))
    t.match(read, { kind: 'answer', about, level, isPositive, code: detail }, `${detail} ${code}`)
    t.notMatch(JSON.stringify(read), /Thistlewood|999/, 'in registered words, not in those of the receiver')
  }
  t.end()
})

t.test('the message meant is that of the header answered, else of our local id, else of the id that MESH gave', (t) => {
  const other = '019a0000-0000-7000-8000-000000000002'
  t.match(readAnswer(message({ content: response('30001', 'ok', `urn:uuid:${DELIVERY.toUpperCase()}`) })), {
    about: { deliveryId: DELIVERY }
  })
  t.match(readAnswer(message({ content: response('30001', 'ok', 'MSG-7'), localId: other })), {
    about: { deliveryId: other }
  })
  const report = message({ type: 'REPORT', content: '', statusSuccess: 'ERROR', statusCode: 'EPL-152' })
  t.same(readAnswer({ ...report, linkedMessageId: 'M1' }), {
    kind: 'answer',
    about: { messageId: 'M1' },
    level: 'transport',
    isPositive: false,
    code: 'EPL-152',
    text: 'MESH EPL-152: no practice was found for the patient'
  })
  t.match(readAnswer({ ...report, localId: other, statusCode: '12' }), {
    text: 'MESH 12: the address is not registered'
  })
  t.match(readAnswer({ ...report, localId: other, statusCode: '99' }), {
    text: 'MESH 99: the message was not delivered'
  })
  t.end()
})

t.test('what is no answer is not taken for one', (t) => {
  const because = (changes: Partial<MeshInboxMessage>): string => {
    const read = readAnswer(message(changes))
    return read.kind === 'not-understood' ? read.because : 'an answer'
  }
  t.match(because({ isPartial: true }), /several chunks/)
  t.match(because({ isCompressed: true }), /compressed/)
  t.match(because({ content: '' }), /no readable XML/)
  t.match(because({ content: '{"resourceType":"Bundle"}' }), /no readable XML/)
  t.match(because({ content: '<letter/>' }), /no ITK3 message/)
  t.match(because({ content: response('30001', 'ok', DELIVERY, 'ITK007C') }), /but no response/)
  t.match(because({ content: response('OTHER') }), /without a response code/)
  t.match(because({ content: response('30001', 'ok', 'MSG-7') }), /which message it answers/)
  t.match(because({ type: 'REPORT', statusSuccess: 'ERROR' }), /about which message/)
  t.match(because({ type: 'REPORT', localId: DELIVERY, statusSuccess: 'SUCCESS' }), /of no failure/)
  t.end()
})

t.test('XML is read as it is written, with prefixes, comments and either quote', (t) => {
  const root = readFhirXml(
    `\ufeff<?xml version='1.0'?><!-- <a> --><f:Bundle xmlns:f="http://hl7.org/fhir"><f:a value='x &amp; "y" &#65;&#x42;&gt;'/>` +
      '<![CDATA[<b>]]><f:a value="2" ><f:c/></f:a></f:Bundle>\n'
  )
  t.same(
    findAll(root!, 'Bundle/a').map(({ attributes }) => attributes['value']),
    ['x & "y" AB>', '2']
  )
  t.same(findAll(root!, 'a/c').length, 1)
  t.end()
})

/** Ten entities, each of ten of the one before: some kilobytes that would become gigabytes. */
const billionLaughs = `<!DOCTYPE a [<!ENTITY e0 "ha">${Array.from(
  { length: 9 },
  (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`
).join('')}]><a value="&e9;">&e9;</a>`

t.test('what is not well-formed, or could expand, is not read', (t) => {
  for (const text of [
    '<!DOCTYPE a [<!ENTITY b "c">]><a/>',
    billionLaughs,
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a value="&b;"/>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
    '<a>',
    '</a>',
    '<a></b>',
    '<a/><b/>',
    '<a <b/></a>',
    '<a x=1/>',
    '<a',
    '',
    'text',
    `${'<a>'.repeat(80)}${'</a>'.repeat(80)}`,
    '<a x="1" x="2"/>',
    '<a x="&b;"/>',
    '<a x="&amp"/>',
    '<a x="&#0;"/>',
    '<a>\u0001</a>',
    '<f:a/>',
    '<a/>b',
    '<a>]]></a>',
    '<a><!-- -- --></a>'
  ])
    t.equal(readFhirXml(text), undefined, text.slice(0, 40))
  t.end()
})

t.test('no text makes it throw or hang', (t) => {
  const piece = fc.constantFrom('<a', '>', '/>', '</a>', ' x="', '"', '&#', '<!--', '-->', '<![CDATA[', 'é', ' ', '<')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      readFhirXml(pieces.join(''))
      return true
    }),
    { numRuns: 300 }
  )
  // A reader that looks ahead from every place would take hours.
  for (const hostile of ['<!--', '<a x="', '<![CDATA[', '<a ', '&#x41;'])
    t.equal(readFhirXml(hostile.repeat(500_000)), undefined, hostile)
  t.end()
})

// What a message in our MESH inbox says about a message we sent: an ITK3 response of the practice, or a report of MESH.
// Source: nhsconnect/ITK3-Messaging-Distribution, "ITK3 Response Codes", and NHSDigital/mesh-sandbox, checked 2026-11-28.
import type { LateAnswer, NotUnderstood } from '../inbox/inbox.js'
import type { MeshInboxMessage } from '../mesh/mailbox-inbox.js'
import { findAll, readFhirXml, type XmlNode } from './read-fhir-xml.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const RESPONSE_EVENT = 'ITK008M'

/** The registered words; what a receiver writes beside a code may name the patient and is not kept. */
const WORDS: Readonly<Record<string, string>> = {
  '10001': 'handling specification error',
  '10002': 'the flag for the infrastructure response cannot be processed',
  '10003': 'the flag for the business response cannot be processed',
  '10004': 'the message definition is not supported',
  '10005': 'the version of the message definition is not supported',
  '10007': 'the sender reference cannot be processed',
  '10008': 'the handling specification breaks a rule of the payload',
  '10009': 'the message could not be read',
  '10010': 'the recipient type cannot be processed',
  '20001': 'the recipient person is not recognised',
  '20002': 'the recipient organisation is not recognised',
  '20003': 'the sender is not recognised',
  '20004': 'a file type that is not approved',
  '20005': 'a file type that is not supported',
  '20006': 'the ITK3 header is not valid',
  '20007': 'this message was received before',
  '20008': 'this document was received before',
  '20009': 'the payload is not valid',
  '20012': 'the sender is not authorised',
  '20013': 'the message could be read',
  '30001': 'the patient is known, the document was taken',
  '30002': 'the patient is not known to the practice',
  '30003': 'the patient is no longer registered at the practice'
}
const SUCCESSES = new Set(['20013', '30001'])

export function readAnswer(message: MeshInboxMessage): LateAnswer | NotUnderstood {
  if (message.type === 'REPORT') return readReport(message)
  if (message.isPartial) return notUnderstood('it comes in several chunks, which no answer to us does')
  if (message.isCompressed) return notUnderstood('its content is compressed')
  const root = readFhirXml(message.content)
  if (root === undefined) return notUnderstood('its content is no readable XML')
  const event = valuesOf(root, 'MessageHeader/event/code')[0]
  if (event !== RESPONSE_EVENT) {
    return notUnderstood(event === undefined ? 'it is no ITK3 message' : 'it is an ITK3 message, but no response')
  }
  return readResponse(root, message)
}

function readResponse(root: XmlNode, message: MeshInboxMessage): LateAnswer | NotUnderstood {
  const code = valuesOf(root, 'OperationOutcome/issue/details/coding/code').find((value) =>
    /^[123]\d{4,5}$/.test(value)
  )
  if (code === undefined) return notUnderstood('it is an ITK3 response without a response code')
  const about = aboutOf(valuesOf(root, 'MessageHeader/response/identifier')[0], message)
  if (about === undefined) return notUnderstood('it does not say which message it answers')
  const isPositive = SUCCESSES.has(code) && valuesOf(root, 'MessageHeader/response/code')[0] === 'ok'
  return {
    kind: 'answer',
    about,
    level: code.startsWith('3') ? 'business' : 'infrastructure',
    isPositive,
    code,
    text: `${code} ${WORDS[code] ?? 'a code that is not listed'}`
  }
}

/** MESH could not hand the message over: no mailbox was found for the patient, or nobody collected it for five days. */
function readReport(message: MeshInboxMessage): LateAnswer | NotUnderstood {
  const about = aboutOf(undefined, message)
  if (about === undefined) return notUnderstood('it is a report of MESH that does not say about which message')
  if (message.statusSuccess !== 'ERROR') return notUnderstood('it is a report of MESH, but of no failure')
  const code = message.statusCode ?? 'without a code'
  return {
    kind: 'answer',
    about,
    level: 'transport',
    isPositive: false,
    code,
    text: `MESH ${code}: ${reportWords(code)}`
  }
}

function reportWords(code: string): string {
  if (code === '14') return 'nobody collected the message'
  if (code === '12') return 'the address is not registered'
  return /^EPL-15\d$/.test(code) ? 'no practice was found for the patient' : 'the message was not delivered'
}

/** Our header has the id of the delivery, and so has our local id; a report also names the message as MESH does. */
function aboutOf(identifier: string | undefined, message: MeshInboxMessage): LateAnswer['about'] | undefined {
  const ids = [identifier?.replace(/^urn:uuid:/, ''), message.localId].map((id) => id?.toLowerCase())
  const deliveryId = ids.find((id) => id !== undefined && UUID.test(id))
  const { linkedMessageId } = message
  if (deliveryId === undefined && linkedMessageId === undefined) return undefined
  return {
    ...(deliveryId === undefined ? {} : { deliveryId }),
    ...(linkedMessageId === undefined ? {} : { messageId: linkedMessageId })
  }
}

function valuesOf(root: XmlNode, path: string): string[] {
  return findAll(root, path).flatMap(({ attributes }) => attributes['value'] ?? [])
}

function notUnderstood(because: string): NotUnderstood {
  return { kind: 'not-understood', because }
}

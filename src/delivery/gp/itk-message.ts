// The ITK3 wrapper of a GP document: a message Bundle that says what it is and which acknowledgements it wants.
// Source: nhsconnect/ITK3-Messaging-Distribution and ITK-FHIR-Digital-Medicines, checked 2026-11-22.
import { ODS_CODE_SYSTEM } from '../../fhir/identifier-systems.js'
import type { Stu3Resource } from './document-people.js'
import { toEntry } from './gp-document.js'
import { nameUuid } from './name-uuid.js'

const NHS_STU3 = 'https://fhir.nhs.uk/STU3'

export interface ItkMessage {
  /** Stays the same on every attempt: a receiver refuses a repeated message as 20007, duplicate. */
  deliveryId: string
  senderOdsCode: string
  mailboxId: string
  document: Stu3Resource
  now: Date
}

export function toItkMessage(message: ItkMessage): Stu3Resource {
  const senderId = nameUuid(message.deliveryId, 'sender')
  return {
    resourceType: 'Bundle',
    id: nameUuid(message.deliveryId, 'bundle'),
    meta: { profile: `${NHS_STU3}/StructureDefinition/ITK-Message-Bundle-1` },
    identifier: { system: 'https://tools.ietf.org/html/rfc4122', value: message.deliveryId },
    type: 'message',
    entry: [toHeader(message, senderId), toSender(message, senderId), message.document].map(toEntry)
  }
}

function toHeader(message: ItkMessage, senderId: string): Stu3Resource {
  return {
    resourceType: 'MessageHeader',
    id: message.deliveryId,
    meta: { profile: `${NHS_STU3}/StructureDefinition/ITK-MessageHeader-2` },
    extension: {
      url: `${NHS_STU3}/StructureDefinition/Extension-ITK-MessageHandling-2`,
      extension: [
        { url: 'BusAckRequested', valueBoolean: true },
        { url: 'InfAckRequested', valueBoolean: true },
        {
          url: 'RecipientType',
          valueCoding: { system: `${NHS_STU3}/CodeSystem/ITK-RecipientType-1`, code: 'FA', display: 'For Action' }
        },
        {
          url: 'MessageDefinition',
          valueReference: { reference: `${NHS_STU3}/MessageDefinition/ITK-DM-Immunization-MessageDefinition-1` }
        },
        { url: 'SenderReference', valueString: message.deliveryId },
        { url: 'LocalExtension', valueString: 'None' }
      ]
    },
    event: {
      system: `${NHS_STU3}/CodeSystem/ITK-MessageEvent-2`,
      code: 'ITK009D',
      display: 'ITK Digital Medicine Immunization Document'
    },
    sender: { reference: `urn:uuid:${senderId}` },
    timestamp: message.now.toISOString(),
    source: { endpoint: message.mailboxId },
    focus: { reference: `urn:uuid:${message.document.id}` }
  }
}

function toSender(message: ItkMessage, id: string): Stu3Resource {
  return {
    resourceType: 'Organization',
    id,
    meta: { profile: `${NHS_STU3}/StructureDefinition/CareConnect-ITK-Header-Organization-1` },
    identifier: { system: ODS_CODE_SYSTEM, value: message.senderOdsCode }
  }
}

// Whether a version goes to the GP, and the MESH message it goes in.
import type { Immunization, Patient } from 'fhir/r4.js'
import { findPatient } from '../../fhir/immunization.js'
import { NHS_NUMBER_SYSTEM, ODS_CODE_SYSTEM } from '../../fhir/identifier-systems.js'
import type { Delivery, DeliveryOutcome } from '../destination.js'
import type { MeshMessage } from '../mesh/mailbox.js'
import { toFhirXml } from './fhir-xml.js'
import { toGpDocument, type GpDocument } from './gp-document.js'
import { toItkMessage } from './itk-message.js'
import { DEFAULT_WORKFLOW_ID, type GpOptions } from './options.js'
import { routingAddress, subjectLine } from './routing-address.js'

/** The message, or the outcome `not-needed` with the reason why there is none to send. */
export function planGpMessage(
  delivery: Delivery,
  resource: Immunization,
  options: GpOptions,
  now: Date
): MeshMessage | DeliveryOutcome {
  const isWithdrawn = delivery.operation === 'delete' || resource.status !== 'completed'
  if (delivery.toldBySuccessor === true) return notNeeded('replaced by the document of the record that took its place')
  if (isWithdrawn && delivery.remote === undefined) return notNeeded('nothing to withdraw: it was never sent')
  if (options.gpSuppliers?.includes(delivery.supplier) === true) return notNeeded('reported by the GP system itself')
  const patient = findPatient(resource)
  if (patient === undefined) return notNeeded('no contained Patient: no practice can be found')
  const organization = resource.performer?.find(({ actor }) => actor.type === 'Organization')?.actor
  const performerOds = organization?.identifier?.value?.toUpperCase()
  if (performerOds !== undefined && registeredPractices(patient).includes(performerOds)) {
    return notNeeded('given by the practice where the patient is registered')
  }
  const nhsNumber = [...(patient.identifier ?? []), resource.patient.identifier].find(
    (identifier) => identifier?.system === NHS_NUMBER_SYSTEM
  )
  const format = options.birthDateFormat ?? 'YYYYMMDD'
  const to = options.recipientMailboxId ?? routingAddress(patient, nhsNumber?.value, format)
  if (to === undefined) {
    return notNeeded('no practice can be found without NHS number, full date of birth and surname')
  }
  const { deliveryId, version } = delivery
  return {
    to,
    workflowId: options.workflowId ?? DEFAULT_WORKFLOW_ID,
    localId: deliveryId,
    fileName: `${deliveryId}.xml`,
    subject: subjectLine({
      patient,
      nhsNumber: nhsNumber?.value,
      seenAt: organization?.display ?? performerOds ?? 'not recorded',
      odsCode: performerOds ?? options.senderOdsCode,
      version
    }),
    content: writeMessage(delivery, options, { resource, patient, nhsNumber, isWithdrawn, now })
  }
}

function writeMessage(
  delivery: Delivery,
  options: GpOptions,
  content: Omit<GpDocument, 'recordId' | 'version' | 'edition' | 'replaces'>
): string {
  const { deliveryId, recordId, version } = delivery
  const { senderOdsCode, mailboxId } = options
  const document = toGpDocument({
    ...content,
    recordId,
    version,
    edition: editionOf(delivery),
    replaces: replacedBy(delivery)
  })
  return toFhirXml(toItkMessage({ deliveryId, senderOdsCode, mailboxId, document, now: content.now }))
}

/**
 * Names the document among those of its record: kept as the remote version. A version that was sent before and is taken
 * back, or brought back, without a new one (another record took its place, or gives it back) is a document of its own.
 */
export function editionOf({ deliveryId, version, operation, remote }: Delivery): string {
  const sent = remote?.version?.split(' ')[0]
  const isOther = operation === 'delete' || operation === 'reinstate'
  return isOther && sent === String(version) ? `${version} ${deliveryId}` : String(version)
}

// The documents of other records that this one takes the place of, else the one of this record that was sent last. A
// document sent again (a replay) replaces nothing: it is the same one.
function replacedBy(delivery: Delivery): GpDocument['replaces'] {
  const { recordId, remote, replaces = [] } = delivery
  if (replaces.length > 0)
    return replaces.map(({ recordId: other, version }) => ({ recordId: other, edition: version }))
  if (remote?.version === undefined || remote.version === editionOf(delivery)) return []
  return [{ recordId, edition: remote.version }]
}

function notNeeded(message: string): DeliveryOutcome {
  return { kind: 'not-needed', message }
}

/** ODS codes of Patient.generalPractitioner, where the sender told them. */
function registeredPractices(patient: Patient): string[] {
  return (patient.generalPractitioner ?? []).flatMap(({ identifier }) =>
    identifier?.system === ODS_CODE_SYSTEM && identifier.value !== undefined ? [identifier.value.toUpperCase()] : []
  )
}

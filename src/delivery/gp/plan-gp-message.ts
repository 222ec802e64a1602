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
  content: Omit<GpDocument, 'recordId' | 'version' | 'replacesVersion'>
): string {
  const { deliveryId, recordId, version } = delivery
  const { senderOdsCode, mailboxId } = options
  // A version sent again (a replay) replaces nothing: it is the same document.
  const replacesVersion = delivery.remote?.version === String(version) ? undefined : delivery.remote?.version
  const document = toGpDocument({
    ...content,
    recordId,
    version,
    ...(replacesVersion === undefined ? {} : { replacesVersion })
  })
  return toFhirXml(toItkMessage({ deliveryId, senderOdsCode, mailboxId, document, now: content.now }))
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

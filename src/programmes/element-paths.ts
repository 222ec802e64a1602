// Where in one Immunization the patient's and the dose number's elements stand, for the expression of an issue.
import type { Identifier, Immunization } from 'fhir/r4.js'
import { NHS_NUMBER_SYSTEM } from '../fhir/identifier-systems.js'
import { findPatient } from '../fhir/immunization.js'

export interface ElementPaths {
  /** The contained Patient: `Immunization.contained[1]`. */
  patient: string
  /** The NHS number's value. */
  nhsNumber: string
  /** The dose number with its type. */
  doseNumber: string
}

/** Right for every Immunization, though without the index of the contained Patient. */
export const UNINDEXED_PATHS: ElementPaths = {
  patient: 'Immunization.contained',
  nhsNumber: 'Immunization.contained.identifier.value',
  doseNumber: 'Immunization.protocolApplied[0].doseNumber'
}

export function readElementPaths(resource: Immunization): ElementPaths {
  const patient = findPatient(resource)
  const patientPath =
    patient === undefined
      ? 'Immunization.patient'
      : `Immunization.contained[${resource.contained?.indexOf(patient) ?? 0}]`
  const index = (patient?.identifier ?? []).findIndex(isNhsNumberIdentifier)
  const isText = resource.protocolApplied?.[0]?.doseNumberString !== undefined
  return {
    patient: patientPath,
    nhsNumber: index >= 0 ? `${patientPath}.identifier[${index}].value` : 'Immunization.patient.identifier.value',
    doseNumber: `Immunization.protocolApplied[0].doseNumber.ofType(${isText ? 'string' : 'positiveInt'})`
  }
}

function isNhsNumberIdentifier(identifier: Identifier): boolean {
  return identifier.system === NHS_NUMBER_SYSTEM
}

// Patient, Practitioner and Organizations of a GP document, as CareConnect STU3 resources.
// Source: nhsconnect/ITK-FHIR-Digital-Medicines and the CareConnect profiles, checked 2026-11-22.
import type { Identifier, Immunization, Patient } from 'fhir/r4.js'
import { NHS_NUMBER_SYSTEM, ODS_CODE_SYSTEM } from '../../fhir/identifier-systems.js'
import { findPerformer } from '../nhs/outbound-people.js'
import type { XmlElement } from './fhir-xml.js'
import { toAddress, toIdentifier, toName } from './stu3-types.js'

const CARE_CONNECT = 'https://fhir.hl7.org.uk/STU3/StructureDefinition'
const VERIFICATION_URL = `${CARE_CONNECT}/Extension-CareConnect-NHSNumberVerificationStatus-1`
const VERIFICATION_SYSTEM = 'https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1'
const NOT_TRACED = { code: '02', display: 'Number present but not traced' }

export type Stu3Resource = XmlElement & { resourceType: string; id: string }

export function toStu3Patient(patient: Patient, nhsNumber: Identifier | undefined, id: string): Stu3Resource {
  return {
    resourceType: 'Patient',
    id,
    meta: { profile: `${CARE_CONNECT}/CareConnect-Patient-1` },
    identifier:
      nhsNumber === undefined
        ? undefined
        : { extension: toVerification(nhsNumber), system: NHS_NUMBER_SYSTEM, value: nhsNumber.value },
    name: patient.name?.map(toName),
    gender: patient.gender,
    birthDate: patient.birthDate,
    address: patient.address?.map(toAddress)
  }
}

// UK Core (R4) and CareConnect (STU3) number the verification states alike, 01 to 08. Unsaid means not traced.
function toVerification(nhsNumber: Identifier): XmlElement {
  const stated = nhsNumber.extension
    ?.flatMap((extension) => extension.valueCodeableConcept?.coding ?? [])
    .find(({ code }) => /^0[1-8]$/.test(code ?? ''))
  const { code, display } = stated ?? NOT_TRACED
  return { url: VERIFICATION_URL, valueCodeableConcept: { coding: { system: VERIFICATION_SYSTEM, code, display } } }
}

/**
 * Who gave the vaccine and stands for the document. STU3 wants a Practitioner as its author: where the record names
 * none, one says so.
 */
export function toStu3Practitioner(resource: Immunization, id: string): Stu3Resource {
  const contained = findPerformer(resource)
  const named = resource.performer?.find(({ actor }) => actor.type === 'Practitioner')?.actor
  return {
    resourceType: 'Practitioner',
    id,
    meta: { profile: `${CARE_CONNECT}/CareConnect-Practitioner-1` },
    identifier: (contained?.identifier ?? [named?.identifier]).map(toIdentifier),
    name: contained?.name?.map(toName) ?? { text: named?.display ?? 'Not recorded' }
  }
}

export function toStu3Organization(
  organization: { ods?: string | undefined; name?: string | undefined },
  id: string
): Stu3Resource {
  const { ods, name } = organization
  return {
    resourceType: 'Organization',
    id,
    meta: { profile: `${CARE_CONNECT}/CareConnect-Organization-1` },
    identifier: ods === undefined ? undefined : { system: ODS_CODE_SYSTEM, value: ods },
    name
  }
}

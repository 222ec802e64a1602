// The two people an Immunization may carry to the NHS Immunisation FHIR API: its Patient and one Practitioner.
// Source: NHSDigital/immunisation-fhir-api @44be4c1, section 2.3 of reference/nhs-immunisation-fhir-api.md.
import type { Address, HumanName, Immunization, Patient, Practitioner } from 'fhir/r4.js'
import { findPatient } from '../../fhir/immunization.js'
import { NHS_NUMBER_SYSTEM } from '../../fhir/identifier-systems.js'

const MAX_FAMILY = 35
const MAX_GIVEN = 180
const MAX_GIVEN_NAMES = 5
/** NHS pseudo postcode "address not known". */
const POSTCODE_NOT_KNOWN = 'ZZ99 3WZ'

export interface OutboundPeople {
  patient?: Patient & { id: string }
  practitioner?: Practitioner & { id: string }
  /** What had to be shortened, without saying what it was. */
  notes: string[]
}

/** Picks and trims both. The patient is missing when none is contained: the receiver then says so itself. */
export function toOutboundPeople(resource: Immunization): OutboundPeople {
  const notes: string[] = []
  const patient = findPatient(resource)
  const practitioner = findPerformer(resource)
  const patientId = patient?.id ?? 'patient'
  return {
    ...(patient === undefined ? {} : { patient: toPatient(resource, patient, patientId, notes) }),
    ...(practitioner === undefined ? {} : { practitioner: toPractitioner(practitioner, patientId) }),
    notes
  }
}

/** The contained Practitioner that a performer points at; the first of them, as the API takes one. */
export function findPerformer(resource: Immunization): Practitioner | undefined {
  const contained = resource.contained ?? []
  for (const { actor } of resource.performer ?? []) {
    const found = contained.find(
      (entry): entry is Practitioner =>
        entry.resourceType === 'Practitioner' && actor.reference === `#${entry.id ?? ''}`
    )
    if (found !== undefined) return found
  }
  return undefined
}

function toPatient(resource: Immunization, patient: Patient, id: string, notes: string[]): Patient & { id: string } {
  const nhsNumber = [...(patient.identifier ?? []), resource.patient.identifier].find(
    (identifier) => identifier?.system === NHS_NUMBER_SYSTEM && identifier.value !== undefined
  )?.value
  return {
    resourceType: 'Patient',
    id,
    // Only the NHS number is an identifier the API knows; extensions inside it are refused.
    ...(nhsNumber === undefined ? {} : { identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }] }),
    ...(patient.name === undefined ? {} : { name: patient.name.map((name) => shortenName(name, notes)) }),
    gender: patient.gender ?? 'unknown',
    ...(patient.birthDate === undefined ? {} : { birthDate: patient.birthDate }),
    address: withPostcode(patient.address ?? [])
  }
}

function toPractitioner(practitioner: Practitioner, patientId: string): Practitioner & { id: string } {
  const id = practitioner.id ?? 'practitioner'
  return {
    resourceType: 'Practitioner',
    id: id === patientId ? `${id}-practitioner` : id,
    ...(practitioner.name === undefined ? {} : { name: practitioner.name })
  }
}

function shortenName(name: HumanName, notes: string[]): HumanName {
  const shortened: HumanName = { ...name }
  if (name.family !== undefined) shortened.family = cut(name.family, MAX_FAMILY, 'the family name', notes)
  if (name.given !== undefined) {
    const given = name.given.filter((part) => part.trim() !== '')
    if (given.length > MAX_GIVEN_NAMES) notes.push(`only the first ${MAX_GIVEN_NAMES} given names were sent`)
    shortened.given = given.slice(0, MAX_GIVEN_NAMES).map((part) => cut(part, MAX_GIVEN, 'a given name', notes))
  }
  return shortened
}

// Counted in code points, as the receiver (Python) counts, so that no letter is cut in half.
function cut(text: string, longest: number, what: string, notes: string[]): string {
  const letters = Array.from(text.trim())
  if (letters.length <= longest) return text.trim()
  notes.push(`${what} was cut to ${longest} characters`)
  return letters.slice(0, longest).join('').trim()
}

function withPostcode(addresses: readonly Address[]): Address[] {
  if (addresses.some((address) => (address.postalCode ?? '').trim() !== '')) return [...addresses]
  const [first, ...others] = addresses
  return [{ ...first, postalCode: POSTCODE_NOT_KNOWN }, ...others]
}

// The validation rules of the NHS Immunisation FHIR API that a sender can break, with the API's own texts.
// Source: NHSDigital/immunisation-fhir-api @44be4c1, section 2 of reference/nhs-immunisation-fhir-api.md.
import type { FhirResource, Immunization, Patient, Practitioner } from 'fhir/r4.js'
import { isFullDate, parseFhirDateTime } from '../fhir/dates.js'
import { NHS_NUMBER_SYSTEM, SNOMED_SYSTEM, VACCINATION_PROCEDURE_URL } from '../fhir/identifier-systems.js'
import { isNhsNumber } from '../fhir/nhs-number.js'
import { findVaccineType } from '../fhir/vaccine-types.js'

const ALLOWED: Record<string, ReadonlySet<string>> = {
  Immunization: new Set(
    (
      'resourceType meta contained id extension identifier status vaccineCode patient occurrenceDateTime recorded ' +
      'primarySource manufacturer location lotNumber expirationDate site route doseQuantity performer reasonCode ' +
      'protocolApplied'
    ).split(' ')
  ),
  Patient: new Set('resourceType id identifier name gender birthDate address'.split(' ')),
  Practitioner: new Set('resourceType id name'.split(' '))
}
const OCCURRENCE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,6})?\+0[01]:?00)?$/
const RECORDED = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2}))?$/
const PATIENT = "contained[?(@.resourceType=='Patient')]"

/** The faults, in the API's words; empty when it would take the Immunization. */
export function checkNhsImmunization(resource: Immunization, now: Date): string[] {
  return [
    ...notAllowed(resource),
    ...checkContained(resource),
    ...checkIdentity(resource),
    ...checkDates(resource, now),
    ...checkWhere(resource),
    ...checkProtocol(resource)
  ]
}

/** The vaccine type from the exact set of target diseases; the API knows no record without one. */
export function vaccineTypeOf(resource: Immunization): string | undefined {
  return findVaccineType(diseaseCodes(resource))
}

function notAllowed(resource: FhirResource): string[] {
  const allowed = ALLOWED[resource.resourceType] ?? new Set()
  return Object.keys(resource)
    .filter((key) => !allowed.has(key))
    .map((key) => `${key} is not an allowed element of the ${resource.resourceType} resource for this service`)
}

function checkContained(resource: Immunization): string[] {
  const contained = resource.contained ?? []
  if (contained.length === 0) return ['contained is a mandatory field']
  const patients = contained.filter((entry): entry is Patient => entry.resourceType === 'Patient')
  const practitioners = contained.filter((entry): entry is Practitioner => entry.resourceType === 'Practitioner')
  const [patient] = patients
  if (patient === undefined || patients.length > 1) return ['contained must contain exactly one Patient resource']
  const faults = contained.flatMap((entry) => notAllowed(entry as FhirResource))
  if (practitioners.length > 1) faults.push('contained must contain a maximum of one Practitioner resource')
  if (patients.length + practitioners.length < contained.length)
    faults.push('contained must contain only Patient and Practitioner resources')
  if (resource.patient.reference !== `#${patient.id ?? ''}`)
    faults.push('patient.reference must be a single reference to a contained Patient resource')
  const internal = (resource.performer ?? []).flatMap(({ actor }) => actor.reference ?? [])
  const expected = practitioners.map(({ id }) => `#${id ?? ''}`)
  if (internal.join() !== expected.join())
    faults.push('performer must not contain any internal references other than to the contained Practitioner resource')
  return [...faults, ...checkPatient(patient)]
}

function checkPatient(patient: Patient): string[] {
  const faults: string[] = []
  const [name] = patient.name ?? []
  const [identifier] = patient.identifier ?? []
  if (patient.identifier !== undefined && patient.identifier.length !== 1)
    faults.push(`${PATIENT}.identifier must be an array of length 1`)
  if (identifier?.system !== undefined && identifier.system !== NHS_NUMBER_SYSTEM)
    faults.push(`${PATIENT}.identifier[0].system must equal '${NHS_NUMBER_SYSTEM}'`)
  if (identifier?.system === NHS_NUMBER_SYSTEM && !isNhsNumber(identifier.value ?? ''))
    faults.push(`${PATIENT}.identifier[?(@.system=='${NHS_NUMBER_SYSTEM}')].value is not a valid NHS number`)
  if (name?.given === undefined) faults.push(`${PATIENT}.name[0].given is a mandatory field`)
  if ((name?.given ?? []).length > 5) faults.push(`${PATIENT}.name[0].given must be an array of maximum length 5`)
  for (const [index, given] of (name?.given ?? []).entries()) {
    if (Array.from(given).length > 180)
      faults.push(`${PATIENT}.name[0].given[${index}] must be 180 or fewer characters`)
  }
  if (name?.family === undefined) faults.push(`${PATIENT}.name[0].family is a mandatory field`)
  if (Array.from(name?.family ?? '').length > 35)
    faults.push(`${PATIENT}.name[0].family must be 35 or fewer characters`)
  if (!isFullDate(patient.birthDate ?? ''))
    faults.push(`${PATIENT}.birthDate must be a valid date string in the format "YYYY-MM-DD"`)
  if (patient.gender === undefined) faults.push(`${PATIENT}.gender is a mandatory field`)
  if (!(patient.address ?? []).some(({ postalCode }) => (postalCode ?? '').trim() !== ''))
    faults.push(`${PATIENT}.address[0].postalCode is a mandatory field`)
  return faults
}

function checkIdentity(resource: Immunization): string[] {
  const faults: string[] = []
  const [identifier] = resource.identifier ?? []
  if (resource.identifier?.length !== 1) faults.push('identifier must be an array of length 1')
  if ((identifier?.system ?? '').trim() === '') faults.push('identifier[0].system is a mandatory field')
  if ((identifier?.value ?? '').trim() === '') faults.push('identifier[0].value is a mandatory field')
  if (resource.status !== 'completed') faults.push('status must be one of the following: completed')
  if (resource.extension?.length !== 1) faults.push('extension must be an array of length 1')
  const [extension] = resource.extension ?? []
  if (extension?.url !== VACCINATION_PROCEDURE_URL)
    faults.push(`extension[0].url must be one of the following: ${VACCINATION_PROCEDURE_URL}`)
  const procedure = extension?.valueCodeableConcept?.coding?.find(({ system }) => system === SNOMED_SYSTEM)
  if (procedure?.code === undefined)
    faults.push(
      "extension[0].valueCodeableConcept.coding[?(@.system=='http://snomed.info/sct')].code is a mandatory field"
    )
  if (typeof resource.primarySource !== 'boolean') faults.push('primarySource is a mandatory field')
  return faults
}

function checkDates(resource: Immunization, now: Date): string[] {
  const faults: string[] = []
  const occurrence = resource.occurrenceDateTime ?? ''
  if (!OCCURRENCE.test(occurrence) || isFuture(occurrence, now))
    faults.push('occurrenceDateTime must be a valid datetime in one of the following formats')
  if (resource.recorded === undefined) faults.push('recorded is a mandatory field')
  else if (!RECORDED.test(resource.recorded) || isFuture(resource.recorded, now))
    faults.push('recorded must be a valid datetime in one of the following formats')
  if (resource.expirationDate !== undefined && !isFullDate(resource.expirationDate))
    faults.push('expirationDate must be a valid date string in the format "YYYY-MM-DD"')
  return faults
}

function isFuture(text: string, now: Date): boolean {
  const parsed = parseFhirDateTime(text)
  return parsed === undefined || parsed.from.getTime() > now.getTime()
}

function checkWhere(resource: Immunization): string[] {
  const faults: string[] = []
  const { system, value } = resource.location?.identifier ?? {}
  if (value === undefined) faults.push('location.identifier.value is a mandatory field')
  if (system === undefined) faults.push('location.identifier.system is a mandatory field')
  const organizations = (resource.performer ?? []).filter(({ actor }) => actor.type === 'Organization')
  if (organizations.length !== 1)
    faults.push("There must be exactly one performer.actor[?@.type=='Organization'] with type 'Organization'")
  if (organizations[0]?.actor.identifier?.value === undefined)
    faults.push("performer[?(@.actor.type=='Organization')].actor.identifier.value is a mandatory field")
  for (const part of ['site', 'route'] as const) {
    const systems = (resource[part]?.coding ?? []).flatMap((coding) => coding.system ?? [])
    for (const repeated of systems.filter((name, index) => systems.indexOf(name) < index))
      faults.push(`${part}.coding[?(@.system=='${repeated}')] must be unique`)
  }
  return faults
}

function checkProtocol(resource: Immunization): string[] {
  const [protocol] = resource.protocolApplied ?? []
  if (protocol === undefined || resource.protocolApplied?.length !== 1)
    return ['protocolApplied must be an array of length 1']
  const faults: string[] = []
  const { doseNumberPositiveInt: number, doseNumberString: text } = protocol
  if ((number === undefined) === (text === undefined))
    faults.push('Expect any of field value from this list: doseNumber')
  if (number !== undefined && (!Number.isInteger(number) || number < 1 || number > 9))
    faults.push('protocolApplied[0].doseNumberPositiveInt must be an integer in the range 1 to 9')
  if (vaccineTypeOf(resource) === undefined) {
    const codes = diseaseCodes(resource).map((code) => `'${code}'`)
    faults.push(
      `protocolApplied[0].targetDisease[*].coding[?(@.system=='http://snomed.info/sct')].code - [${codes.join(', ')}] ` +
        'is not a valid combination of disease codes for this service'
    )
  }
  return faults
}

function diseaseCodes(resource: Immunization): string[] {
  return (resource.protocolApplied?.[0]?.targetDisease ?? []).flatMap(({ coding }) =>
    (coding ?? []).flatMap(({ system, code }) => (system === SNOMED_SYSTEM && code !== undefined ? [code] : []))
  )
}

// What the rules read from an Immunization, taken once after validation.
import type { CodeableConcept, Identifier, Immunization, ImmunizationPerformer, Patient, Reference } from 'fhir/r4.js'
import { parseFhirDateTime } from './dates.js'
import {
  ACT_REASON_SYSTEM,
  NHS_NUMBER_SYSTEM,
  NHS_NUMBER_VERIFICATION_URL,
  NULL_FLAVOR_SYSTEM,
  ODS_CODE_SYSTEM,
  SNOMED_SYSTEM,
  VACCINATION_PROCEDURE_URL
} from './identifier-systems.js'
import { findVaccineType, type VaccineType } from './vaccine-types.js'

/** The facts of one Immunization that programme rules, deduplication, storage and destinations work on. */
export interface ImmunizationFacts {
  identifier: { system: string; value: string }
  status: 'completed' | 'entered-in-error' | 'not-done'
  /** As sent: ten digits whose check digit the rules have checked; undefined when the sender does not know it. */
  nhsNumber?: string
  /** False when the sender's verification status says that the number was not traced; a sender that is silent vouches for it. */
  isNhsNumberVerified: boolean
  /** Labelled as test health data: about nobody. */
  isTest?: true
  birthDate?: string
  deceasedDate?: string
  familyName?: string
  postcode?: string
  /** SNOMED CT codes of protocolApplied.targetDisease: sorted, each once. */
  targetDiseases: string[]
  vaccineType?: VaccineType
  /** SNOMED CT codes of the vaccination procedure extension. */
  procedureCodes: string[]
  /** SNOMED CT (dm+d) code of vaccineCode; undefined when absent or a null flavour. */
  productCode?: string
  /** Where there is no productCode: `system|code` of the first other code that says something. */
  foreignProduct?: string
  /** occurrenceDateTime as sent. */
  occurrence: string
  /** Calendar day in Europe/London, YYYY-MM-DD. */
  occurrenceDay: string
  /** First instant that the occurrence stands for. */
  occurrenceFrom: Date
  occurrencePrecision: 'year' | 'month' | 'day' | 'time'
  recorded?: string
  primarySource: boolean
  isSubpotent: boolean
  lotNumber?: string
  expirationDate?: string
  siteCode?: string
  routeCode?: string
  doseQuantity?: { value: number; unit?: string; code?: string; system?: string }
  /** doseNumberPositiveInt, or doseNumberString when it is a bare number. */
  doseNumber?: number
  /** ODS code of the performing organisation, upper case. */
  performerOds?: string
  /** ODS code of the location, upper case. */
  locationOds?: string
}

/**
 * Reads the facts. Every element must have its right type, but any may be absent: then text facts are empty and dates
 * invalid, and the rules that need them cannot tell.
 */
export function readImmunizationFacts(resource: Immunization): ImmunizationFacts {
  const patient = findPatient(resource)
  const nhsNumber = findNhsNumber(resource, patient)
  const occurrence = resource.occurrenceDateTime ?? ''
  const parsed = parseFhirDateTime(occurrence)
  const targetDiseases = readTargetDiseases(resource)
  const address = patient?.address?.find((entry) => entry.postalCode !== undefined)
  const protocol = resource.protocolApplied?.[0]
  const productCode = snomedCodes(resource.vaccineCode)[0]
  return dropUndefined({
    identifier: {
      system: resource.identifier?.[0]?.system ?? '',
      value: resource.identifier?.[0]?.value ?? ''
    },
    status: resource.status,
    nhsNumber: nhsNumber?.value,
    isNhsNumberVerified: nhsNumber?.value !== undefined && isVerified(nhsNumber),
    isTest: isTestData(resource) || undefined,
    birthDate: patient?.birthDate,
    deceasedDate: patient?.deceasedDateTime,
    familyName: (patient?.name?.find((name) => name.use === 'official') ?? patient?.name?.[0])?.family,
    postcode: address?.postalCode,
    targetDiseases,
    vaccineType: findVaccineType(targetDiseases),
    procedureCodes: snomedCodes(
      resource.extension?.find((extension) => extension.url === VACCINATION_PROCEDURE_URL)?.valueCodeableConcept
    ),
    productCode,
    foreignProduct: productCode === undefined ? foreignCode(resource.vaccineCode) : undefined,
    occurrence,
    occurrenceDay: parsed?.londonDay ?? '',
    occurrenceFrom: parsed?.from ?? new Date(Number.NaN),
    occurrencePrecision: parsed?.precision ?? 'day',
    recorded: resource.recorded,
    primarySource: resource.primarySource === true,
    isSubpotent: resource.isSubpotent === true,
    lotNumber: resource.lotNumber,
    expirationDate: resource.expirationDate,
    siteCode: snomedCodes(resource.site)[0],
    routeCode: snomedCodes(resource.route)[0],
    doseQuantity: readQuantity(resource),
    doseNumber: readDoseNumber(protocol?.doseNumberPositiveInt, protocol?.doseNumberString),
    performerOds: readPerformerOds(resource),
    locationOds: odsCode(resource.location)
  })
}

/** The contained Patient that `patient.reference` points at, or the only contained Patient. */
export function findPatient(resource: Immunization): Patient | undefined {
  const patients = (resource.contained ?? []).filter(
    (contained): contained is Patient => contained.resourceType === 'Patient'
  )
  const reference = subjectOf(resource)?.reference
  return (
    patients.find((patient) => reference === `#${patient.id ?? ''}`) ??
    (reference === undefined ? patients[0] : undefined)
  )
}

// Required by FHIR, absent where the sound part of a faulty resource is read.
function subjectOf(resource: Partial<Immunization>): Reference | undefined {
  return resource.patient
}

function findNhsNumber(resource: Immunization, patient: Patient | undefined): Identifier | undefined {
  const subject = subjectOf(resource)
  const identifiers = [...(patient?.identifier ?? []), ...(subject?.identifier ? [subject.identifier] : [])]
  return identifiers.find((identifier) => identifier.system === NHS_NUMBER_SYSTEM)
}

function isVerified(nhsNumber: Identifier): boolean {
  const status = nhsNumber.extension?.find((extension) => extension.url === NHS_NUMBER_VERIFICATION_URL)
  const code = status?.valueCodeableConcept?.coding?.[0]?.code
  return code === undefined || code === '01' || code === 'number-present-and-verified'
}

// Source: http://hl7.org/fhir/R4/security-labels.html, "Test Health Data".
function isTestData(resource: Immunization): boolean {
  const labels = resource.meta?.security ?? []
  return labels.some(({ system, code }) => system === ACT_REASON_SYSTEM && code === 'HTEST')
}

function readTargetDiseases(resource: Immunization): string[] {
  const concepts = (resource.protocolApplied ?? []).flatMap((protocol) => protocol.targetDisease ?? [])
  return [...new Set(concepts.flatMap((concept) => snomedCodes(concept)))].sort()
}

function snomedCodes(concept: CodeableConcept | undefined): string[] {
  return (concept?.coding ?? []).flatMap((coding) =>
    coding.system === SNOMED_SYSTEM && coding.code !== undefined ? [coding.code] : []
  )
}

// A null flavour (NAVU, UNK …) says that the product is not known.
function foreignCode(concept: CodeableConcept | undefined): string | undefined {
  const coding = concept?.coding?.find(({ system, code }) => code !== undefined && system !== NULL_FLAVOR_SYSTEM)
  return coding?.system === undefined ? undefined : `${coding.system}|${coding.code ?? ''}`
}

function readQuantity(resource: Immunization): ImmunizationFacts['doseQuantity'] {
  const quantity = resource.doseQuantity
  if (quantity?.value === undefined) return undefined
  return dropUndefined({ value: quantity.value, unit: quantity.unit, code: quantity.code, system: quantity.system })
}

function readDoseNumber(positiveInt: number | undefined, text: string | undefined): number | undefined {
  if (positiveInt !== undefined) return positiveInt
  return text !== undefined && /^\s*\d{1,2}\s*$/.test(text) ? Number(text) : undefined
}

function readPerformerOds(resource: Immunization): string | undefined {
  const performers: Partial<ImmunizationPerformer>[] = resource.performer ?? []
  const actors = performers.flatMap(({ actor }) => actor ?? [])
  return odsCode(actors.find((actor) => actor.type === 'Organization')) ?? actors.map(odsCode).find((code) => code)
}

function odsCode(reference: Reference | undefined): string | undefined {
  const identifier = reference?.identifier
  return identifier?.system === ODS_CODE_SYSTEM ? identifier.value?.toUpperCase() : undefined
}

type WithoutUndefined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

function dropUndefined<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as WithoutUndefined<T>
}

// A generator of valid Immunizations for tests, benchmarks and the demo: the same number gives the same record.
import type { Immunization, Patient } from 'fhir/r4.js'
import { daysBetween, startOfLondonDay } from '../../src/fhir/dates.js'
import {
  NHS_NUMBER_SYSTEM,
  NULL_FLAVOR_SYSTEM,
  ODS_CODE_SYSTEM,
  SNOMED_SYSTEM,
  VACCINATION_PROCEDURE_URL
} from '../../src/fhir/identifier-systems.js'
import { checkDigit } from '../../src/fhir/nhs-number.js'
import { VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'
import { LIFE_STAGES, SYNTHETIC_VACCINES, type LifeStage, type SyntheticVaccine } from './synthetic-vaccines.js'

export interface SyntheticPatient {
  nhsNumber: string
  family: string
  given: string
  gender: 'female' | 'male'
  birthDate: string
  postcode: string
}

export interface SyntheticSupplier {
  /** identifier.system of its records. */
  system: string
  ods: string
  /** `copy`: what a practice knows of a vaccination given elsewhere (midnight, no product, no batch). */
  habit: 'full' | 'copy'
}

export const SYNTHETIC_SUPPLIERS: readonly SyntheticSupplier[] = [
  { system: 'https://marlowe-pharmacy.example/identifiers/vacc', ods: 'FZZ01', habit: 'full' },
  { system: 'https://playground-immunisations.example/vaccination-records', ods: 'ZZ9SA', habit: 'full' },
  { system: 'https://harbour-gp.example/ODSCode_Z99901/event', ods: 'Z99901', habit: 'copy' },
  { system: 'https://lantern-maternity.example/ODSCode_ZZT01/identifiers/vacc', ods: 'ZZT01', habit: 'full' }
]

export interface SyntheticChoice {
  /** From 0. Decides patient, day and everything else that was not chosen. */
  n: number
  /** Default: the types in turn. */
  vaccineType?: VaccineType
  /** Default: patient `n` of the group that gets this vaccine. */
  patient?: SyntheticPatient
  /** Default: the first supplier. Another supplier with the same `n` reports the same event. */
  supplier?: SyntheticSupplier
}

const TYPES = Object.keys(VACCINE_TYPES) as VaccineType[]
const STAGES = Object.keys(LIFE_STAGES) as LifeStage[]
const FAMILIES = [
  'Ashdown',
  'Birch',
  'Coombe',
  'Dunmore',
  'Elderfield',
  'Fenwick',
  'Garth',
  'Holloway',
  'Inglis',
  'Kestrel'
]
const GIVEN = ['Ada', 'Bram', 'Clio', 'Dion', 'Esme', 'Felix', 'Greta', 'Hal', 'Ines', 'Jude', 'Kit', 'Lena']

/** A valid UK Core Immunization of a synthetic patient; its identifier is unique per supplier and `n`. */
export function syntheticImmunization({ n, vaccineType, patient, supplier }: SyntheticChoice): Immunization {
  const type = vaccineType ?? TYPES[n % TYPES.length]!
  const vaccine = SYNTHETIC_VACCINES[type]
  const { system, ods, habit } = supplier ?? SYNTHETIC_SUPPLIERS[0]!
  const person = patient ?? syntheticPatient(n, vaccine.stage)
  const random = createRandom(n)
  const day = vaccinationDay(vaccine, person, random)
  const time = `${pad(9 + Math.floor(random() * 9))}:${pad(Math.floor(random() * 60))}:00`
  const isCopy = habit === 'copy'
  const occurrence = `${day}T${isCopy ? '00:00:00' : time}${londonOffset(day)}`
  return {
    resourceType: 'Immunization',
    contained: [containedPatient(person)],
    extension: [{ url: VACCINATION_PROCEDURE_URL, valueCodeableConcept: snomed(vaccine.procedure) }],
    identifier: [{ system, value: `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` }],
    status: 'completed',
    vaccineCode: isCopy ? { coding: [{ system: NULL_FLAVOR_SYSTEM, code: 'UNK' }] } : snomed(vaccine.product),
    patient: { reference: '#patient' },
    occurrenceDateTime: occurrence,
    recorded: occurrence,
    primarySource: !isCopy,
    location: { identifier: { system: ODS_CODE_SYSTEM, value: isCopy ? 'X99999' : ods } },
    ...(isCopy ? {} : doseDetails(vaccine, random)),
    performer: [{ actor: { type: 'Organization', identifier: { system: ODS_CODE_SYSTEM, value: ods } } }],
    protocolApplied: [
      {
        targetDisease: VACCINE_TYPES[type].map(snomed),
        ...(isCopy ? { doseNumberString: 'Dose sequence not recorded' } : { doseNumberPositiveInt: vaccine.doseNumber })
      }
    ]
  }
}

/** Patient `index` of a group. Up to 110,000 patients a group; groups share nobody. */
export function syntheticPatient(index: number, stage: LifeStage = 'older'): SyntheticPatient {
  const number = index * STAGES.length + STAGES.indexOf(stage)
  const random = createRandom(number + 1_000_003)
  const { from, to } = LIFE_STAGES[stage]
  return {
    nhsNumber: syntheticNhsNumber(number),
    family: FAMILIES[Math.floor(random() * FAMILIES.length)]!,
    given: GIVEN[Math.floor(random() * GIVEN.length)]!,
    gender: stage === 'mother' || random() < 0.5 ? 'female' : 'male',
    birthDate: addDays(from, Math.floor(random() * (daysBetween(from, to) + 1))),
    postcode: `ZZ${1 + Math.floor(random() * 9)} ${Math.floor(random() * 10)}AA`
  }
}

/** NHS number `index` (0 to 799,999) of the 999 test range, each another; larger ones begin again. */
export function syntheticNhsNumber(index: number): string {
  const stem = `999${String(index % 100_000).padStart(5, '0')}`
  // Of the ten last digits at least eight give a number that can be issued: which of them is the rest of the index.
  let skip = Math.floor(index / 100_000) % 8
  for (let digit = 0; digit <= 9; digit++) {
    const check = checkDigit(`${stem}${digit}`)
    if (check !== undefined && skip-- === 0) return `${stem}${digit}${check}`
  }
  throw new Error(`no NHS number begins with ${stem}`)
}

function doseDetails(vaccine: SyntheticVaccine, random: () => number): Partial<Immunization> {
  return {
    lotNumber: `L${Math.floor(random() * 9000 + 1000)}${'ABCDEFGH'[Math.floor(random() * 8)]!}`,
    expirationDate: '2027-12-31',
    ...(vaccine.site === undefined ? {} : { site: snomed(vaccine.site) }),
    route: snomed(vaccine.route),
    doseQuantity: { value: vaccine.doseMl, unit: 'ml', system: 'http://unitsofmeasure.org', code: 'ml' }
  }
}

function containedPatient(person: SyntheticPatient): Patient {
  return {
    resourceType: 'Patient',
    id: 'patient',
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: person.nhsNumber }],
    name: [{ family: person.family, given: [person.given] }],
    gender: person.gender,
    birthDate: person.birthDate,
    address: [{ postalCode: person.postcode }]
  }
}

function vaccinationDay(
  { days: [from, to] }: SyntheticVaccine,
  person: SyntheticPatient,
  random: () => number
): string {
  const first = typeof from === 'string' ? from : addDays(person.birthDate, from)
  const last = typeof to === 'string' ? to : addDays(person.birthDate, to)
  return addDays(first, Math.floor(random() * (daysBetween(first, last) + 1)))
}

function snomed(code: string): { coding: { system: string; code: string }[] } {
  return { coding: [{ system: SNOMED_SYSTEM, code }] }
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

function londonOffset(day: string): string {
  return startOfLondonDay(day).toISOString().startsWith(day) ? '+00:00' : '+01:00'
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}

// mulberry32, a small public-domain generator: good enough to scatter days and names, the same on every machine.
export function createRandom(seed: number): () => number {
  let state = (seed + 0x9e3779b9) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

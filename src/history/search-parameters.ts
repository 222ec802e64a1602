// The search parameters of Immunization that the Hub serves: one table for planning, /metadata and error texts.
import { NHS_NUMBER_SYSTEM, ODS_CODE_SYSTEM, SNOMED_SYSTEM } from '../fhir/identifier-systems.js'
import { VACCINE_TYPES } from '../fhir/vaccine-types.js'
import type { OptionalElement } from '../storage/record-filter.js'
import {
  demandCoding,
  demandDate,
  demandIdentified,
  demandIdentifier,
  demandLotNumber,
  demandNhsNumber,
  demandPatient,
  demandProfile,
  demandRecordId,
  demandReference,
  demandStatus,
  demandVaccineType,
  type Demand,
  type DemandContext,
  type Modifier
} from './search-demand.js'
import { DATE_PREFIXES } from './search-value.js'

export interface SearchParameter {
  name: string
  type: 'token' | 'date' | 'reference' | 'string' | 'uri'
  /** Canonical URL of the FHIR R4 definition. */
  definition?: string
  documentation: string
  modifiers: readonly Modifier[]
  /** What `:missing` looks at; undefined for what every record has. */
  element?: OptionalElement
  /** Alternatives as sent, escapes included. Gives a sentence about what is wrong; never repeats the value. */
  demand(alternatives: readonly string[], context: DemandContext): Demand | string
}

const R4 = 'http://hl7.org/fhir/SearchParameter'
const DAYS = `Prefixes ${DATE_PREFIXES.join(', ')}; a year, month, day, minute or second. Days are those of the United Kingdom.`

export const SEARCH_PARAMETERS: readonly SearchParameter[] = [
  {
    name: 'patient.identifier',
    type: 'token',
    documentation: `History of one patient: ${NHS_NUMBER_SYSTEM}|{NHS number}. One value.`,
    modifiers: [],
    demand: demandNhsNumber
  },
  {
    name: 'patient',
    type: 'reference',
    definition: `${R4}/clinical-patient`,
    documentation:
      'History of one patient: the id of the Patient that _include=Immunization:patient shows. The Hub keeps no ' +
      'Patients, so other ids find nothing. :identifier takes an NHS number, as patient.identifier does.',
    modifiers: ['identifier', 'missing'],
    demand: demandPatient
  },
  {
    name: 'identifier',
    type: 'token',
    definition: `${R4}/clinical-identifier`,
    documentation: "The supplier's own identifier: {system}|{value}; without a patient, both parts.",
    modifiers: ['not', 'missing'],
    demand: demandIdentifier
  },
  {
    name: '_id',
    type: 'token',
    definition: `${R4}/Resource-id`,
    documentation: 'Logical id.',
    modifiers: ['not', 'missing'],
    demand: demandRecordId
  },
  {
    name: 'date',
    type: 'date',
    definition: `${R4}/clinical-date`,
    documentation: `When it was given. ${DAYS}`,
    modifiers: ['missing'],
    demand: demandDate('occurrence')
  },
  {
    name: 'status',
    type: 'token',
    definition: `${R4}/Immunization-status`,
    documentation: 'completed, entered-in-error or not-done.',
    modifiers: ['not', 'missing'],
    demand: demandStatus
  },
  {
    name: 'vaccine-code',
    type: 'token',
    definition: `${R4}/Immunization-vaccine-code`,
    documentation: `Product: ${SNOMED_SYSTEM}|{code}.`,
    modifiers: ['not', 'missing'],
    demand: demandCoding('vaccineCode')
  },
  {
    name: 'target-disease',
    type: 'token',
    definition: `${R4}/Immunization-target-disease`,
    documentation: `Disease the dose is given against: ${SNOMED_SYSTEM}|{code}.`,
    modifiers: ['not', 'missing'],
    demand: demandCoding('targetDisease')
  },
  {
    name: '-hub.vaccine-type',
    type: 'token',
    documentation: `NHS vaccine type, of this service alone: ${Object.keys(VACCINE_TYPES).join(', ')}.`,
    modifiers: ['not', 'missing'],
    demand: demandVaccineType
  },
  {
    name: 'lot-number',
    type: 'string',
    definition: `${R4}/Immunization-lot-number`,
    documentation: 'How the batch number begins, in either case; :contains for any part, :exact for all of it.',
    modifiers: ['exact', 'contains', 'missing'],
    element: 'lotNumber',
    demand: demandLotNumber
  },
  {
    name: 'location',
    type: 'reference',
    definition: `${R4}/Immunization-location`,
    documentation: `Where it was given: a reference as sent, or with :identifier an ODS code, ${ODS_CODE_SYSTEM}|{code}.`,
    modifiers: ['identifier', 'missing'],
    element: 'location',
    demand: demandReference('location', ['Location'])
  },
  {
    name: 'location.identifier',
    type: 'token',
    documentation: 'The same as location:identifier.',
    modifiers: [],
    demand: demandIdentified('location')
  },
  {
    name: 'performer',
    type: 'reference',
    definition: `${R4}/Immunization-performer`,
    documentation: `Who gave it: a reference as sent, or with :identifier an ODS code, ${ODS_CODE_SYSTEM}|{code}.`,
    modifiers: ['identifier', 'missing'],
    element: 'performer',
    demand: demandReference('performer', ['Practitioner', 'PractitionerRole', 'Organization'])
  },
  {
    name: 'performer.identifier',
    type: 'token',
    documentation: 'The same as performer:identifier.',
    modifiers: [],
    demand: demandIdentified('performer')
  },
  {
    name: '_lastUpdated',
    type: 'date',
    definition: `${R4}/Resource-lastUpdated`,
    documentation: `When the current version was accepted. ${DAYS}`,
    modifiers: ['missing'],
    demand: demandDate('last-updated')
  },
  {
    name: '_profile',
    type: 'uri',
    definition: `${R4}/Resource-profile`,
    documentation: 'A profile that the sender claims in meta.profile; without a version, every version of it.',
    modifiers: ['missing'],
    element: 'profile',
    demand: demandProfile
  }
]

/** The documentation with the modifiers that are served. */
export function describeParameter({ documentation, modifiers }: SearchParameter): string {
  return modifiers.length === 0 ? documentation : `${documentation} Modifiers: ${namesOf(modifiers)}.`
}

export function namesOf(modifiers: readonly Modifier[]): string {
  return modifiers.map((modifier) => `:${modifier}`).join(', ')
}

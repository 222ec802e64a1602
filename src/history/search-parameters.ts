// The search parameters of Immunization that the Hub serves: one table for planning, /metadata and error texts.
import { NHS_NUMBER_SYSTEM, SNOMED_SYSTEM } from '../fhir/identifier-systems.js'
import { isNhsNumber } from '../fhir/nhs-number.js'
import type { CodingToken, DateRange, RecordFilter } from '../storage/history-query.js'
import { DATE_PREFIXES, parseDateRange, parseToken } from './search-value.js'

/** What a parameter demands: of the record, or (`patient`) whose records. A string says what is wrong with the value. */
export type Demand = RecordFilter | { kind: 'patient'; nhsNumber: string }

export interface SearchParameter {
  name: string
  type: 'token' | 'date'
  /** Canonical URL of the FHIR R4 definition. */
  definition?: string
  documentation: string
  /** Alternatives as sent, escapes included. Gives a sentence about what is wrong; never repeats the value. */
  demand(alternatives: readonly string[]): Demand | string
}

export const SEARCH_PARAMETERS: readonly SearchParameter[] = [
  {
    name: 'patient.identifier',
    type: 'token',
    documentation: `History of one patient: ${NHS_NUMBER_SYSTEM}|{NHS number}. One value.`,
    demand: demandPatient
  },
  {
    name: 'identifier',
    type: 'token',
    definition: 'http://hl7.org/fhir/SearchParameter/clinical-identifier',
    documentation: "The supplier's own identifier: {system}|{value}, both parts.",
    demand: demandIdentifier
  },
  {
    name: '_id',
    type: 'token',
    definition: 'http://hl7.org/fhir/SearchParameter/Resource-id',
    documentation: 'Logical id.',
    demand: (alternatives) => ({ kind: 'record-id', anyOf: alternatives.filter((id) => RECORD_ID.test(id)) })
  },
  {
    name: 'date',
    type: 'date',
    definition: 'http://hl7.org/fhir/SearchParameter/clinical-date',
    documentation: `When it was given; prefixes ${DATE_PREFIXES.join(', ')}. Days, months and years are those of the United Kingdom.`,
    demand: (alternatives) => demandDate('occurrence', alternatives)
  },
  {
    name: 'status',
    type: 'token',
    definition: 'http://hl7.org/fhir/SearchParameter/Immunization-status',
    documentation: 'completed, entered-in-error or not-done.',
    demand: demandStatus
  },
  {
    name: 'vaccine-code',
    type: 'token',
    definition: 'http://hl7.org/fhir/SearchParameter/Immunization-vaccine-code',
    documentation: `Product: ${SNOMED_SYSTEM}|{code}.`,
    demand: (alternatives) => demandCoding('vaccineCode', alternatives)
  },
  {
    name: 'target-disease',
    type: 'token',
    definition: 'http://hl7.org/fhir/SearchParameter/Immunization-target-disease',
    documentation: `Disease the dose is given against: ${SNOMED_SYSTEM}|{code}.`,
    demand: (alternatives) => demandCoding('targetDisease', alternatives)
  },
  {
    name: '_lastUpdated',
    type: 'date',
    definition: 'http://hl7.org/fhir/SearchParameter/Resource-lastUpdated',
    documentation: `When the current version was accepted; prefixes ${DATE_PREFIXES.join(', ')}.`,
    demand: (alternatives) => demandDate('last-updated', alternatives)
  }
]

/** A record id as the Hub makes them; anything else cannot be one. */
export const RECORD_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const STATUSES = ['completed', 'entered-in-error', 'not-done']
const STATUS_SYSTEM = 'http://hl7.org/fhir/event-status'

function demandPatient(alternatives: readonly string[]): Demand | string {
  if (alternatives.length > 1) return 'names more than one patient; search for one patient at a time'
  const { system, code } = parseToken(alternatives[0] ?? '')
  if (system !== NHS_NUMBER_SYSTEM) return `must have the form ${NHS_NUMBER_SYSTEM}|{NHS number}`
  if (!isNhsNumber(code)) return 'is not an NHS number: ten digits without spaces, the last one a check digit'
  return { kind: 'patient', nhsNumber: code }
}

function demandIdentifier(alternatives: readonly string[]): Demand | string {
  const wanted = alternatives.map(parseToken)
  if (wanted.some(({ system, code }) => system === undefined || system === '' || code === ''))
    return 'must have the form {system}|{value}, both parts'
  return { kind: 'identifier', anyOf: wanted.map(({ system = '', code }) => ({ system, value: code })) }
}

function demandStatus(alternatives: readonly string[]): Demand | string {
  const tokens = alternatives.map(parseToken)
  if (tokens.some(({ system, code }) => (system ?? STATUS_SYSTEM) !== STATUS_SYSTEM || !STATUSES.includes(code)))
    return `must be one of ${STATUSES.join(', ')}`
  return { kind: 'status', anyOf: tokens.map(({ code }) => code) }
}

function demandCoding(element: 'vaccineCode' | 'targetDisease', alternatives: readonly string[]): Demand | string {
  const tokens = alternatives.map(parseToken)
  if (tokens.some(({ system = '', code }) => system === '' && code === ''))
    return 'must have the form {system}|{code}, {code}, |{code} or {system}|'
  return { kind: 'coding', element, anyOf: tokens.map(toCodingToken) }
}

function toCodingToken({ system, code }: { system?: string; code: string }): CodingToken {
  return {
    ...(system === undefined ? {} : { system: system === '' ? null : system }),
    ...(code === '' ? {} : { code })
  }
}

function demandDate(kind: 'occurrence' | 'last-updated', alternatives: readonly string[]): Demand | string {
  const ranges: DateRange[] = []
  for (const alternative of alternatives) {
    const range = parseDateRange(alternative)
    if (range === undefined)
      return (
        `must be a date such as 2026, 2026-10, 2026-10-01 or 2026-10-01T09:30:00%2B01:00 (a plus sign is written ` +
        `%2B in a URL), after one of the prefixes ${DATE_PREFIXES.join(', ')} or none`
      )
    ranges.push(range)
  }
  return { kind, anyOf: ranges }
}

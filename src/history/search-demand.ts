// Values of search parameters as demands on a record. Each function gives the demand, or a sentence about what is wrong
// with the values; that never repeats them.
import { NHS_NUMBER_SYSTEM } from '../fhir/identifier-systems.js'
import { isNhsNumber } from '../fhir/nhs-number.js'
import { isVaccineType, VACCINE_TYPES } from '../fhir/vaccine-types.js'
import type { CodeToken, DateRange, RecordFilter } from '../storage/record-filter.js'
import { DATE_PREFIXES, parseDateRange, parseToken, unescapeValue, type Token } from './search-value.js'

/** What a parameter demands: of the record, or (`patient`) whose records. */
export type Demand = RecordFilter | { kind: 'patient'; patient: { nhsNumber: string } | { patientKey: string } }

/** Served behind a colon. `missing` and `not` mean the same for every parameter that has them. */
export type Modifier = 'missing' | 'not' | 'identifier' | 'exact' | 'contains'

export interface DemandContext {
  /** Neither `missing` nor `not`: those are taken care of before. */
  modifier?: Modifier
  now: Date
  /** Absolute base of the service, without a slash at its end. */
  base: string
}

/** A record id as the Hub makes them; anything else cannot be one. */
export const RECORD_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Alternatives as sent, escapes included. */
type Alternatives = readonly string[]

const ONE_PATIENT = 'names more than one patient; search for one patient at a time'

export function demandNhsNumber(alternatives: Alternatives): Demand | string {
  if (alternatives.length > 1) return ONE_PATIENT
  const { system, code } = parseToken(alternatives[0] ?? '')
  if (system !== NHS_NUMBER_SYSTEM) return `must have the form ${NHS_NUMBER_SYSTEM}|{NHS number}`
  if (!isNhsNumber(code)) return 'is not an NHS number: ten digits without spaces, the last one a check digit'
  return { kind: 'patient', patient: { nhsNumber: code } }
}

/** No patient has this key. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

export function demandPatient(alternatives: Alternatives, { modifier, base }: DemandContext): Demand | string {
  if (modifier === 'identifier') return demandNhsNumber(alternatives)
  if (alternatives.length > 1) return ONE_PATIENT
  const id = referenceForms(alternatives[0] ?? '', ['Patient'], base)[0]?.replace(/^Patient\//, '') ?? ''
  return { kind: 'patient', patient: { patientKey: RECORD_ID.test(id) ? id : NOBODY } }
}

export function demandRecordId(alternatives: Alternatives): Demand {
  return { kind: 'record-id', anyOf: alternatives.filter((id) => RECORD_ID.test(id)) }
}

export function demandIdentifier(alternatives: Alternatives): Demand | string {
  const tokens = readTokens(alternatives)
  return typeof tokens === 'string' ? tokens : { kind: 'identifier', anyOf: tokens }
}

const STATUSES = ['completed', 'entered-in-error', 'not-done']
const STATUS_SYSTEM = 'http://hl7.org/fhir/event-status'

// A status has its system without saying so.
export function demandStatus(alternatives: Alternatives): Demand | string {
  const tokens = alternatives.map(parseToken)
  const isWhole = ({ system, code }: Token): boolean => system === STATUS_SYSTEM && code === ''
  if (tokens.some((token) => !STATUSES.includes(token.code) && !isWhole(token)))
    return `must be one of ${STATUSES.join(', ')}, alone or after ${STATUS_SYSTEM}|`
  const named = tokens.filter(({ system }) => (system ?? STATUS_SYSTEM) === STATUS_SYSTEM)
  return { kind: 'status', anyOf: named.flatMap((token) => (isWhole(token) ? STATUSES : [token.code])) }
}

export function demandVaccineType(alternatives: Alternatives): Demand | string {
  const types = alternatives.filter(isVaccineType)
  if (types.length < alternatives.length) return `must be one of ${Object.keys(VACCINE_TYPES).join(', ')}`
  return { kind: 'vaccine-type', anyOf: types }
}

export function demandCoding(element: 'vaccineCode' | 'targetDisease') {
  return (alternatives: Alternatives): Demand | string => {
    const tokens = readTokens(alternatives)
    return typeof tokens === 'string' ? tokens : { kind: 'coding', element, anyOf: tokens }
  }
}

export function demandIdentified(element: 'location' | 'performer') {
  return (alternatives: Alternatives): Demand | string => {
    const tokens = readTokens(alternatives)
    return typeof tokens === 'string' ? tokens : { kind: 'reference-identifier', element, anyOf: tokens }
  }
}

export function demandReference(element: 'location' | 'performer', types: readonly string[]) {
  const identified = demandIdentified(element)
  return (alternatives: Alternatives, { modifier, base }: DemandContext): Demand | string => {
    if (modifier === 'identifier') return identified(alternatives)
    return { kind: 'reference', element, anyOf: alternatives.flatMap((text) => referenceForms(text, types, base)) }
  }
}

export function demandLotNumber(alternatives: Alternatives, { modifier }: DemandContext): Demand {
  const match = modifier === 'exact' ? 'exact' : modifier === 'contains' ? 'part' : 'start'
  return { kind: 'lot-number', match, anyOf: alternatives.map(unescapeValue) }
}

export function demandProfile(alternatives: Alternatives): Demand {
  return { kind: 'profile', anyOf: alternatives.map(unescapeValue) }
}

export function demandDate(kind: 'occurrence' | 'last-updated') {
  return (alternatives: Alternatives, { now }: DemandContext): Demand | string => {
    const ranges: DateRange[] = []
    for (const alternative of alternatives) {
      const range = parseDateRange(alternative, now)
      if (range === undefined)
        return (
          `must be a date such as 2026, 2026-10, 2026-10-01 or 2026-10-01T09:30:00%2B01:00 (a plus sign is written ` +
          `%2B in a URL), after one of the prefixes ${DATE_PREFIXES.join(', ')} or none`
        )
      ranges.push(range)
    }
    return { kind, anyOf: ranges }
  }
}

function readTokens(alternatives: Alternatives): CodeToken[] | string {
  const tokens = alternatives.map(parseToken)
  if (tokens.some(({ system = '', code }) => system === '' && code === ''))
    return 'must have the form {system}|{code}, {code}, |{code} or {system}|'
  return tokens.map(({ system, code }) => ({
    ...(system === undefined ? {} : { system: system === '' ? null : system }),
    ...(code === '' ? {} : { code })
  }))
}

// 123, Location/123 and the absolute URL below our base mean the same.
function referenceForms(text: string, types: readonly string[], base: string): string[] {
  const reference = unescapeValue(text)
  const relative = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference
  const typed = /[/:#]/.test(relative) ? [relative] : types.map((type) => `${type}/${relative}`)
  return typed.flatMap((form) => (/^[A-Za-z]+\//.test(form) ? [form, `${base}/${form}`] : [form]))
}

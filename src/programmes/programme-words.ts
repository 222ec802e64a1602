// What a programme file says, in words for people: the parts that the schedule page and the comparison of files share.
import { describeAge, parseAge } from './age.js'
import { describePeriod } from './day-range.js'
import type { Certainty, Cohort, Criterion, ProgrammeCheck, ProgrammeDose, ProgrammePeriod } from './programme.js'

export const CERTAINTY_WORDS: Readonly<Record<Certainty, string>> = {
  H: 'high (H)',
  M: 'medium (M)',
  L: 'low (L)'
}

// SNOMED CT routes and sites of UK vaccination, reference section 3.2 (Manage vaccinations in schools).
const BODY_WORDS: Readonly<Record<string, string>> = {
  '78421000': 'intramuscular',
  '34206005': 'subcutaneous',
  '372464004': 'intradermal',
  '46713006': 'nasal',
  '26643006': 'oral',
  '368208006': 'left upper arm',
  '368209003': 'right upper arm',
  '61396006': 'left thigh',
  '11207009': 'right thigh',
  '723979003': 'left buttock',
  '723980000': 'right buttock',
  '279549004': 'nasal cavity'
}

/** A route or body site in words; a code that is not known here stays as it is. */
export function bodyWords(code: string): string {
  return BODY_WORDS[code] ?? code
}

/** `P3Y4M` as "3 years 4 months". */
export function ageWords(age: string): string {
  return describeAge(parseAge(age))
}

/** "2026-09-01 to 2027-03-31 (certainty medium (M))". */
export function periodWords(period: ProgrammePeriod): string {
  const { certainty } = period
  return certainty === undefined
    ? describePeriod(period)
    : `${describePeriod(period)}, certainty ${CERTAINTY_WORDS[certainty]}`
}

/** "65 years or over on 2027-03-31". */
export function criterionWords(criterion: Criterion): string {
  const { ageAtLeast, ageBelow, asOf, bornOnOrAfter, bornOnOrBefore, schoolYearFrom, schoolYearTo, flag } = criterion
  const ages = [
    ...(ageAtLeast === undefined ? [] : [`${ageWords(ageAtLeast)} or over`]),
    ...(ageBelow === undefined ? [] : [`under ${ageWords(ageBelow)}`])
  ].join(' and ')
  return [
    ...(ages === '' ? [] : [asOf === undefined ? ages : `${ages} on ${asOf}`]),
    ...(bornOnOrAfter === undefined ? [] : [`born on or after ${bornOnOrAfter}`]),
    ...(bornOnOrBefore === undefined ? [] : [`born on or before ${bornOnOrBefore}`]),
    ...(schoolYearFrom === undefined && schoolYearTo === undefined ? [] : [schoolWords(schoolYearFrom, schoolYearTo)]),
    ...(flag === undefined ? [] : [`${flag.toLowerCase().replaceAll('_', ' ')} (where it is known)`])
  ].join(' and ')
}

function schoolWords(from = 0, to = 13): string {
  return from === to ? yearWords(from) : `${yearWords(from)} to ${yearWords(to)}`
}

function yearWords(year: number): string {
  return year === 0 ? 'Reception' : `Year ${year}`
}

/** Who is meant, without the label: "9 years or over and under 25 years". Empty for everybody. */
export function criteriaWords({ all = [], any = [] }: Pick<Cohort, 'all' | 'any'>): string {
  const every = all.map(criterionWords)
  const some = any.map(criterionWords).join(' or ')
  return [...every, ...(some === '' ? [] : [any.length > 1 ? `one of: ${some}` : some])].join(', and ')
}

/** "dose 2 (cohort gbmsm)". */
export function doseName({ number, cohort }: Pick<ProgrammeDose, 'number' | 'cohort'>): string {
  return cohort === undefined ? `dose ${number}` : `dose ${number} of cohort "${cohort}"`
}

/** Settings of a check: "days 28, antigens 14189004 36989005". */
export function paramsWords(params: ProgrammeCheck['params']): string {
  return Object.entries(params ?? {})
    .map(([name, value]) => `${name} ${valueWords(value)}`)
    .join(', ')
}

/** A value of a file as a sentence says it. */
export function valueWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueWords).join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return JSON.stringify(value)
}

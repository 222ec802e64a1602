// A pair of records side by side for a reviewer: every field that was compared, what came of it, and which rules spoke.
import { compareEvents, type PairRule, type PairVerdict } from './compare-events.js'
import { compareFields, sharesAntigen, type FieldComparison } from './compare-fields.js'
import type { DedupRules } from './dedup-rules.js'
import type { EventFingerprint } from './fingerprint.js'

export interface ComparedField {
  /** Element of Immunization. */
  element: string
  /** As compared; null where it is absent. */
  a: string | null
  b: string | null
  /** `same`, `different`, `absent`, or in words what they are to each other. */
  mark: string
  /** What it adds to the score; undefined for what earns no points. */
  points?: number
}

export interface ReviewExplanation {
  /** What the rules in force say of the two, whatever a reviewer decided. */
  verdict: PairVerdict
  fields: ComparedField[]
  /** Rules that spoke: vetoes, caps, the deterministic rule, conflicts. */
  rules: { rule: string; meaning: string }[]
}

export function explainReview(a: EventFingerprint, b: EventFingerprint, rules: DedupRules): ReviewExplanation {
  const verdict = compareEvents(a, b, rules)
  return { verdict, fields: compareAll(a, b, rules, verdict), rules: rulesOf(verdict) }
}

function compareAll(
  a: EventFingerprint,
  b: EventFingerprint,
  rules: DedupRules,
  { features }: PairVerdict
): ComparedField[] {
  const fields = compareFields(a, b, rules)
  const row = (
    element: string,
    read: (side: EventFingerprint) => string | undefined,
    mark?: string,
    feature?: string
  ) => compareOne(element, [read(a), read(b)], mark, feature === undefined ? undefined : (features[feature] ?? 0))
  return [
    row('occurrence', dayOf, daysWords(fields), 'date'),
    ...(features['interval'] === undefined
      ? []
      : [row('interval', () => undefined, 'too early for another valid dose', 'interval')]),
    row('targetDisease', ({ antigens }) => antigens.join(' '), antigenWords(a, b, fields), 'antigen'),
    row('vaccineCode', ({ product }) => product.code, fields.product, 'product'),
    row('lotNumber', ({ lot }) => lot?.text, LOT_WORDS[fields.lot], 'lot'),
    row('doseNumber', ({ doseNumber }) => doseNumber?.toString(), fields.dose, 'dose'),
    row('performer', ({ organisation }) => organisation, fields.organisation, 'organisation'),
    row('primarySource', ({ primarySource }) => String(primarySource), SOURCE_WORDS[fields.source], 'source'),
    row('status', ({ status }) => status),
    row('identifier.system', ({ identifier }) => identifier.system),
    row('route', ({ routeCode }) => routeCode),
    row('site', ({ siteCode }) => siteCode),
    row('doseQuantity', ({ quantityMl }) => (quantityMl === undefined ? undefined : `${quantityMl} ml`))
  ]
}

function compareOne(
  element: string,
  [a, b]: readonly [string | undefined, string | undefined],
  mark: string | undefined,
  points: number | undefined
): ComparedField {
  const plain = a === undefined || b === undefined ? 'absent' : a === b ? 'same' : 'different'
  return { element, a: a ?? null, b: b ?? null, mark: mark ?? plain, ...(points === undefined ? {} : { points }) }
}

const LOT_WORDS: Record<FieldComparison['lot'], string> = {
  same: 'same',
  near: 'same but for letters taken for digits',
  typo: 'one keystroke apart',
  different: 'different',
  absent: 'absent'
}

const SOURCE_WORDS: Record<FieldComparison['source'], string> = {
  onePrimary: 'one primary, one not',
  bothPrimary: 'both primary',
  nonePrimary: 'neither primary'
}

function antigenWords(a: EventFingerprint, b: EventFingerprint, { antigens }: FieldComparison): string {
  if (!sharesAntigen(a, b)) return 'different'
  return antigens === 'equal' ? 'same' : antigens === 'subset' ? 'one holds the other' : 'some in common'
}

function daysWords({ days, exactDays }: FieldComparison): string {
  if (!exactDays) return 'not known to the day'
  return days === 0 ? 'same' : `${days} ${days === 1 ? 'day' : 'days'} apart`
}

function dayOf({ day, precision }: EventFingerprint): string {
  return precision === 'year' ? day.slice(0, 4) : precision === 'month' ? day.slice(0, 7) : day
}

function rulesOf({ rule, caps, conflicts }: PairVerdict): ReviewExplanation['rules'] {
  const spoke = new Set<PairRule>([rule, ...caps])
  return [
    ...[...spoke].map((id) => ({ rule: id, meaning: RULE_MEANINGS[id] })),
    ...conflicts.map((field) => ({
      rule: `conflict-${field}`,
      meaning: `Known in both and different: ${field}; never merged without a person`
    }))
  ]
}

/** What each rule of deduplication says: reference section 2.3, and the C rules of `caps.ts`. */
export const RULE_MEANINGS: Record<PairRule, string> = {
  V1: 'The patients differ, or one record is test data',
  V2: 'No disease in common',
  V3: 'One of them was not given, or was entered in error',
  V4: 'Too far apart in time to be one vaccination',
  V5: 'Other dose numbers on other days',
  V6: 'A reviewer has decided',
  V7: 'Both come from the same system, which itself says that they are two',
  V8: 'The NHS number of a patient was not traced',
  V9: 'May be a dose given in two halves',
  C1: 'Route, site or volume differ: two needles',
  C2: 'Vaccines of their own that only share diseases',
  C3: 'A date is not known to the day',
  C4: 'A product code is not listed, so nobody can say whether they fit',
  C5: 'The lots are one keystroke apart: a slip, or the next lot',
  C6: 'Two who each say they gave it, with nothing that shows it is one needle',
  C7: 'More similar records than may be compared',
  C8: 'Two organisations that each say they gave it; one lot goes to many places',
  C9: 'Two who each say they gave it, on two days',
  D1: 'Same day, diseases and lot',
  D2: 'Same day and diseases, one primary record and one that is not, nothing against it',
  D3: 'Same day, a part of a combination that another record names whole',
  D4: 'Same day, diseases and organisation, nothing against it',
  score: 'The sum of the points'
}

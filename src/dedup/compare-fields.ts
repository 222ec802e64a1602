// Field by field: what two fingerprints say about each other. An absent field is neither equal nor different.
import { daysBetween } from '../fhir/dates.js'
import { windowOf, type DedupRules, type EventWindow } from './dedup-rules.js'
import type { EventFingerprint, FingerprintProduct } from './fingerprint.js'
import { compareLots, type LotComparison } from './lot.js'

/** `unresolved`: two codes of which at least one is not listed, so nobody can say whether they fit together. */
export type ProductComparison = 'same' | 'compatible' | 'different' | 'unresolved' | 'absent'

export interface FieldComparison {
  window: EventWindow
  /** Days apart; between partial dates the fewest there can be. */
  days: number
  /** Both dates are known to the day. */
  exactDays: boolean
  antigens: 'equal' | 'subset' | 'overlap'
  product: ProductComparison
  lot: LotComparison
  dose: 'same' | 'different' | 'absent'
  organisation: 'same' | 'different' | 'absent'
  source: 'onePrimary' | 'nonePrimary' | 'bothPrimary'
  /** Known in both and different, in alphabetical order: any of `dose`, `lot`, `product`. */
  conflicts: string[]
}

/** Compares two fingerprints that share at least one antigen. Symmetric. */
export function compareFields(a: EventFingerprint, b: EventFingerprint, rules: DedupRules): FieldComparison {
  const product = compareProducts(a.product, b.product)
  const lot = compareLots(a.lot, b.lot, rules.lots)
  const dose = compareKnown(a.doseNumber, b.doseNumber)
  const conflicts = [
    ...(dose === 'different' ? ['dose'] : []),
    ...(lot === 'different' ? ['lot'] : []),
    ...(product === 'different' ? ['product'] : [])
  ]
  return {
    window: pairWindow(a, b, rules),
    days: daysApart(a, b),
    exactDays: a.day === a.lastDay && b.day === b.lastDay,
    antigens: compareAntigens(a.antigens, b.antigens),
    product,
    lot,
    dose,
    organisation: compareKnown(a.organisation, b.organisation),
    source: compareSources(a, b),
    conflicts
  }
}

/** Days between the nearest days of two records; 0 when they overlap. */
export function daysApart(
  a: Pick<EventFingerprint, 'day' | 'lastDay'>,
  b: Pick<EventFingerprint, 'day' | 'lastDay'>
): number {
  // Days written YYYY-MM-DD are in the order of their text.
  if (a.lastDay < b.day) return daysBetween(a.lastDay, b.day)
  if (b.lastDay < a.day) return daysBetween(b.lastDay, a.day)
  return 0
}

export function sharesAntigen(a: Pick<EventFingerprint, 'antigens'>, b: Pick<EventFingerprint, 'antigens'>): boolean {
  return a.antigens.some((code) => b.antigens.includes(code))
}

/** The wider window of the two vaccine types; once per season only where both are. */
export function pairWindow(
  a: Pick<EventFingerprint, 'vaccineType'>,
  b: Pick<EventFingerprint, 'vaccineType'>,
  rules: DedupRules
): EventWindow {
  const first = windowOf(a.vaccineType, rules)
  if (a.vaccineType === b.vaccineType) return first
  const second = windowOf(b.vaccineType, rules)
  return {
    windowDays: Math.max(first.windowDays, second.windowDays),
    oncePerSeason: first.oncePerSeason && second.oncePerSeason
  }
}

function compareAntigens(a: readonly string[], b: readonly string[]): FieldComparison['antigens'] {
  const shared = a.filter((code) => b.includes(code)).length
  if (shared === a.length && shared === b.length) return 'equal'
  return shared === a.length || shared === b.length ? 'subset' : 'overlap'
}

export function compareProducts(a: FingerprintProduct, b: FingerprintProduct): ProductComparison {
  if (a.code === undefined || b.code === undefined) return 'absent'
  // A group of vaccines in both says little more than the diseases: two brands fit it.
  if (a.code === b.code) return a.level === 'generic' ? 'compatible' : 'same'
  // Codes of two systems say nothing about each other.
  if (foreignSystemOf(a) !== foreignSystemOf(b)) return 'absent'
  if (a.ancestors.includes(b.code) || b.ancestors.includes(a.code)) return 'compatible'
  return a.level === 'unlisted' || b.level === 'unlisted' ? 'unresolved' : 'different'
}

function foreignSystemOf({ code, isForeign }: FingerprintProduct): string | undefined {
  return isForeign ? code?.slice(0, code.lastIndexOf('|')) : undefined
}

function compareKnown<T>(a: T | undefined, b: T | undefined): 'same' | 'different' | 'absent' {
  if (a === undefined || b === undefined) return 'absent'
  return a === b ? 'same' : 'different'
}

function compareSources(a: EventFingerprint, b: EventFingerprint): FieldComparison['source'] {
  if (a.primarySource !== b.primarySource) return 'onePrimary'
  return a.primarySource ? 'bothPrimary' : 'nonePrimary'
}

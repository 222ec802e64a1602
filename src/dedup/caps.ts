// What keeps a pair from being merged without a person, however well it agrees: the cap at review.
import { compareFields, sharesAntigen, type FieldComparison } from './compare-fields.js'
import type { DedupRules } from './dedup-rules.js'
import type { EventFingerprint } from './fingerprint.js'

/**
 * V7 both from the same system: it says itself that these are two events.
 * V8 the NHS number of either patient is not verified.
 * V9 a dose given in halves (nasal flu 0.1 + 0.1 ml).
 * The V rules are those of the deduplication reference, section 2.3. The C rules are ours, and only ever more careful:
 * C1 two needles: routes differ, or two primary records differ in site or volume (section 1.1, re-dose).
 * C2 vaccines of their own that only share diseases: 6-in-1 and 4-in-1, Hib/MenC and MenACWY (section 2.10).
 * C3 a partial date: the day is absent, and absent is never equal.
 * C4 two products of which one is not listed: nobody can say whether they fit together.
 * C5 lots one keystroke apart: a slip, or the next lot from the same box.
 * C6 two who each say they gave it, and neither lot nor organisation shows that they mean one needle (as E8).
 * C7 more candidates than the rules allow (set where the whole patient is in sight).
 * C8 two organisations that each say they gave it: national stock brings one lot to many places, so that the lot does not
 *    tell a second report from a second jab (section 1.7: given by different providers, most likely different). The
 *    same lot at the same minute does.
 * C9 two who each say they gave it, on two days: a date is a slip in a copy, but here each vouches for its own.
 */
export type Cap = 'V7' | 'V8' | 'V9' | 'C1' | 'C2' | 'C3' | 'C4' | 'C5' | 'C6' | 'C7' | 'C8' | 'C9'

/** Gaps in what is known; every other cap is evidence of a second jab. */
const GAPS: readonly Cap[] = ['V8', 'C3', 'C6']

export function findCaps(a: EventFingerprint, b: EventFingerprint, fields: FieldComparison, rules: DedupRules): Cap[] {
  const caps: Cap[] = []
  if (a.identifier.system === b.identifier.system) caps.push('V7')
  if (!a.nhsNumberVerified || !b.nhsNumberVerified) caps.push('V8')
  if (isSplitDose(a, b, fields, rules)) caps.push('V9')
  if (areTwoNeedles(a, b)) caps.push('C1')
  if (areOwnVaccines(a, b, fields, rules)) caps.push('C2')
  if (!fields.exactDays) caps.push('C3')
  if (fields.product === 'unresolved') caps.push('C4')
  if (isDoubtfulLot(fields, rules)) caps.push('C5')
  if (isTwoAccounts(fields)) caps.push('C6')
  if (areTwoGivers(a, b, fields)) caps.push('C8')
  if (fields.source === 'bothPrimary' && fields.days > 0) caps.push('C9')
  return caps
}

/**
 * Whether something speaks against two records being the same jab, beyond missing evidence. Symmetric.
 * Two records that both agree with a third may contradict each other: then only one of them can be that jab.
 * Takes any two records: components of one combination share no antigen, yet come from one lot.
 */
export function contradict(a: EventFingerprint, b: EventFingerprint, rules: DedupRules): boolean {
  const fields = compareFields(a, b, rules)
  if (!sharesAntigen(a, b))
    return fields.lot === 'different' || isDoubtfulLot(fields, rules) || fields.source === 'bothPrimary'
  return fields.conflicts.length > 0 || findCaps(a, b, fields, rules).some((cap) => !GAPS.includes(cap))
}

// One half with the same lot, or two halves whose lots do not differ; the volume of a full dose is that of the product.
function isSplitDose(a: EventFingerprint, b: EventFingerprint, fields: FieldComparison, rules: DedupRules): boolean {
  if (fields.days !== 0) return false
  const [fullA, fullB] = [fullDoseOf(a, rules), fullDoseOf(b, rules)]
  const halfA = isHalf(a.quantityMl, fullA ?? fullB)
  const halfB = isHalf(b.quantityMl, fullB ?? fullA)
  return fields.lot === 'different' ? false : (halfA && halfB) || ((halfA || halfB) && fields.lot !== 'absent')
}

// Without a product the vaccine and its route may still tell the volume: all nasal flu vaccines are 0.2 ml.
function fullDoseOf({ product, vaccineType, routeCode }: EventFingerprint, rules: DedupRules): number | undefined {
  const byRoute = rules.fullDoses?.find((dose) => dose.vaccineType === vaccineType && dose.routeCode === routeCode)
  return product.doseMl ?? byRoute?.ml
}

function isHalf(quantityMl: number | undefined, fullMl: number | undefined): boolean {
  return quantityMl !== undefined && fullMl !== undefined && Math.abs(quantityMl * 2 - fullMl) < 0.001
}

function areTwoNeedles(a: EventFingerprint, b: EventFingerprint): boolean {
  if (differ(a.routeCode, b.routeCode)) return true
  return a.primarySource && b.primarySource && (differ(a.siteCode, b.siteCode) || differ(a.quantityMl, b.quantityMl))
}

function areOwnVaccines(a: EventFingerprint, b: EventFingerprint, fields: FieldComparison, rules: DedupRules): boolean {
  if (fields.antigens === 'equal') return false
  if (fields.antigens === 'overlap') return true
  return rules.neverComponents.some(
    ({ component, combination }) =>
      (a.vaccineType === component && b.vaccineType === combination) ||
      (b.vaccineType === component && a.vaccineType === combination)
  )
}

function isDoubtfulLot(fields: FieldComparison, rules: DedupRules): boolean {
  return fields.lot === 'typo' && !rules.lots.typoMayMerge
}

function isTwoAccounts(fields: FieldComparison): boolean {
  return (
    fields.source === 'bothPrimary' &&
    fields.organisation !== 'same' &&
    (fields.lot === 'absent' || fields.lot === 'different')
  )
}

function areTwoGivers(a: EventFingerprint, b: EventFingerprint, fields: FieldComparison): boolean {
  if (fields.source !== 'bothPrimary' || fields.organisation !== 'different') return false
  const isOneMoment = a.minute !== undefined && a.minute === b.minute
  return !(isOneMoment && (fields.lot === 'same' || fields.lot === 'near'))
}

function differ<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b
}

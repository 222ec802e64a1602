// D1 to D4 of the deduplication reference, section 2.3: agreements that need no points. The first that holds counts.
import type { FieldComparison } from './compare-fields.js'
import type { DeterministicRule } from './dedup-rules.js'
import type { EventFingerprint } from './fingerprint.js'

/** All ask for the same day, known to the day in both records, and for no lot that is known and different. */
export function findDeterministicRule(
  a: EventFingerprint,
  b: EventFingerprint,
  fields: FieldComparison
): DeterministicRule | undefined {
  if (fields.days !== 0 || !fields.exactDays || fields.lot === 'different') return undefined
  if (fields.antigens === 'equal' && fields.conflicts.length === 0) {
    if (fields.lot === 'same') return 'D1'
    if (fields.source === 'onePrimary') return 'D2'
    if (fields.organisation === 'same') return 'D4'
  }
  return isComponentOfPrimary(a, b, fields) ? 'D3' : undefined
}

// A dose number of the component counts its own series (hepatitis B dose 2 in the first 6-in-1): no conflict here.
function isComponentOfPrimary(a: EventFingerprint, b: EventFingerprint, fields: FieldComparison): boolean {
  if (fields.antigens !== 'subset') return false
  const [component, combination] = a.antigens.length < b.antigens.length ? [a, b] : [b, a]
  if (!combination.primarySource || component.primarySource) return false
  return component.product.level === 'absent' || fields.product === 'same' || fields.product === 'compatible'
}

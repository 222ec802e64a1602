// From which record of an event a field of the composed view is taken, and where two records only seem to differ:
// deduplication reference, section 2.9. A view to read: a blended record has no owner, so nobody is sent one.
import { compareProducts } from './compare-fields.js'
import type { EventFingerprint } from './fingerprint.js'
import { compareForAnchor, type EventRecord } from './survivor.js'

/** The survivor first, then by standing: whom a field is taken from when nothing else speaks. */
export function orderForComposing<Member extends EventRecord>(
  members: readonly Member[],
  survivorId: string | undefined
): Member[] {
  return [...members].sort(
    (a, b) => Number(b.recordId === survivorId) - Number(a.recordId === survivorId) || compareForAnchor(a, b)
  )
}

/**
 * Of the records that have an element, in order, the one it is shown from. `base`: the first record of all. `lot`: the
 * record that the lot number is shown from; an expiry date of another lot is none of this one, so there may be nobody.
 */
export function chooseGiver<Member extends EventRecord>(
  element: string,
  givers: readonly Member[],
  base: Member,
  lot?: Member
): Member | undefined {
  const said = base.fingerprint
  const first = givers[0]
  switch (element) {
    case 'lotNumber':
      return givers.find(({ fingerprint }) => fingerprint.lot !== undefined) ?? first
    case 'expirationDate':
      return lot?.fingerprint.lot === undefined
        ? first
        : givers.find(({ fingerprint }) => fingerprint.lot?.text === lot.fingerprint.lot?.text)
    case 'vaccineCode':
      return givers.reduce((best, giver) => (isMoreSpecific(giver, best) ? giver : best), base)
    case 'occurrence':
      // A time of day, where the record that counts has the day alone.
      return said.precision === 'day'
        ? (givers.find(({ fingerprint: { precision, day } }) => precision === 'time' && day === said.day) ?? first)
        : first
    case 'protocolApplied':
      return (
        givers.find(({ fingerprint }) => fingerprint.doseNumber !== undefined && sameAntigens(fingerprint, said)) ??
        first
      )
    default:
      return first
  }
}

/** Whether two records say the same of an element in other words; undefined where only the values can tell. */
export function agreesOn(element: string, a: EventFingerprint, b: EventFingerprint): boolean | undefined {
  switch (element) {
    case 'lotNumber':
      return a.lot === undefined || b.lot === undefined ? undefined : a.lot.text === b.lot.text
    case 'vaccineCode': {
      const product = compareProducts(a.product, b.product)
      return product === 'unresolved' ? undefined : product !== 'different'
    }
    case 'occurrence':
      if (a.precision === 'time' && b.precision === 'time') return a.minute === b.minute
      return a.day === b.day && a.lastDay === b.lastDay
    case 'protocolApplied':
      return sameAntigens(a, b) && (a.doseNumber === undefined || b.doseNumber === undefined) ? true : undefined
    default:
      return undefined
  }
}

function isMoreSpecific({ fingerprint: { product } }: EventRecord, than: EventRecord): boolean {
  const best = than.fingerprint.product
  return best.code === undefined ? product.code !== undefined : product.ancestors.includes(best.code)
}

function sameAntigens(a: EventFingerprint, b: EventFingerprint): boolean {
  return a.antigens.length === b.antigens.length && a.antigens.every((code) => b.antigens.includes(code))
}

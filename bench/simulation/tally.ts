// The counts of a simulation: all that is kept of a life.
import type { Report } from './reports.js'
import type { Rivals } from './lives.js'
import type { Slip } from './slips.js'

export type Finding = 'merged' | 'reviewed' | 'missed'
export type Verdict = 'apart' | 'reviewed' | 'merged'
export type DuplicateKind = Slip | 'no error'

export interface Tally {
  patients: number
  records: number
  needles: number
  /** Pairs of records in one event group that tell, or do not tell, of one needle. */
  mergedRightly: number
  mergedWrongly: number
  /** Pairs put before a person. */
  reviewedRightly: number
  reviewedNeedlessly: number
  /** Vaccinations that were reported, yet no record that stands for an event tells of them. */
  lostNeedles: number
  /** Every record after the first of a needle, by each of its errors. */
  duplicates: Map<DuplicateKind, Record<Finding, number>>
  all: Record<Finding, number>
  rivals: Map<Rivals['kind'], Record<Verdict, number>>
  /** The first wrong merges. */
  examples: [Report, Report][]
  countDuplicate(slips: readonly Slip[], finding: Finding): void
  countRivals(kind: Rivals['kind'], verdict: Verdict): void
  keepExample(a: Report, b: Report): void
}

export function createTally(): Tally {
  const tally: Tally = {
    patients: 0,
    records: 0,
    needles: 0,
    mergedRightly: 0,
    mergedWrongly: 0,
    reviewedRightly: 0,
    reviewedNeedlessly: 0,
    lostNeedles: 0,
    duplicates: new Map(),
    all: { merged: 0, reviewed: 0, missed: 0 },
    rivals: new Map(),
    examples: [],
    countDuplicate(slips, finding) {
      tally.all[finding]++
      const kinds: DuplicateKind[] = slips.length === 0 ? ['no error'] : [...new Set(slips)]
      for (const kind of kinds) {
        const counts = tally.duplicates.get(kind) ?? { merged: 0, reviewed: 0, missed: 0 }
        counts[finding]++
        tally.duplicates.set(kind, counts)
      }
    },
    countRivals(kind, verdict) {
      const counts = tally.rivals.get(kind) ?? { apart: 0, reviewed: 0, merged: 0 }
      counts[verdict]++
      tally.rivals.set(kind, counts)
    },
    keepExample(a, b) {
      if (tally.examples.length < 20) tally.examples.push([a, b])
    }
  }
  return tally
}

export interface Rates {
  /** Of the pairs merged, those that tell of one needle. */
  mergePrecision: number
  reviewPrecision: number
  /** Of the duplicate records, those merged with another record of the needle. */
  mergeRecall: number
  /** Merged, or put before a person. */
  foundRecall: number
}

export function ratesOf(tally: Tally): Rates {
  const { merged, reviewed, missed } = tally.all
  const all = merged + reviewed + missed
  return {
    mergePrecision: tally.mergedRightly / (tally.mergedRightly + tally.mergedWrongly),
    reviewPrecision: tally.reviewedRightly / (tally.reviewedRightly + tally.reviewedNeedlessly),
    mergeRecall: merged / all,
    foundRecall: (merged + reviewed) / all
  }
}

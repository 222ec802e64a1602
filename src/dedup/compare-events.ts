// The verdict on one pair: vetoes, then deterministic rules, then points. Deduplication reference, sections 2.3 and 2.4.
import { findCaps, type Cap } from './caps.js'
import { compareFields, sharesAntigen, type FieldComparison } from './compare-fields.js'
import type { DedupRules, DeterministicRule } from './dedup-rules.js'
import { findDeterministicRule } from './deterministic-rules.js'
import type { EventFingerprint } from './fingerprint.js'
import { scoreFields, type Features } from './score.js'

export type PairOutcome = 'same' | 'possible' | 'distinct'

/**
 * What decided. V1 other patients (test data is about nobody), V2 no shared antigen, V3 not completed, V4 outside the window, V5 other dose numbers
 * on other days, V6 a reviewer; a cap (V7 to V9, C1 to C9) that made a review out of a merge; D1 to D4; else the score.
 */
export type PairRule = 'V1' | 'V2' | 'V3' | 'V4' | 'V5' | 'V6' | Cap | DeterministicRule | 'score'

/** `possible`: a person should look; both records stay. Plain JSON. */
export interface PairVerdict {
  outcome: PairOutcome
  rule: PairRule
  /** The number of the deterministic rule that merged, else the sum of the points; 0 after V1 to V5. */
  score: number
  features: Features
  /** Known in both and different: any of `dose`, `lot`, `product`. */
  conflicts: string[]
  caps: Cap[]
  rulesVersion: string
}

/**
 * Compares two records of one patient. Symmetric; knows nothing of deleted records or of other patients.
 * `decision` is what a reviewer said of this pair: it stands above windows, dose numbers, caps and points, so that it
 * outlives new weights, but cannot join what shares no antigen or was not given, or test data to real.
 */
export function compareEvents(
  a: EventFingerprint,
  b: EventFingerprint,
  rules: DedupRules,
  decision?: 'same' | 'distinct'
): PairVerdict {
  if (a.isTest !== b.isTest) return vetoed('V1', rules)
  if (!sharesAntigen(a, b)) return vetoed('V2', rules)
  if (a.status !== 'completed' || b.status !== 'completed') return vetoed('V3', rules)
  const fields = compareFields(a, b, rules)
  if (decision === undefined) {
    if (fields.days > fields.window.windowDays) return vetoed('V4', rules)
    if (fields.dose === 'different' && fields.days > rules.outcomes.doseNumbersApartDays) return vetoed('V5', rules)
  }
  const { score, features } = scoreFields(fields, rules.points)
  const caps = findCaps(a, b, fields, rules)
  const { conflicts } = fields
  // Filled in below: this runs for every pair, and copies of objects cost more than the comparison.
  const verdict: PairVerdict = {
    outcome: 'distinct',
    rule: 'score',
    score,
    features,
    conflicts,
    caps,
    rulesVersion: rules.version
  }
  if (decision !== undefined) return settle(verdict, decision, 'V6')

  const deterministic = findDeterministicRule(a, b, fields)
  const mergeable = deterministic !== undefined || mayMergeByScore(score, fields, rules)
  const firstCap = caps[0]
  if (mergeable && firstCap !== undefined) return settle(verdict, 'possible', firstCap)
  if (deterministic !== undefined) {
    verdict.score = rules.deterministic[deterministic]
    return settle(verdict, 'same', deterministic)
  }
  if (mergeable) return settle(verdict, 'same', 'score')
  return settle(verdict, score >= rules.outcomes.possible ? 'possible' : 'distinct', 'score')
}

function settle(verdict: PairVerdict, outcome: PairOutcome, decidedBy: PairRule): PairVerdict {
  verdict.outcome = outcome
  verdict.rule = decidedBy
  return verdict
}

function mayMergeByScore(score: number, fields: FieldComparison, rules: DedupRules): boolean {
  return score >= rules.outcomes.same && fields.days <= rules.outcomes.sameMaximumDays && fields.conflicts.length === 0
}

/** Distinct without a look at the points. */
export function vetoed(rule: 'V1' | 'V2' | 'V3' | 'V4' | 'V5', rules: DedupRules): PairVerdict {
  return { outcome: 'distinct', rule, score: 0, features: {}, conflicts: [], caps: [], rulesVersion: rules.version }
}

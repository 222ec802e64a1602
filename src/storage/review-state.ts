// Where a case stands with its reviewers. One expression for everything that lists or serves them.

/**
 * `open`: a person is asked. `merged`: the rules say that it is one vaccination, nobody was asked. `decided`: by a
 * reviewer. `outdated`: decided, and still in force, but what was compared was corrected since. `wrong-patient`: decided
 * so, and the record, or both of a pair, are still with the patient.
 */
export const REVIEW_STATES = ['open', 'outdated', 'wrong-patient', 'decided', 'merged'] as const
export type ReviewState = (typeof REVIEW_STATES)[number]

/**
 * What a person is asked: whether two records are one vaccination, be both ours or one held elsewhere, or whether one is
 * filed under the wrong patient.
 */
export type ReviewKind = 'pair' | 'elsewhere' | 'patient'

/** Joins of `pair` (review_case) that {@link REVIEW_STATE} reads. */
export const REVIEW_JOINS = `
  join record side_a on side_a.record_id = pair.record_a
  left join record side_b on side_b.record_id = pair.record_b
  left join fingerprint print_a on print_a.record_id = pair.record_a
  left join fingerprint print_b on print_b.record_id = pair.record_b
  left join review_decision review on review.task_id = pair.task_id and review.undone_at is null`

// A deleted record, or one that has left the patient, leaves nothing to decide.
export const REVIEW_STATE = `case
         when pair.decided_by = 'system' then case pair.outcome when 'possible' then 'open' else 'merged' end
         when side_a.deleted or side_b.deleted or side_a.patient_key <> coalesce(side_b.patient_key, pair.patient_key)
           then 'decided'
         when review.choice = 'wrong-patient' then 'wrong-patient'
         when pair.kind = 'patient' then 'decided'
         when review.compared_a <> compared_features(print_a.features)
           or review.compared_b <> compared_features(coalesce(print_b.features, pair.elsewhere_features))
           then 'outdated'
         else 'decided'
       end`

// What a person is asked about records, or has decided on.
import type { PairDecision } from './decision-store.js'
import type { ResourceRow, ResourceSource } from './resource-query.js'
import { REVIEW_JOINS, REVIEW_STATE, type ReviewKind, type ReviewState } from './review-state.js'
import type { ReviewChoice } from './review-store.js'

/** A side is known to the one who looks when it is theirs, of the organisation of theirs, or when they are staff. */
export interface ReviewSide {
  recordId: string
  known: boolean
}

export interface ReviewRow extends ResourceRow {
  kind: ReviewKind
  first: ReviewSide
  /** Null where the question is about one record. */
  second: ReviewSide | null
  /** The patient that a refused submission named. */
  proposedKey: string | null
  /** The record that a register holds from others. */
  elsewhere: { source: string; system: string; value: string } | null
  openedAt: Date
  decidedAt: Date
  /** `system` while it is open. */
  decidedBy: string
  outcome: PairDecision['outcome']
  state: ReviewState
  /** Undefined or null while it is open. */
  choice?: ReviewChoice | null
  rule: string
  score: number
  features: Record<string, number>
  rulesVersion: string
}

const SAME_ORGANISATION = `print_a.features ->> 'organisation' = print_b.features ->> 'organisation'`

export const REVIEW_SOURCE: ResourceSource = {
  columns: `pair.revision as version, pair.kind, pair.proposed_key as "proposedKey",
       case when pair.source is not null
         then json_build_object(
                'source', pair.source, 'system', pair.identifier_system, 'value', pair.identifier_value
              )
       end as elsewhere,
       json_build_object('recordId', pair.record_a, 'known', mine.a or mine.b and mine.together) as first,
       case when pair.record_b is not null
         then json_build_object('recordId', pair.record_b, 'known', mine.b or mine.a and mine.together)
       end as second,
       pair.opened_at as "openedAt", pair.decided_at as "decidedAt", pair.decided_by as "decidedBy", pair.outcome,
       ${REVIEW_STATE} as state, review.choice,
       pair.rule, pair.score, pair.features, pair.rules_version as "rulesVersion"`,
  from: (bind, { client, vaccineTypes, ops }) => {
    const who = bind(client)
    const types = bind(vaccineTypes)
    const staff = `${bind(ops)}::boolean`
    return `
  from review_case pair ${REVIEW_JOINS}
 cross join lateral (
         select ${staff} or pair.kind = 'pair' and side_a.owner = ${who} and side_a.vaccine_type = any (${types}) as a,
                ${staff} or coalesce(side_b.owner = ${who} and side_b.vaccine_type = any (${types}), false) as b,
                coalesce(
                  ${SAME_ORGANISATION}
                    and side_a.vaccine_type = any (${types}) and side_b.vaccine_type = any (${types}),
                  false
                ) as together
       ) mine`
  },
  visible: () => [`(pair.outcome = 'possible' or pair.decided_by <> 'system')`, '(mine.a or mine.b)'],
  id: 'pair.task_id::text',
  lastUpdated: 'pair.decided_at',
  patientKey: 'pair.patient_key',
  conditions: {
    _id: (bind, ids) => `pair.task_id = any (${bind(ids)}::uuid[])`,
    status: (bind, statuses) =>
      `case ${REVIEW_STATE} when 'open' then 'requested' when 'wrong-patient' then 'in-progress' else 'completed' end
             = any (${bind(statuses)})`,
    focus(bind, ids) {
      const records = `${bind(ids)}::uuid[]`
      return `(pair.record_a = any (${records}) and (mine.a or mine.together)
             or pair.record_b = any (${records}) and (mine.b or mine.together))`
    }
  },
  instants: { _lastUpdated: 'pair.decided_at', 'authored-on': 'pair.opened_at' }
}

// Cases as reviewers look at them, and what they decided: pairs of records, and records that may be another patient's.
import type { EventFingerprint } from '../dedup/fingerprint.js'
import type { MemberRole } from '../dedup/survivor.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { PairDecision } from './decision-store.js'
import { REVIEW_JOINS, REVIEW_STATE, type ReviewKind, type ReviewState } from './review-state.js'
import type { Sql } from './sql.js'

/** What may be decided, by the kind of case. */
export const REVIEW_CHOICES = {
  pair: ['same', 'distinct', 'wrong-patient'],
  elsewhere: ['same', 'distinct'],
  patient: ['wrong-patient', 'right-patient']
} as const satisfies Record<ReviewKind, readonly string[]>
export type ReviewChoice = (typeof REVIEW_CHOICES)[ReviewKind][number]

export interface ReviewPair extends Omit<PairDecision, 'decidedAt' | 'recordB'> {
  kind: ReviewKind
  /** Null where the question is about one record. */
  recordB: string | null
  /** The patient that a refused submission named, and the request that did; null in a pair. */
  proposedKey: string | null
  requestId: string | null
  /** Register that holds the other record, and what that says; null where both are ours, or it is gone from there. */
  source: string | null
  elsewhere: EventFingerprint | null
  /** Id of its Task. */
  pairId: string
  state: ReviewState
  /** When the question was first raised. */
  openedAt: Date
}

export interface ReviewDecision {
  decisionId: string
  recordA: string
  recordB: string | null
  choice: ReviewChoice
  reason: string
  decidedBy: string
  decidedAt: Date
  /** Of the weights that asked; `none` where the question came from a refused submission. */
  rulesVersion: string
  undoneAt: Date | null
  undoneBy: string | null
  undoneReason: string | null
}

/** A record of a case, as it is now. */
export interface ReviewSide {
  recordId: string
  version: number
  deleted: boolean
  /** Client that sends it. */
  supplier: string
  lastUpdated: Date
  groupId: string | null
  role: MemberRole | null
  fingerprint: EventFingerprint | null
}

export type NewDecision = Omit<ReviewDecision, 'recordA' | 'recordB' | 'undoneAt' | 'undoneBy' | 'undoneReason'>

/** One line of the list. */
export interface ReviewLine {
  pairId: string
  kind: ReviewKind
  /** Register that holds the other record. */
  source: string | null
  state: ReviewState
  openedAt: Date
  /** Of the two records, the later one first. */
  vaccineTypes: VaccineType[]
  suppliers: string[]
  recordIds: string[]
  rule: string
  score: number
  /** Place in the list, for the next page. */
  place: string
}

export interface ReviewFilter {
  states: readonly ReviewState[]
  /** Of either record. */
  vaccineType?: VaccineType
  supplier?: string
  recordId?: string
}

export interface ReviewCount {
  state: ReviewState
  /** Of the later record. */
  vaccineType: VaccineType
  count: number
}

export interface ReviewStore {
  findPair(pairId: string): Promise<ReviewPair | undefined>
  /** The records of a case, the earlier one first. */
  findSides(pair: Pick<ReviewPair, 'recordA' | 'recordB'>): Promise<ReviewSide[]>
  /** Of one case, oldest first, undone ones too. */
  listDecisions(pairId: string): Promise<ReviewDecision[]>
  /** With the id of the pair: null once it was undone and nothing speaks for the pair any more. */
  findDecision(decisionId: string): Promise<(ReviewDecision & { pairId: string | null }) | undefined>
  /** What the records say now is kept with it. */
  insert(pairId: string, decision: NewDecision): Promise<void>
  /** False when it was undone already. */
  undo(decisionId: string, undone: { at: Date; by: string; reason: string }): Promise<boolean>
  count(filter: ReviewFilter): Promise<ReviewCount[]>
  /** The one raised first first, those after `place`. */
  list(filter: ReviewFilter, page: { after?: string; limit: number }): Promise<ReviewLine[]>
}

export function createReviewStore(sql: Sql): ReviewStore {
  return {
    async findPair(pairId) {
      const { rows } = await sql.query<ReviewPair>(FIND_PAIR, [pairId])
      return rows[0]
    },

    async findSides({ recordA, recordB }) {
      const { rows } = await sql.query<ReviewSide>(FIND_SIDES, [[recordA, recordB]])
      return rows
    },

    async listDecisions(pairId) {
      const { rows } = await sql.query<ReviewDecision>(
        `${SELECT_DECISIONS} where task_id = $1 order by decided_at, decision_id`,
        [pairId]
      )
      return rows
    },

    async findDecision(decisionId) {
      const { rows } = await sql.query<ReviewDecision & { pairId: string | null }>(
        `select decision.*, pair.task_id as "pairId"
           from (${SELECT_DECISIONS} where decision_id = $1) decision
           join review_decision made on made.decision_id = decision."decisionId"
           left join review_case pair on pair.task_id = made.task_id`,
        [decisionId]
      )
      return rows[0]
    },

    async insert(pairId, { decisionId, choice, reason, decidedBy, decidedAt, rulesVersion }) {
      await sql.query(
        `insert into review_decision (
           decision_id, task_id, record_a, record_b, choice, reason, decided_by, decided_at, rules_version,
           compared_a, compared_b
         )
         select $1, pair.task_id, pair.record_a, pair.record_b, $3, $4, $5, $6, $7,
                compared_features(print_a.features),
                compared_features(coalesce(print_b.features, pair.elsewhere_features))
           from review_case pair ${REVIEW_JOINS}
          where pair.task_id = $2`,
        [decisionId, pairId, choice, reason, decidedBy, decidedAt, rulesVersion]
      )
    },

    async undo(decisionId, { at, by, reason }) {
      const { rowCount } = await sql.query(
        `update review_decision
            set undone_at = $2, undone_by = $3, undone_reason = $4
          where decision_id = $1 and undone_at is null`,
        [decisionId, at, by, reason]
      )
      return rowCount === 1
    },

    async count(filter) {
      const { rows } = await sql.query<ReviewCount>(
        `select state, "vaccineTypes"[1] as "vaccineType", count(*)::integer as count
           from (${SELECT_LINES}) line
          where state = any ($4)
          group by 1, 2
          order by 1, 3 desc, 2`,
        [...valuesOf(filter), filter.states]
      )
      return rows
    },

    async list(filter, { after, limit }) {
      const [openedAt, pairId] = after?.split('~') ?? []
      const { rows } = await sql.query<ReviewLine>(
        `select *
           from (${SELECT_LINES}) line
          where state = any ($4)
            and ($5::timestamptz is null or ("openedAt", "pairId") > ($5, $6::uuid))
          order by "openedAt", "pairId"
          limit $7`,
        [...valuesOf(filter), filter.states, openedAt ?? null, pairId ?? null, limit]
      )
      return rows
    }
  }
}

function valuesOf({ vaccineType, supplier, recordId }: ReviewFilter): unknown[] {
  return [vaccineType ?? null, supplier ?? null, recordId ?? null]
}

const FIND_PAIR = `
select pair.task_id as "pairId", pair.kind, pair.proposed_key as "proposedKey", pair.request_id as "requestId",
       pair.source, pair.elsewhere_features as elsewhere,
       pair.record_a as "recordA", pair.record_b as "recordB", pair.patient_key as "patientKey",
       pair.outcome, pair.rule, pair.score, pair.features, pair.rules_version as "rulesVersion",
       pair.decided_by as "decidedBy", pair.opened_at as "openedAt", ${REVIEW_STATE} as state
  from review_case pair ${REVIEW_JOINS}
 where pair.task_id = $1`

const FIND_SIDES = `
select record.record_id as "recordId", record.current_version as version, record.deleted, record.owner as supplier,
       record.last_updated as "lastUpdated", member.group_id as "groupId", member.role,
       print.features as fingerprint
  from record
  left join fingerprint print on print.record_id = record.record_id
  left join event_group_member member on member.record_id = record.record_id
 where record.record_id = any ($1)
 order by record.record_id`

const SELECT_DECISIONS = `
select decision_id as "decisionId", record_a as "recordA", record_b as "recordB", choice, reason,
       decided_by as "decidedBy", decided_at as "decidedAt", rules_version as "rulesVersion",
       undone_at as "undoneAt", undone_by as "undoneBy", undone_reason as "undoneReason"
  from review_decision`

// Without a record, what was merged without anybody being asked stays out: those are most of all pairs.
const SELECT_LINES = `
select pair.task_id as "pairId", pair.kind, pair.source, ${REVIEW_STATE} as state, pair.opened_at as "openedAt",
       array_remove(array[side_b.vaccine_type, side_a.vaccine_type], null) as "vaccineTypes",
       array_remove(array[side_b.owner, side_a.owner], null) as suppliers,
       array_remove(array[pair.record_b, pair.record_a], null) as "recordIds",
       pair.rule, pair.score,
       to_char(pair.opened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '~' || pair.task_id as place
  from review_case pair ${REVIEW_JOINS}
 where ($1::text is null or $1 in (side_a.vaccine_type, side_b.vaccine_type))
   and ($2::text is null or $2 in (side_a.owner, side_b.owner))
   and ($3::uuid is null or $3 in (pair.record_a, pair.record_b))
   and ($3::uuid is not null or pair.outcome = 'possible' or pair.decided_by <> 'system')`

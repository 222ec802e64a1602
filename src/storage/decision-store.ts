// What was decided of pairs of records, by deduplication or by a reviewer.
import type { Sql } from './sql.js'

export interface PairDecision {
  recordA: string
  recordB: string
  patientKey: string
  outcome: 'same' | 'possible' | 'distinct'
  rule: string
  score: number
  features: Record<string, number>
  rulesVersion: string
  /** `system`, or the client name of a reviewer. */
  decidedBy: string
  decidedAt: Date
}

export interface OverDecisions {
  /** Records that were compared with everything of their patient. */
  compared: readonly string[]
  /** Of these, the ones that were compared with other patients of their block as well. */
  comparedBeyond: readonly string[]
  /** Pairs that are decided again. */
  kept: readonly Pick<PairDecision, 'recordA' | 'recordB'>[]
}

export interface DecisionStore {
  /** What reviewers decided of pairs of these patients' records. */
  find(patientKeys: readonly string[]): Promise<PairDecision[]>
  /** What reviewers decided of pairs with one of these records. */
  findAbout(recordIds: readonly string[]): Promise<PairDecision[]>
  /** Takes back what the system decided and does not decide again; what a reviewer decided stays. */
  end(over: OverDecisions): Promise<void>
  /** A decision, be it of the system or of a reviewer, replaces one of the system, never one of a reviewer. */
  write(decisions: readonly PairDecision[]): Promise<void>
  /** What a reviewer decided of a pair becomes a question again, for the system to answer or to take back. */
  release(pair: Pick<PairDecision, 'recordA' | 'recordB'>, at: Date): Promise<void>
}

export function createDecisionStore(sql: Sql): DecisionStore {
  return {
    async find(patientKeys) {
      if (patientKeys.length === 0) return []
      const { rows } = await sql.query<DecisionRow>(
        `${SELECT_DECISIONS} where patient_key = any ($1) and decided_by <> 'system'`,
        [patientKeys]
      )
      return rows.map(toDecision)
    },

    async findAbout(recordIds) {
      if (recordIds.length === 0) return []
      const { rows } = await sql.query<DecisionRow>(
        `${SELECT_DECISIONS} where (record_a = any ($1) or record_b = any ($1)) and decided_by <> 'system'`,
        [recordIds]
      )
      return rows.map(toDecision)
    },

    async end({ compared, comparedBeyond, kept }) {
      if (compared.length === 0) return
      await sql.query(END_DECISIONS, [
        compared,
        comparedBeyond,
        kept.map(({ recordA }) => recordA),
        kept.map(({ recordB }) => recordB)
      ])
    },

    async write(decisions) {
      if (decisions.length === 0) return
      await sql.query(
        `insert into pair_decision (
           record_a, record_b, patient_key, outcome, rule, score, features, rules_version, decided_by, decided_at,
           opened_at
         )
         select record_a, record_b, patient_key, outcome, rule, score, features, rules_version, decided_by, decided_at,
                decided_at
           from json_to_recordset($1) as made (
                  record_a uuid, record_b uuid, patient_key uuid, outcome text, rule text, score integer,
                  features jsonb, rules_version text, decided_by text, decided_at timestamptz
                )
             on conflict (record_a, record_b) do update
            set patient_key = excluded.patient_key,
                outcome = excluded.outcome,
                rule = excluded.rule,
                score = excluded.score,
                features = excluded.features,
                rules_version = excluded.rules_version,
                decided_by = excluded.decided_by,
                decided_at = excluded.decided_at,
                revision = pair_decision.revision + 1
          where pair_decision.decided_by = 'system'
            and (
              pair_decision.outcome, pair_decision.rule, pair_decision.score, pair_decision.features,
              pair_decision.rules_version, pair_decision.decided_by
            ) is distinct from (
              excluded.outcome, excluded.rule, excluded.score, excluded.features, excluded.rules_version,
              excluded.decided_by
            )`,
        [JSON.stringify(decisions.map(toDecisionRow))]
      )
    },

    async release({ recordA, recordB }, at) {
      await sql.query(
        `update pair_decision
            set outcome = 'possible', decided_by = 'system', decided_at = $3, revision = revision + 1
          where record_a = $1 and record_b = $2`,
        [recordA, recordB, at]
      )
    }
  }
}

const SELECT_DECISIONS = `
select record_a, record_b, patient_key, outcome, rule, score, features, rules_version, decided_by, decided_at
  from pair_decision`

// V8 is all there is between two patients: such a pair is over only where the block was looked at again.
const END_DECISIONS = `
delete from pair_decision pair
 where (pair.record_a = any ($1) or pair.record_b = any ($1))
   and pair.decided_by = 'system'
   and not exists (
         select
           from unnest($3::uuid[], $4::uuid[]) as kept (record_a, record_b)
          where kept.record_a = pair.record_a and kept.record_b = pair.record_b
       )
   and (
         pair.rule <> 'V8'
         or pair.record_a = any ($2)
         or pair.record_b = any ($2)
         or (select patient_key from record where record_id = pair.record_a)
            = (select patient_key from record where record_id = pair.record_b)
       )`

interface DecisionRow {
  record_a: string
  record_b: string
  patient_key: string
  outcome: PairDecision['outcome']
  rule: string
  score: number
  features: Record<string, number>
  rules_version: string
  decided_by: string
  decided_at: Date
}

function toDecision(row: DecisionRow): PairDecision {
  return {
    recordA: row.record_a,
    recordB: row.record_b,
    patientKey: row.patient_key,
    outcome: row.outcome,
    rule: row.rule,
    score: row.score,
    features: row.features,
    rulesVersion: row.rules_version,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at
  }
}

function toDecisionRow(decision: PairDecision): DecisionRow {
  return {
    record_a: decision.recordA,
    record_b: decision.recordB,
    patient_key: decision.patientKey,
    outcome: decision.outcome,
    rule: decision.rule,
    score: decision.score,
    features: decision.features,
    rules_version: decision.rulesVersion,
    decided_by: decision.decidedBy,
    decided_at: decision.decidedAt
  }
}

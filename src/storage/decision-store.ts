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

export interface DecisionStore {
  find(patientKeys: readonly string[]): Promise<PairDecision[]>
  /** Takes back what the system decided of these pairs; what a reviewer decided stays. */
  end(pairs: readonly Pick<PairDecision, 'recordA' | 'recordB'>[]): Promise<void>
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
        `select record_a, record_b, patient_key, outcome, rule, score, features, rules_version, decided_by, decided_at
           from pair_decision
          where patient_key = any ($1)`,
        [patientKeys]
      )
      return rows.map(toDecision)
    },

    async end(pairs) {
      if (pairs.length === 0) return
      await sql.query(
        `delete from pair_decision
          using unnest($1::uuid[], $2::uuid[]) as ended (record_a, record_b)
          where pair_decision.record_a = ended.record_a
            and pair_decision.record_b = ended.record_b
            and pair_decision.decided_by = 'system'`,
        [pairs.map(({ recordA }) => recordA), pairs.map(({ recordB }) => recordB)]
      )
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

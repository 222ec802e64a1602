// Records of ours and records that a register holds from others, of which a person is asked whether they are one
// vaccination. A decision stays, whatever is found or weighed afterwards.
import type { DedupRules } from '../dedup/dedup-rules.js'
import type { DecidedElsewhere } from '../dedup/attach-elsewhere.js'
import type { ElsewhereRecord } from './elsewhere-store.js'
import type { Sql } from './sql.js'

export interface ElsewherePair {
  recordId: string
  source: string
  identifier: ElsewhereRecord['identifier']
  rule: string
  score: number
  features: Record<string, number>
  rulesVersion: DedupRules['version']
}

export type DecidedPair = DecidedElsewhere & Pick<ElsewherePair, 'source' | 'identifier'>

export interface ElsewherePairStore {
  /** What reviewers decided of a patient's records. */
  findDecided(patientKey: string): Promise<DecidedPair[]>
  /** What is asked of a patient from now on; what a reviewer decided stays. */
  replaceOpen(patientKey: string, pairs: readonly ElsewherePair[], at: Date): Promise<void>
  /** `by` is `system`, and the outcome `possible`, where a decision was undone. */
  setDecided(
    taskId: string,
    decided: { outcome: 'same' | 'distinct' | 'possible'; by: string; at: Date }
  ): Promise<void>
}

export function createElsewherePairStore(sql: Sql): ElsewherePairStore {
  return {
    async findDecided(patientKey) {
      const { rows } = await sql.query<DecidedPair>(
        `select record_id as "recordId", source, outcome,
                json_build_object('system', identifier_system, 'value', identifier_value) as identifier
           from elsewhere_pair
          where patient_key = $1 and decided_by <> 'system'`,
        [patientKey]
      )
      return rows
    },

    async replaceOpen(patientKey, pairs, at) {
      await sql.query(REPLACE_OPEN, [patientKey, JSON.stringify(pairs.map(toRow)), at])
    },

    async setDecided(taskId, { outcome, by, at }) {
      await sql.query(
        `update elsewhere_pair
            set outcome = $2, decided_by = $3, decided_at = $4, revision = revision + 1
          where task_id = $1`,
        [taskId, outcome, by, at]
      )
    }
  }
}

/** In the shape of a version 8 UUID, as those of pairs of our own. */
function taskIdOf(row: string): string {
  const parts = ['source', 'identifier_system', 'identifier_value'].map(
    (column) => `sha256(convert_to(${row}.${column}, 'UTF8'))`
  )
  const hash = `encode(substring(sha256(uuid_send(${row}.record_id) || ${parts.join(' || ')}) from 1 for 16), 'hex')`
  return `overlay(overlay(${hash} placing '8' from 13) placing 'a' from 17)::uuid`
}

const REPLACE_OPEN = `
with asked as (
  select *
    from json_to_recordset($2) as asked (
           record_id uuid, source text, identifier_system text, identifier_value text, rule text, score integer,
           features jsonb, rules_version text
         )
), over as (
  delete from elsewhere_pair pair
   where patient_key = $1
     and decided_by = 'system'
     and not exists (
           select
             from asked
            where asked.record_id = pair.record_id and asked.source = pair.source
              and asked.identifier_system = pair.identifier_system and asked.identifier_value = pair.identifier_value
         )
)
insert into elsewhere_pair (
  task_id, record_id, source, identifier_system, identifier_value, patient_key, outcome, rule, score, features,
  rules_version, opened_at, decided_at
)
select ${taskIdOf('asked')}, record_id, source, identifier_system, identifier_value, $1, 'possible', rule, score,
       features, rules_version, $3::timestamptz, $3::timestamptz
  from asked
    on conflict (record_id, source, identifier_system, identifier_value) do update
   set patient_key = excluded.patient_key,
       rule = excluded.rule,
       score = excluded.score,
       features = excluded.features,
       rules_version = excluded.rules_version,
       decided_at = excluded.decided_at,
       revision = elsewhere_pair.revision + 1
 where elsewhere_pair.decided_by = 'system'
   and (
     elsewhere_pair.patient_key, elsewhere_pair.rule, elsewhere_pair.score, elsewhere_pair.features,
     elsewhere_pair.rules_version
   ) is distinct from (
     excluded.patient_key, excluded.rule, excluded.score, excluded.features, excluded.rules_version
   )`

function toRow({ recordId, source, identifier, rule, score, features, rulesVersion }: ElsewherePair): object {
  return {
    record_id: recordId,
    source,
    identifier_system: identifier.system,
    identifier_value: identifier.value,
    rule,
    score,
    features,
    rules_version: rulesVersion
  }
}

// Records that a refused submission put under another patient: a person is asked, once for each patient that was named.
import { addPatients } from './add-patients.js'
import type { Sql } from './sql.js'

export interface PatientDoubt {
  recordId: string
  /** Of the patient that was named; undefined where none was. */
  nhsNumber?: string
  /** For a number that is not known yet. */
  newKey: string
  requestId: string
  raisedAt: Date
}

export interface DoubtStore {
  /** What was asked before is not asked again, whatever has been decided. */
  raise(doubts: readonly PatientDoubt[]): Promise<void>
  /** `by` is `system` where a decision was undone. */
  setDecided(taskId: string, decided: { by: string; at: Date }): Promise<void>
}

export function createDoubtStore(sql: Sql): DoubtStore {
  return {
    async raise(doubts) {
      const made = [...new Map(doubts.map((one) => [`${one.recordId} ${one.nhsNumber ?? ''}`, one])).values()]
      if (made.length === 0) return
      await addPatients(sql, new Map(made.flatMap(({ nhsNumber, newKey }) => (nhsNumber ? [[nhsNumber, newKey]] : []))))
      await sql.query(RAISE, [
        made.map(({ recordId }) => recordId),
        made.map(({ nhsNumber }) => nhsNumber ?? null),
        made.map(({ requestId }) => requestId),
        made.map(({ raisedAt }) => raisedAt)
      ])
    },

    async setDecided(taskId, { by, at }) {
      await sql.query(
        `update patient_doubt
            set decided_by = $2, decided_at = $3, revision = revision + 1
          where task_id = $1`,
        [taskId, by, at]
      )
    }
  }
}

// Two numbers may be those of one patient: of these, one is enough. A record that is not there was rolled back.
const RAISE = `
insert into patient_doubt (record_id, patient_key, proposed_key, request_id, opened_at, decided_at)
select distinct on (record.record_id, coalesce(named.merged_into, named.patient_key))
       record.record_id, record.patient_key, coalesce(named.merged_into, named.patient_key), made.request_id,
       made.raised_at, made.raised_at
  from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
       as made (record_id, nhs_number, request_id, raised_at)
  join record using (record_id)
  left join patient named on named.nhs_number = made.nhs_number
 where coalesce(named.merged_into, named.patient_key) is distinct from record.patient_key
    on conflict (task_id) do update
   set patient_key = excluded.patient_key
 where patient_doubt.patient_key <> excluded.patient_key`

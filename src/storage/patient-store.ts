// Patients as the keys that everything about a person is found by, and what a merge of two numbers moves between them.
import type { PatientKeys } from './record-head.js'
import { addPatients } from './add-patients.js'
import type { Sql } from './sql.js'

/** A patient and where its records are kept: itself, unless its number is superseded. */
export interface PatientRow {
  patientKey: string
  mergedInto: string | null
}

export interface PatientStore {
  /** Of the numbers that are known. */
  findNumbers(nhsNumbers: readonly string[]): Promise<Map<string, PatientKeys>>
  /** Makes patients of numbers; false where another transaction was faster with one of them. */
  insertNumbers(newKeys: ReadonlyMap<string, string>): Promise<boolean>
  find(patientKey: string): Promise<PatientRow | undefined>
  /** Keys of a patient and of everything merged into it. */
  findFamily(patientKey: string): Promise<string[]>
  /** These patients and everything merged into them, locked in key order. */
  lockFamilies(patientKeys: readonly string[]): Promise<PatientRow[]>
  /** Ids of all records kept under these patients, deleted ones too. */
  listRecordIds(patientKeys: readonly string[]): Promise<string[]>
  /** Ids of all event groups of a patient, emptied ones too. */
  listGroupIds(patientKey: string): Promise<string[]>
  /** Everything kept under one patient is kept under the other from now on. */
  moveAll(from: string, to: string): Promise<void>
  /** As {@link moveAll}, for some records; their groups stay, and are written by the caller. */
  moveRecords(recordIds: readonly string[], from: string, to: string): Promise<void>
  /** Null: the patients' records are kept under themselves. */
  setMergedInto(patientKeys: readonly string[], mergedInto: string | null): Promise<void>
  /** Lifts the version of the patients' totals above every one of theirs so far. Before anything is moved. */
  raiseTotals(patientKeys: readonly string[]): Promise<void>
}

export function createPatientStore(sql: Sql): PatientStore {
  return {
    async findNumbers(nhsNumbers) {
      const { rows } = await sql.query<{ nhs_number: string; patient_key: string; merged_into: string | null }>(
        `select nhs_number, patient_key, merged_into
           from patient
          where nhs_number = any ($1)`,
        [nhsNumbers]
      )
      return new Map(
        rows.map((row) => [
          row.nhs_number,
          { numberKey: row.patient_key, patientKey: row.merged_into ?? row.patient_key }
        ])
      )
    },

    insertNumbers: async (newKeys) => (await addPatients(sql, newKeys)) === newKeys.size,

    async find(patientKey) {
      const { rows } = await sql.query<{ patient_key: string; merged_into: string | null }>(
        'select patient_key, merged_into from patient where patient_key = $1',
        [patientKey]
      )
      return rows[0] === undefined ? undefined : { patientKey: rows[0].patient_key, mergedInto: rows[0].merged_into }
    },

    async findFamily(patientKey) {
      const { rows } = await sql.query<{ patient_key: string }>(
        'select patient_key from patient where patient_key = $1 or merged_into = $1',
        [patientKey]
      )
      return rows.map((row) => row.patient_key)
    },

    async lockFamilies(patientKeys) {
      const { rows } = await sql.query<{ patient_key: string; merged_into: string | null }>(
        `select patient_key, merged_into
           from patient
          where patient_key = any ($1) or merged_into = any ($1)
          order by patient_key
            for no key update`,
        [patientKeys]
      )
      return rows.map((row) => ({ patientKey: row.patient_key, mergedInto: row.merged_into }))
    },

    async listRecordIds(patientKeys) {
      const { rows } = await sql.query<{ record_id: string }>(
        'select record_id from record where patient_key = any ($1)',
        [patientKeys]
      )
      return rows.map((row) => row.record_id)
    },

    async listGroupIds(patientKey) {
      const { rows } = await sql.query<{ group_id: string }>(
        'select group_id from event_group where patient_key = $1',
        [patientKey]
      )
      return rows.map((row) => row.group_id)
    },

    async moveAll(from, to) {
      await sql.query(MOVE_ALL, [from, to])
    },

    async moveRecords(recordIds, from, to) {
      if (recordIds.length === 0) return
      await sql.query(MOVE_RECORDS, [recordIds, from, to])
    },

    async setMergedInto(patientKeys, mergedInto) {
      if (patientKeys.length === 0) return
      await sql.query('update patient set merged_into = $2 where patient_key = any ($1)', [patientKeys, mergedInto])
    },

    async raiseTotals(patientKeys) {
      await sql.query(RAISE_TOTALS, [patientKeys])
    }
  }
}

const MOVE_ALL = `
with moved_record as (
  update record set patient_key = $2 where patient_key = $1
), moved_print as (
  update fingerprint set patient_key = $2 where patient_key = $1
), moved_member as (
  update event_group_member
     set patient_key = $2
   where group_id in (select group_id from event_group where patient_key = $1)
), moved_group as (
  update event_group set patient_key = $2 where patient_key = $1
), forgotten as (
  -- Found elsewhere under a number that counts no more: looked for again under the other.
  delete from elsewhere_record where patient_key = $1
), ended as (
  delete from elsewhere_lookup where patient_key = $1 returning vaccine_type
), asked_again as (
  insert into elsewhere_lookup (patient_key, vaccine_type, wants)
  select $2::uuid, vaccine_type, 'look' from ended
      on conflict (patient_key, vaccine_type) do update set wants = 'look', due_at = now()
), moved_doubt as (
  update patient_doubt set patient_key = $2 where patient_key = $1
), moved_elsewhere as (
  update elsewhere_pair set patient_key = $2 where patient_key = $1
)
update pair_decision set patient_key = $2 where patient_key = $1`

// A decision on a pair that is parted stays where it is: it counts again should the two ever be one patient again.
const MOVE_RECORDS = `
with moved_record as (
  update record set patient_key = $3 where record_id = any ($1)
), moved_print as (
  update fingerprint set patient_key = $3 where record_id = any ($1)
), moved_member as (
  update event_group_member set patient_key = $3 where record_id = any ($1)
), moved_doubt as (
  update patient_doubt set patient_key = $3 where record_id = any ($1) and patient_key = $2
), moved_elsewhere as (
  update elsewhere_pair set patient_key = $3 where record_id = any ($1) and patient_key = $2
)
update pair_decision
   set patient_key = $3
 where patient_key = $2
   and record_a = any ($1)
   and record_b = any ($1)`

const RAISE_TOTALS = `
with total as (
  select patient.source_version_base + coalesce(sum(grouped.revision), 0) as version
    from patient
    left join event_group grouped using (patient_key)
   where patient.patient_key = any ($1)
   group by patient.patient_key
)
update patient
   set source_version_base = (select max(version) + 1 from total)
 where patient_key = any ($1)`

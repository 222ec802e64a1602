// Patients, records and their versions: what ingest reads under lock and writes, a group at a time.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { RecordHead } from './record-head.js'
import type { Sql } from './sql.js'
import { writeVersions, type VersionWrite } from './version-writes.js'

export interface RecordStore {
  /** Heads with these identifiers or ids, locked until the transaction ends, in id order. */
  lockHeads(wanted: {
    identifiers: readonly { system: string; value: string }[]
    recordIds: readonly string[]
  }): Promise<RecordHead[]>
  /**
   * Ids of an owner's records with a value of identifier, whatever its system. Until the transaction ends nobody else
   * asks of the same value, so that two conditions on it cannot both find nothing.
   */
  findOwnByValue(wanted: readonly { owner: string; value: string }[]): Promise<string[]>
  /** Makes missing patients, locks all of them in key order; gives NHS number -> patient key. */
  lockPatients(patients: {
    newKeys: ReadonlyMap<string, string>
    patientKeys: readonly string[]
  }): Promise<Map<string, string>>
  /** Makes patients without an NHS number. */
  insertUnidentifiedPatients(patientKeys: readonly string[]): Promise<void>
  writeVersions(writes: readonly VersionWrite[]): Promise<void>
  /** Body text of the current version of a record; undefined when it is deleted or unknown. */
  findCurrentBody(recordId: string): Promise<string | undefined>
}

export function createRecordStore(sql: Sql): RecordStore {
  return {
    async lockHeads({ identifiers, recordIds }) {
      if (identifiers.length === 0 && recordIds.length === 0) return []
      const { rows } = await sql.query<HeadRow>(
        `select record.*, patient.nhs_number
           from record
           join patient using (patient_key)
          where record_id in (
                  select found.record_id
                    from unnest($1::text[], $2::text[]) as wanted (system, value)
                   cross join lateral (
                           select record_id
                             from record
                            where identifier_system = wanted.system and identifier_value = wanted.value
                            limit 1
                         ) found
                   union
                  select unnest($3::uuid[])
                )
          order by record_id
            for no key update of record`,
        [identifiers.map(({ system }) => system), identifiers.map(({ value }) => value), recordIds]
      )
      return rows.map(toHead)
    },

    async findOwnByValue(wanted) {
      if (wanted.length === 0) return []
      const values = [wanted.map(({ owner }) => owner), wanted.map(({ value }) => value)]
      await sql.query(
        `select pg_advisory_xact_lock(lock_key)
           from (
                  select distinct hashtextextended(owner || chr(10) || value, 4) as lock_key
                    from unnest($1::text[], $2::text[]) as wanted (owner, value)
                   order by lock_key
                ) ordered`,
        values
      )
      const { rows } = await sql.query<{ record_id: string }>(
        `select distinct record.record_id
           from unnest($1::text[], $2::text[]) as wanted (owner, value)
           join record on record.identifier_value = wanted.value and record.owner = wanted.owner`,
        values
      )
      return rows.map((row) => row.record_id)
    },

    async lockPatients({ newKeys, patientKeys }) {
      const numbers = [...newKeys.keys()].sort()
      if (numbers.length > 0) {
        await sql.query(
          `insert into patient (patient_key, nhs_number)
           select patient_key, nhs_number
             from unnest($1::uuid[], $2::text[]) as made (patient_key, nhs_number)
               on conflict (nhs_number) do nothing`,
          [numbers.map((number) => newKeys.get(number)), numbers]
        )
      }
      const { rows } = await sql.query<{ patient_key: string; nhs_number: string | null }>(
        `select patient_key, nhs_number
           from patient
          where nhs_number = any ($1) or patient_key = any ($2)
          order by patient_key
            for no key update`,
        [numbers, patientKeys]
      )
      return new Map(rows.flatMap((row) => (row.nhs_number === null ? [] : [[row.nhs_number, row.patient_key]])))
    },

    async insertUnidentifiedPatients(patientKeys) {
      if (patientKeys.length === 0) return
      await sql.query('insert into patient (patient_key) select unnest($1::uuid[])', [patientKeys])
    },

    writeVersions: (writes) => writeVersions(sql, writes),

    async findCurrentBody(recordId) {
      const { rows } = await sql.query<{ body: string }>(
        `select version.body
           from record
           join record_version version
             on version.record_id = record.record_id and version.version = record.current_version
          where record.record_id = $1 and not record.deleted`,
        [recordId]
      )
      return rows[0]?.body
    }
  }
}

interface HeadRow {
  record_id: string
  patient_key: string
  nhs_number: string | null
  identifier_system: string
  identifier_value: string
  owner: string
  vaccine_type: VaccineType
  status: RecordHead['status']
  current_version: number
  deleted: boolean
  occurrence_day: string
  occurrence_from: Date
  content_sha256: Buffer
  clinical_sha256: Buffer
  last_updated: Date
}

function toHead(row: HeadRow): RecordHead {
  return {
    recordId: row.record_id,
    patientKey: row.patient_key,
    nhsNumber: row.nhs_number,
    identifierSystem: row.identifier_system,
    identifierValue: row.identifier_value,
    owner: row.owner,
    vaccineType: row.vaccine_type,
    status: row.status,
    version: row.current_version,
    deleted: row.deleted,
    occurrenceDay: row.occurrence_day,
    occurrenceFrom: row.occurrence_from,
    contentSha256: row.content_sha256,
    clinicalSha256: row.clinical_sha256,
    lastUpdated: row.last_updated
  }
}

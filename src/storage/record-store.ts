// Patients, records and their versions: what ingest reads under lock and writes, a group at a time.
import type { VaccineType } from '../fhir/vaccine-types.js'
import { addPatients } from './add-patients.js'
import { Overtaken } from './overtaken.js'
import type { PatientKeys, RecordHead } from './record-head.js'
import type { Sql } from './sql.js'
import { writeVersions, type VersionWrite } from './version-writes.js'

export interface NamedRecords {
  identifiers: readonly { system: string; value: string }[]
  recordIds: readonly string[]
}

export interface RecordStore {
  /** Records with these identifiers or ids, and whose they are: without a lock, so that their patients can be locked first. */
  findOwners(wanted: NamedRecords): Promise<{ recordId: string; patientKey: string }[]>
  /** Heads with these identifiers or ids, locked until the transaction ends, in id order. */
  lockHeads(wanted: NamedRecords): Promise<RecordHead[]>
  /**
   * Ids of an owner's records with a value of identifier, whatever its system. Until the transaction ends nobody else
   * asks of the same value, so that two conditions on it cannot both find nothing.
   */
  findOwnByValue(wanted: readonly { owner: string; value: string }[]): Promise<string[]>
  /**
   * Makes missing patients, locks all of them in key order, with those that superseded numbers lead to; gives NHS
   * number -> keys.
   * @throws Overtaken when one of them was merged meanwhile: the transaction begins again
   */
  lockPatients(patients: {
    newKeys: ReadonlyMap<string, string>
    patientKeys: readonly string[]
  }): Promise<Map<string, PatientKeys>>
  /** Makes patients without an NHS number. */
  insertUnidentifiedPatients(patientKeys: readonly string[]): Promise<void>
  writeVersions(writes: readonly VersionWrite[]): Promise<void>
  /** Body text of the current version of a record; undefined when it is deleted or unknown. */
  findCurrentBody(recordId: string): Promise<string | undefined>
}

export function createRecordStore(sql: Sql): RecordStore {
  return {
    async findOwners(wanted) {
      if (isNothing(wanted)) return []
      const { rows } = await sql.query<{ recordId: string; patientKey: string }>(
        `select record_id as "recordId", patient_key as "patientKey"
           from record
          where ${IS_WANTED}`,
        valuesOf(wanted)
      )
      return rows
    },

    async lockHeads(wanted) {
      if (isNothing(wanted)) return []
      const { rows } = await sql.query<HeadRow>(
        `select record.*
           from record
          where ${IS_WANTED}
          order by record_id
            for no key update`,
        valuesOf(wanted)
      )
      const named = await findNamed(sql, rows)
      return rows.map((row) => toHead(row, named))
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
      await addPatients(sql, newKeys)
      const { rows } = await sql.query<PatientRow>(LOCK_PATIENTS, [numbers, patientKeys])
      const locked = new Set(rows.map((row) => row.patient_key))
      const found = new Map<string, PatientKeys>()
      for (const { patient_key: numberKey, nhs_number: number, merged_into: mergedInto } of rows) {
        const patientKey = mergedInto ?? numberKey
        if (!locked.has(patientKey)) throw new Overtaken('a patient')
        if (number !== null) found.set(number, { patientKey, numberKey })
      }
      return found
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

/** $1 and $2: identifiers, $3: ids. */
const IS_WANTED = `record_id in (
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
                )`

function isNothing({ identifiers, recordIds }: NamedRecords): boolean {
  return identifiers.length === 0 && recordIds.length === 0
}

function valuesOf({ identifiers, recordIds }: NamedRecords): unknown[] {
  return [identifiers.map(({ system }) => system), identifiers.map(({ value }) => value), recordIds]
}

const LOCK_PATIENTS = `
select patient_key, nhs_number, merged_into
  from patient
 where patient_key in (
         select unnest($2::uuid[])
          union
         select unnest(array[named.patient_key, named.merged_into])
           from patient named
          where named.nhs_number = any ($1)
       )
 order by patient_key
   for no key update`

interface PatientRow {
  patient_key: string
  nhs_number: string | null
  merged_into: string | null
}

// After the lock, in a statement of its own: a join in the locking statement would look at versions and patients as they
// were before the wait, and lose the record whose patient was changed meanwhile.
async function findNamed(sql: Sql, heads: readonly HeadRow[]): Promise<Map<string, NamedRow>> {
  if (heads.length === 0) return new Map()
  const { rows } = await sql.query<NamedRow>(
    `select version.record_id, version.patient_key, patient.nhs_number
       from unnest($1::uuid[], $2::integer[]) as head (record_id, version)
       join record_version version using (record_id, version)
       join patient using (patient_key)`,
    [heads.map((head) => head.record_id), heads.map((head) => head.current_version)]
  )
  return new Map(rows.map((row) => [row.record_id, row]))
}

interface NamedRow {
  record_id: string
  patient_key: string
  nhs_number: string | null
}

interface HeadRow {
  record_id: string
  patient_key: string
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

function toHead(row: HeadRow, named: ReadonlyMap<string, NamedRow>): RecordHead {
  const by = named.get(row.record_id)
  return {
    recordId: row.record_id,
    patientKey: row.patient_key,
    numberKey: by?.patient_key ?? row.patient_key,
    nhsNumber: by?.nhs_number ?? null,
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

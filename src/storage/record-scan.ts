// Going through the stored records of a time, newest first, a page at a time.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Sql } from './sql.js'

export interface ScannedRecord {
  recordId: string
  version: number
  patientKey: string
  vaccineType: VaccineType
  /** JSON text of the current version. */
  body: string
}

export interface RecordScan {
  /** First received at or after this moment; every record unless said. */
  since?: Date
  vaccineTypes?: readonly VaccineType[]
}

export interface RecordScanStore {
  /** Records that are not deleted, the one received last first; `before` is the last recordId of the page before. */
  readPage(scan: RecordScan, page: { before?: string; limit: number }): Promise<ScannedRecord[]>
  count(scan: RecordScan): Promise<number>
  /** Keys of patients with such a record, deleted ones too, in order; `after` is the last key of the page before. */
  readPatients(scan: Pick<RecordScan, 'since'>, page: { after?: string; limit: number }): Promise<string[]>
  countPatients(scan: Pick<RecordScan, 'since'>): Promise<number>
  /** Record id -> JSON text of the current version, of all records of these patients that are not deleted. */
  findBodies(patientKeys: readonly string[]): Promise<Map<string, string>>
}

// Record ids are UUIDs version 7, so that their order is the order of receipt: the primary key serves.
const WHERE = `not deleted and record_id >= $1 and ($2::text[] is null or vaccine_type = any ($2))`

export function createRecordScanStore(sql: Sql): RecordScanStore {
  return {
    async readPage(scan, { before, limit }) {
      const { rows } = await sql.query<ScannedRecord>(
        `select record_id as "recordId", current_version as version, record.patient_key as "patientKey",
                vaccine_type as "vaccineType", body
           from record
           join record_version using (record_id)
          where ${WHERE} and record_id < $3 and record_version.version = record.current_version
          order by record_id desc
          limit $4`,
        [...parametersOf(scan), before ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff', limit]
      )
      return rows
    },
    async count(scan) {
      const { rows } = await sql.query<{ count: number }>(
        `select count(*)::integer as count from record where ${WHERE}`,
        parametersOf(scan)
      )
      return rows[0]?.count ?? 0
    },
    async readPatients({ since = new Date(0) }, { after = FIRST_ID, limit }) {
      const { rows } = await sql.query<{ patientKey: string }>(
        `select distinct patient_key as "patientKey"
           from record
          where record_id >= $1 and patient_key > $2
          order by 1
          limit $3`,
        [firstIdOf(since), after, limit]
      )
      return rows.map(({ patientKey }) => patientKey)
    },
    async countPatients({ since = new Date(0) }) {
      const { rows } = await sql.query<{ count: number }>(
        'select count(distinct patient_key)::integer as count from record where record_id >= $1',
        [firstIdOf(since)]
      )
      return rows[0]?.count ?? 0
    },
    async findBodies(patientKeys) {
      const { rows } = await sql.query<{ recordId: string; body: string }>(
        `select record_id as "recordId", body
           from record
           join record_version using (record_id)
          where record.patient_key = any ($1)
            and not deleted
            and record_version.version = record.current_version`,
        [patientKeys]
      )
      return new Map(rows.map(({ recordId, body }) => [recordId, body]))
    }
  }
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

function parametersOf({ since, vaccineTypes }: RecordScan): unknown[] {
  return [firstIdOf(since ?? new Date(0)), vaccineTypes ?? null]
}

/** The smallest UUID version 7 of a moment: 48 bits of milliseconds come first (RFC 9562 section 5.7). */
function firstIdOf(moment: Date): string {
  const hex = Math.max(0, moment.getTime()).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

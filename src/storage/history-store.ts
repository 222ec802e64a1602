// What has been kept, for reading: one record, its versions, and searches. Bodies come back as the text they were
// stored as. A query is data (planned by src/history); this file turns it into SQL, values always as parameters.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Sql } from './sql.js'
import { matchingRecords, orderAndLimit, type RecordQuery } from './history-query.js'

/** A record in its current version. */
export interface KeptRecord {
  recordId: string
  patientKey: string
  vaccineType: VaccineType
  version: number
  lastUpdated: Date
  deleted: boolean
  /** The Immunization as JSON text; undefined when the record is deleted. */
  body?: string
}

/** One version of a record, the newest or an older one. */
export interface KeptVersion {
  version: number
  operation: 'create' | 'update' | 'delete' | 'reinstate'
  receivedAt: Date
  /** Undefined for a delete. */
  body?: string
}

/** One match of a search. */
export interface FoundRecord {
  recordId: string
  /** Of the number that was asked for, where one was; else of the record. */
  patientKey: string
  /** Where this record stands in the order asked for: opaque, to be handed back as `after`. */
  sortKey: string
  body: string
}

export interface VersionsQuery {
  recordId: string
  /** Only versions below this one. */
  before?: number
  /** Only versions received at this instant or later. */
  since?: Date
  limit: number
}

export interface HistoryStore {
  findRecord(recordId: string): Promise<KeptRecord | undefined>
  findVersion(recordId: string, version: number): Promise<KeptVersion | undefined>
  /** Newest first. */
  findVersions(query: VersionsQuery): Promise<KeptVersion[]>
  countVersions(query: Pick<VersionsQuery, 'recordId' | 'since'>): Promise<number>
  /** Live records only, in the order asked for. */
  findRecords(query: RecordQuery): Promise<FoundRecord[]>
  /** How many records match, whatever `after` and `limit` say. */
  countRecords(query: RecordQuery): Promise<number>
}

export function createHistoryStore(sql: Sql): HistoryStore {
  return {
    async findRecord(recordId) {
      const { rows } = await sql.query<RecordRow>(FIND_RECORD, [recordId])
      return rows[0] === undefined ? undefined : toRecord(rows[0])
    },

    async findVersion(recordId, version) {
      const { rows } = await sql.query<VersionRow>(
        `select version, operation, received_at, body
           from record_version
          where record_id = $1 and version = $2`,
        [recordId, version]
      )
      return rows[0] === undefined ? undefined : toVersion(rows[0])
    },

    async findVersions({ recordId, before, since, limit }) {
      const { rows } = await sql.query<VersionRow>(
        `select version, operation, received_at, body
           from record_version
          where record_id = $1
            and ($2::integer is null or version < $2)
            and ($3::timestamptz is null or received_at >= $3)
          order by version desc
          limit $4`,
        [recordId, before ?? null, since ?? null, limit]
      )
      return rows.map(toVersion)
    },

    async countVersions({ recordId, since }) {
      const { rows } = await sql.query<{ total: number }>(
        `select count(*)::integer as total
           from record_version
          where record_id = $1
            and ($2::timestamptz is null or received_at >= $2)`,
        [recordId, since ?? null]
      )
      return rows[0]?.total ?? 0
    },

    async findRecords(query) {
      const matching = matchingRecords(query)
      const { text, values, sortKey } = orderAndLimit(matching, query)
      const { rows } = await sql.query<FoundRow>(
        `select record.record_id, ${matching.patientKey} as patient_key, ${sortKey} as sort_key, version.body ${text}`,
        values
      )
      return rows.map((row) => ({
        recordId: row.record_id,
        patientKey: row.patient_key,
        sortKey: row.sort_key,
        body: row.body
      }))
    },

    async countRecords(query) {
      const { text, values } = matchingRecords(query)
      const { rows } = await sql.query<{ total: number }>(`select count(*)::integer as total ${text}`, values)
      return rows[0]?.total ?? 0
    }
  }
}

const FIND_RECORD = `
select record.record_id, record.patient_key, record.vaccine_type, record.current_version, record.last_updated,
       record.deleted, version.body
  from record
  join record_version version
    on version.record_id = record.record_id and version.version = record.current_version
 where record.record_id = $1`

interface RecordRow {
  record_id: string
  patient_key: string
  vaccine_type: VaccineType
  current_version: number
  last_updated: Date
  deleted: boolean
  body: string | null
}

interface VersionRow {
  version: number
  operation: KeptVersion['operation']
  received_at: Date
  body: string | null
}

interface FoundRow {
  record_id: string
  patient_key: string
  sort_key: string
  body: string
}

function toRecord(row: RecordRow): KeptRecord {
  return {
    recordId: row.record_id,
    patientKey: row.patient_key,
    vaccineType: row.vaccine_type,
    version: row.current_version,
    lastUpdated: row.last_updated,
    deleted: row.deleted,
    ...(row.body === null ? {} : { body: row.body })
  }
}

function toVersion(row: VersionRow): KeptVersion {
  return {
    version: row.version,
    operation: row.operation,
    receivedAt: row.received_at,
    ...(row.body === null ? {} : { body: row.body })
  }
}

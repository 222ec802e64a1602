// What has been kept, for reading: one record, its versions, and searches. Bodies come back as the text they were
// stored as. A query is data (planned by src/history); this file turns it into SQL, values always as parameters.
import type { MemberRole } from '../dedup/survivor.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Sql } from './sql.js'
import { findEventMembers, type EventMember } from './event-members.js'
import { matchingRecords, orderAndLimit, type RecordQuery } from './history-query.js'
import { matchingVersions, orderAndLimitVersions, type VersionsQuery } from './version-query.js'

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
  recordId: string
  version: number
  operation: 'create' | 'update' | 'delete' | 'reinstate'
  receivedAt: Date
  /** Undefined for a delete. */
  body?: string
  /** Why it was deleted, where somebody said. */
  reason?: string
}

/** What a version tells of how it came. */
export interface SentVersion {
  recordId: string
  recordVersion: number
  operation: KeptVersion['operation']
  /** Client name. */
  supplier: string
  requestId: string | null
  /** Why it was deleted; null when nobody said. */
  reason: string | null
  lastUpdated: Date
}

/** One match of a search. */
export interface FoundRecord {
  recordId: string
  /** Of the number that was asked for, where one was; else of the record. */
  patientKey: string
  /** Where this record stands in the order asked for: opaque, to be handed back in `after`. */
  sortKeys: string[]
  body: string
  /** How the version came that is shown. */
  sent: SentVersion
  /** Where it stands among the records of its event, if that was asked for. */
  event?: { groupId: string; role: MemberRole }
}

export interface FoundRecords {
  records: FoundRecord[]
  /** What this search saw, for Snapshot.transactions; undefined when nothing was found. */
  transactions?: string
}

export interface HistoryStore {
  findRecord(recordId: string): Promise<KeptRecord | undefined>
  findVersion(recordId: string, version: number): Promise<KeptVersion | undefined>
  /** The live records of the event of a record that are of these vaccine types. */
  findEventMembers(recordId: string, vaccineTypes: readonly VaccineType[]): Promise<EventMember[]>
  /** Newest first. */
  findVersions(query: VersionsQuery): Promise<KeptVersion[]>
  /** How many versions match, whatever `before` and `limit` say. */
  countVersions(query: VersionsQuery): Promise<number>
  /** Live records only, in the order asked for. */
  findRecords(query: RecordQuery): Promise<FoundRecords>
  /** Undefined for an NHS number that no record has named. */
  findPatientKey(nhsNumber: string): Promise<string | undefined>
  /** How many records match, whatever the position of `after` and `limit` say. */
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
        `select record_id, version, operation, received_at, body, reason
           from record_version
          where record_id = $1 and version = $2`,
        [recordId, version]
      )
      return rows[0] === undefined ? undefined : toVersion(rows[0])
    },

    findEventMembers: (recordId, vaccineTypes) => findEventMembers(sql, recordId, vaccineTypes),

    async findVersions(query) {
      const { text, values } = orderAndLimitVersions(matchingVersions(query), query)
      const columns =
        'version.record_id, version.version, version.operation, version.received_at, version.body, version.reason'
      const { rows } = await sql.query<VersionRow>(`select ${columns} ${text}`, values)
      return rows.map(toVersion)
    },

    async countVersions(query) {
      const { text, values } = matchingVersions(query)
      const { rows } = await sql.query<{ total: number }>(`select count(*)::integer as total ${text}`, values)
      return rows[0]?.total ?? 0
    },

    async findRecords(query) {
      const matching = matchingRecords(query)
      const { text, values, sortKeys } = orderAndLimit(matching, query)
      const { rows } = await sql.query<FoundRow>(
        `select record.record_id, ${matching.patientKey} as patient_key, ${sortKeys} as sort_keys, version.body, version.version,
                version.operation, version.supplier, version.received_at, version.request_id,
                ${matching.event} as event, pg_current_snapshot()::text as transactions ${text}`,
        values
      )
      const transactions = rows[0]?.transactions
      return { records: rows.map(toFound), ...(transactions === undefined ? {} : { transactions }) }
    },

    async findPatientKey(nhsNumber) {
      const { rows } = await sql.query<{ patient_key: string }>(
        'select patient_key from patient where nhs_number = $1',
        [nhsNumber]
      )
      return rows[0]?.patient_key
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
  record_id: string
  version: number
  operation: KeptVersion['operation']
  received_at: Date
  body: string | null
  reason: string | null
}

interface FoundRow {
  record_id: string
  patient_key: string
  sort_keys: string[]
  body: string
  version: number
  operation: KeptVersion['operation']
  supplier: string
  received_at: Date
  request_id: string | null
  event: { groupId: string; role: MemberRole } | null
  transactions: string
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
    recordId: row.record_id,
    version: row.version,
    operation: row.operation,
    receivedAt: row.received_at,
    ...(row.body === null ? {} : { body: row.body }),
    ...(row.reason === null ? {} : { reason: row.reason })
  }
}

function toFound(row: FoundRow): FoundRecord {
  return {
    recordId: row.record_id,
    patientKey: row.patient_key,
    sortKeys: row.sort_keys,
    body: row.body,
    sent: {
      recordId: row.record_id,
      recordVersion: row.version,
      operation: row.operation,
      supplier: row.supplier,
      lastUpdated: row.received_at,
      requestId: row.request_id,
      reason: null
    },
    ...(row.event === null ? {} : { event: row.event })
  }
}

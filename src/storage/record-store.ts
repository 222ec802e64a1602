// Patients, records and their versions: what ingest reads under lock and writes, a group at a time.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Sql } from './sql.js'

/** What is current of a record. */
export interface RecordHead {
  recordId: string
  patientKey: string
  /** Null for a patient without a known NHS number. */
  nhsNumber: string | null
  identifierSystem: string
  identifierValue: string
  /** Client name of the supplier that created it. */
  owner: string
  vaccineType: VaccineType
  status: 'completed' | 'entered-in-error' | 'not-done'
  version: number
  deleted: boolean
  /** YYYY-MM-DD, Europe/London. */
  occurrenceDay: string
  occurrenceFrom: Date
  contentSha256: Buffer
  clinicalSha256: Buffer
  lastUpdated: Date
}

/** One new version: the head after it, the version itself, and the fingerprint that goes with it. */
export interface VersionWrite {
  head: Omit<RecordHead, 'nhsNumber'>
  operation: 'create' | 'update' | 'delete' | 'reinstate'
  supplier: string
  requestId: string
  payloadSha256: Buffer
  /** Issues answered with this version, as OperationOutcome text; null when there were none. */
  outcome: string | null
  /** JSON text as served; null for a delete. */
  body: string | null
  fingerprint: { antigens: readonly string[]; features: object }
}

export interface RefusedSubmission {
  submissionId: string
  receivedAt: Date
  supplier: string
  requestId: string
  httpStatus: number
  rules: readonly string[]
  payloadSha256: Buffer
  body: string
  outcome: string
}

export interface RecordStore {
  /** Heads with these identifiers or ids, locked until the transaction ends, in id order. */
  lockHeads(wanted: {
    identifiers: readonly { system: string; value: string }[]
    recordIds: readonly string[]
  }): Promise<RecordHead[]>
  /** Makes missing patients, locks all of them in key order; gives NHS number -> patient key. */
  lockPatients(patients: {
    newKeys: ReadonlyMap<string, string>
    patientKeys: readonly string[]
  }): Promise<Map<string, string>>
  /** Makes patients without an NHS number. */
  insertUnidentifiedPatients(patientKeys: readonly string[]): Promise<void>
  writeVersions(writes: readonly VersionWrite[]): Promise<void>
  insertRefused(refused: readonly RefusedSubmission[]): Promise<void>
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

    async writeVersions(writes) {
      if (writes.length === 0) return
      await sql.query(WRITE_VERSIONS, [JSON.stringify(writes.map(toWriteRow)), JSON.stringify(latestOnly(writes))])
    },

    async insertRefused(refused) {
      if (refused.length === 0) return
      await sql.query(
        `insert into refused_submission (
           submission_id, received_at, supplier, request_id, http_status, rules, payload_sha256, body, outcome
         )
         select submission_id, received_at, supplier, request_id, http_status, rules, decode(payload_sha256, 'hex'),
                body, outcome
           from json_to_recordset($1) as refused (
                  submission_id uuid, received_at timestamptz, supplier text, request_id text, http_status integer,
                  rules text[], payload_sha256 text, body text, outcome text
                )`,
        [JSON.stringify(refused.map(toRefusedRow))]
      )
    },

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

// Heads, versions and fingerprints in one round trip. Two versions of one record may stand in one group: every version
// is inserted ($1), head and fingerprint only of the last ($2). The identity key is the last guard against a race.
const WRITE_VERSIONS = `
with head as (
  insert into record (
    record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, current_version, deleted,
    occurrence_day, occurrence_from, content_sha256, clinical_sha256, last_updated
  )
  select record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, version, deleted,
         occurrence_day, occurrence_from, decode(content_sha256, 'hex'), decode(clinical_sha256, 'hex'), last_updated
    from json_to_recordset($2) as written (
           record_id uuid, patient_key uuid, identifier_system text, identifier_value text, owner text,
           vaccine_type text, status text, version integer, deleted boolean, occurrence_day date,
           occurrence_from timestamptz, content_sha256 text, clinical_sha256 text, last_updated timestamptz
         )
      on conflict (record_id) do update
     set patient_key = excluded.patient_key,
         vaccine_type = excluded.vaccine_type,
         status = excluded.status,
         current_version = excluded.current_version,
         deleted = excluded.deleted,
         occurrence_day = excluded.occurrence_day,
         occurrence_from = excluded.occurrence_from,
         content_sha256 = excluded.content_sha256,
         clinical_sha256 = excluded.clinical_sha256,
         last_updated = excluded.last_updated
), print as (
  insert into fingerprint (record_id, patient_key, occurrence_day, antigens, features)
  select record_id, patient_key, occurrence_day, antigens, features
    from json_to_recordset($2) as written (
           record_id uuid, patient_key uuid, occurrence_day date, antigens text[], features jsonb
         )
      on conflict (record_id) do update
     set patient_key = excluded.patient_key,
         occurrence_day = excluded.occurrence_day,
         antigens = excluded.antigens,
         features = excluded.features
)
insert into record_version (
  record_id, version, patient_key, operation, supplier, received_at, request_id, payload_sha256, outcome, body
)
select record_id, version, patient_key, operation, supplier, last_updated, request_id, decode(payload_sha256, 'hex'),
       outcome, body
  from json_to_recordset($1) as written (
         record_id uuid, version integer, patient_key uuid, operation text, supplier text, last_updated timestamptz,
         request_id text, payload_sha256 text, outcome text, body text
       )`

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

function toWriteRow(write: VersionWrite): object {
  return {
    record_id: write.head.recordId,
    version: write.head.version,
    patient_key: write.head.patientKey,
    operation: write.operation,
    supplier: write.supplier,
    last_updated: write.head.lastUpdated,
    request_id: write.requestId,
    payload_sha256: write.payloadSha256.toString('hex'),
    outcome: write.outcome,
    body: write.body
  }
}

function latestOnly(writes: readonly VersionWrite[]): object[] {
  const latest = new Map(writes.map((write) => [write.head.recordId, write]))
  return [...latest.values()].map(({ head, fingerprint }) => ({
    record_id: head.recordId,
    patient_key: head.patientKey,
    identifier_system: head.identifierSystem,
    identifier_value: head.identifierValue,
    owner: head.owner,
    vaccine_type: head.vaccineType,
    status: head.status,
    version: head.version,
    deleted: head.deleted,
    occurrence_day: head.occurrenceDay,
    occurrence_from: head.occurrenceFrom,
    content_sha256: head.contentSha256.toString('hex'),
    clinical_sha256: head.clinicalSha256.toString('hex'),
    last_updated: head.lastUpdated,
    antigens: fingerprint.antigens,
    features: fingerprint.features
  }))
}

function toRefusedRow(refused: RefusedSubmission): object {
  return {
    submission_id: refused.submissionId,
    received_at: refused.receivedAt,
    supplier: refused.supplier,
    request_id: refused.requestId,
    http_status: refused.httpStatus,
    rules: refused.rules,
    payload_sha256: refused.payloadSha256.toString('hex'),
    body: refused.body,
    outcome: refused.outcome
  }
}

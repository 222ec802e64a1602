// Writing new versions: heads, fingerprints and the versions themselves, a group in one statement.
import type { RecordHead } from './record-head.js'
import type { Sql } from './sql.js'

/** One new version: the head after it, the version itself, and the fingerprint that goes with it. */
export interface VersionWrite {
  head: Omit<RecordHead, 'nhsNumber'>
  operation: 'create' | 'update' | 'delete' | 'reinstate'
  supplier: string
  requestId: string
  /** Why it was deleted, 200 characters at most; null when nobody said, and for every other operation. */
  reason: string | null
  payloadSha256: Buffer
  /** Issues answered with this version, as OperationOutcome text; null when there were none. */
  outcome: string | null
  /** Programme files that judged it, as `flu-2026-27 1.0.0`; none for a delete. */
  programmes: readonly string[]
  /** JSON text as served; null for a delete. */
  body: string | null
  fingerprint: { antigens: readonly string[]; features: object }
  /** What searches ask beside the head; null for a delete, which leaves it as it was. */
  search: { occurrenceUntil: Date; lotNumber: string | null } | null
  /** How the record is found beside others of a person whose number is not certain; null for a delete. */
  block: { key: string | undefined; isIdentified: boolean } | null
}

export async function writeVersions(sql: Sql, writes: readonly VersionWrite[]): Promise<void> {
  if (writes.length === 0) return
  await sql.query(WRITE_VERSIONS, [JSON.stringify(writes.map(toWriteRow)), JSON.stringify(latestOnly(writes))])
}

// Heads, versions and fingerprints in one round trip. Two versions of one record may stand in one group: every version
// is inserted ($1), head and fingerprint only of the last ($2). The identity key is the last guard against a race.
const WRITE_VERSIONS = `
with head as (
  insert into record (
    record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, current_version, deleted,
    occurrence_day, occurrence_from, occurrence_until, lot_number, content_sha256, clinical_sha256, last_updated,
    block_key, is_identified
  )
  select record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, version, deleted,
         occurrence_day, occurrence_from, coalesce(occurrence_until, occurrence_from), lot_number,
         decode(content_sha256, 'hex'), decode(clinical_sha256, 'hex'), last_updated, decode(block_key, 'hex'),
         coalesce(is_identified, true)
    from json_to_recordset($2) as written (
           record_id uuid, patient_key uuid, identifier_system text, identifier_value text, owner text,
           vaccine_type text, status text, version integer, deleted boolean, occurrence_day date,
           occurrence_from timestamptz, occurrence_until timestamptz, lot_number text, content_sha256 text,
           clinical_sha256 text, last_updated timestamptz, block_key text, is_identified boolean
         )
      on conflict (record_id) do update
     set patient_key = excluded.patient_key,
         vaccine_type = excluded.vaccine_type,
         status = excluded.status,
         current_version = excluded.current_version,
         deleted = excluded.deleted,
         occurrence_day = excluded.occurrence_day,
         occurrence_from = excluded.occurrence_from,
         occurrence_until = case when excluded.deleted then record.occurrence_until else excluded.occurrence_until end,
         lot_number = case when excluded.deleted then record.lot_number else excluded.lot_number end,
         content_sha256 = excluded.content_sha256,
         clinical_sha256 = excluded.clinical_sha256,
         last_updated = excluded.last_updated,
         block_key = case when excluded.deleted then record.block_key else excluded.block_key end,
         is_identified = case when excluded.deleted then record.is_identified else excluded.is_identified end
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
  record_id, version, patient_key, operation, supplier, received_at, request_id, payload_sha256, outcome, programmes, body,
  reason
)
select record_id, version, patient_key, operation, supplier, last_updated, request_id, decode(payload_sha256, 'hex'),
       outcome, programmes, body, reason
  from json_to_recordset($1) as written (
         record_id uuid, version integer, patient_key uuid, operation text, supplier text, last_updated timestamptz,
         request_id text, payload_sha256 text, outcome text, programmes text[], body text, reason text
       )`

function toWriteRow(write: VersionWrite): object {
  return {
    record_id: write.head.recordId,
    version: write.head.version,
    patient_key: write.head.numberKey,
    operation: write.operation,
    supplier: write.supplier,
    last_updated: write.head.lastUpdated,
    request_id: write.requestId,
    payload_sha256: write.payloadSha256.toString('hex'),
    outcome: write.outcome,
    programmes: write.programmes,
    body: write.body,
    reason: write.reason
  }
}

function latestOnly(writes: readonly VersionWrite[]): object[] {
  const latest = new Map(writes.map((write) => [write.head.recordId, write]))
  return [...latest.values()].map(({ head, fingerprint, search, block }) => ({
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
    occurrence_until: search?.occurrenceUntil ?? null,
    lot_number: search?.lotNumber ?? null,
    content_sha256: head.contentSha256.toString('hex'),
    clinical_sha256: head.clinicalSha256.toString('hex'),
    last_updated: head.lastUpdated,
    block_key: block?.key ?? null,
    is_identified: block?.isIdentified ?? null,
    antigens: fingerprint.antigens,
    features: fingerprint.features
  }))
}

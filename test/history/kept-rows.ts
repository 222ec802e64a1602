// Rows as ingest leaves them, put there by plain SQL: what reading is tested on.
import { randomUUID } from 'node:crypto'
import { endOfFhirDateTime, parseFhirDateTime } from '../../src/fhir/dates.js'
import { SNOMED_SYSTEM } from '../../src/fhir/identifier-systems.js'
import { VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'
import type { Pool } from '../../src/storage/pool.js'

export interface KeptRow {
  recordId: string
  patientKey: string
  vaccineType: VaccineType
  status: string
  /** occurrenceDateTime as sent. */
  occurrence: string
  identifier: { system: string; value: string }
  productCode: string
  lotNumber?: string
  /** Further members of the body, as text that begins with a comma. */
  more: string
  lastUpdated: Date
  version: number
  deleted: boolean
}

/** Gives the patient's key. */
export async function keepPatient(pool: Pool, nhsNumber: string): Promise<string> {
  const patientKey = randomUUID()
  await pool.query('insert into patient (patient_key, nhs_number) values ($1, $2)', [patientKey, nhsNumber])
  return patientKey
}

/** One record in its current version. A deleted one has the version before as well. */
export async function keepRecord(pool: Pool, given: Partial<KeptRow> & { patientKey: string }): Promise<KeptRow> {
  const recordId = given.recordId ?? randomUUID()
  const row: KeptRow = {
    recordId,
    vaccineType: 'FLU',
    status: 'completed',
    occurrence: '2026-10-01T10:00:00+01:00',
    identifier: { system: 'https://supplier.test/id', value: recordId },
    productCode: '39114911000001105',
    more: '',
    lastUpdated: new Date('2026-10-01T12:00:00.000Z'),
    version: 1,
    deleted: false,
    ...given
  }
  const occurrence = parseFhirDateTime(row.occurrence)
  if (occurrence === undefined) throw new Error(`${row.occurrence} is no dateTime`)
  await pool.query(
    `insert into record (
       record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, current_version,
       deleted, occurrence_day, occurrence_from, occurrence_until, lot_number, content_sha256, clinical_sha256,
       last_updated
     ) values ($1, $2, $3, $4, 'sandwell-pharmacy', $5, $6, $7, $8, $9, $10, $11, $12, '\\x00', '\\x00', $13)`,
    [
      recordId,
      row.patientKey,
      row.identifier.system,
      row.identifier.value,
      row.vaccineType,
      row.status,
      row.version,
      row.deleted,
      occurrence.londonDay,
      occurrence.from,
      endOfFhirDateTime(occurrence, 1),
      row.lotNumber,
      row.lastUpdated
    ]
  )
  if (row.deleted && row.version > 1) await keepVersion(pool, row, row.version - 1, 'create', bodyOf(row))
  await keepVersion(pool, row, row.version, row.deleted ? 'delete' : 'create', row.deleted ? null : bodyOf(row))
  return row
}

export async function keepVersion(
  pool: Pool,
  row: KeptRow,
  version: number,
  operation: 'create' | 'update' | 'delete' | 'reinstate',
  body: string | null,
  receivedAt = row.lastUpdated
): Promise<void> {
  await pool.query(
    `insert into record_version (
       record_id, version, patient_key, operation, supplier, received_at, payload_sha256, body
     ) values ($1, $2, $3, $4, 'sandwell-pharmacy', $5, '\\x00', $6)`,
    [row.recordId, version, row.patientKey, operation, receivedAt, body]
  )
}

/** Records of one jab: the first one counts. */
export async function keepGroup(pool: Pool, rows: readonly KeptRow[]): Promise<void> {
  const groupId = randomUUID()
  const [survivor] = rows
  await pool.query(
    'insert into event_group (group_id, patient_key, anchor_record_id, survivor_record_id) values ($1, $2, $3, $3)',
    [groupId, survivor?.patientKey, survivor?.recordId]
  )
  for (const { recordId, patientKey } of rows)
    await pool.query(
      'insert into event_group_member (record_id, group_id, patient_key, role) values ($1, $2, $3, $4)',
      [recordId, groupId, patientKey, recordId === survivor?.recordId ? 'source' : 'alternate']
    )
}

/** The text that was stored: spacing and decimals as no serialiser of ours would write them. */
export function bodyOf(row: KeptRow): string {
  const coding = (code: string) => `{ "coding": [ { "system": "${SNOMED_SYSTEM}", "code": "${code}" } ] }`
  return (
    `{"resourceType":"Immunization","id":"${row.recordId}",` +
    `"meta":{"versionId":"${row.version}","lastUpdated":"${row.lastUpdated.toISOString()}"},` +
    `"status" : "${row.status}", "vaccineCode": ${coding(row.productCode)}, ` +
    `"occurrenceDateTime":"${row.occurrence}", "doseQuantity":{"value":0.50}, ` +
    `"protocolApplied":[{"targetDisease":[${VACCINE_TYPES[row.vaccineType].map(coding).join(',')}]}]` +
    `${row.lotNumber === undefined ? '' : `,"lotNumber":"${row.lotNumber}"`}${row.more}}`
  )
}

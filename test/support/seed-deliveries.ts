// Records with versions and deliveries, put into the tables as ingest leaves them. Patients are synthetic.
import { randomUUID } from 'node:crypto'
import type { Pool } from '../../src/storage/pool.js'

export interface SeedRecord {
  /** Each version goes to each of them: the first one ready, later ones blocked. */
  destinations: readonly string[]
  /** Operations of the versions, from the first. Default: one create. */
  versions?: readonly ('create' | 'update' | 'delete' | 'reinstate')[]
}

export interface SeededRecord {
  recordId: string
  /** In the order of versions, for each version in the order of destinations. */
  deliveryIds: string[]
}

export async function seedRecords(pool: Pool, count: number, seed: SeedRecord): Promise<SeededRecord[]> {
  const records: SeededRecord[] = []
  for (let place = 0; place < count; place++) records.push(await seedRecord(pool, seed))
  return records
}

export async function seedRecord(
  pool: Pool,
  { destinations, versions = ['create'] }: SeedRecord
): Promise<SeededRecord> {
  const patientKey = randomUUID()
  const recordId = randomUUID()
  await pool.query(
    `insert into destination (destination)
     select unnest($1::text[])
     on conflict do nothing`,
    [destinations]
  )
  await pool.query('insert into patient (patient_key) values ($1)', [patientKey])
  await pool.query(
    `insert into record (
       record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, current_version,
       occurrence_day, occurrence_from, occurrence_until, content_sha256, clinical_sha256, last_updated
     )
     values ($1, $2, 'https://supplier.example/ids', $1::uuid::text, 'supplier-a', 'FLU', 'completed', $3, '2026-10-01',
             '2026-10-01', '2026-10-02', '\\x00', '\\x00', now())`,
    [recordId, patientKey, versions.length]
  )
  await pool.query(
    `insert into record_version (record_id, version, patient_key, operation, supplier, received_at, payload_sha256, body)
     select $1::uuid, version, $2, operation, 'supplier-a', now(), '\\x00',
            case when operation <> 'delete' then '{"resourceType":"Immunization","version":' || version || '}' end
       from unnest($3::text[]) with ordinality as version (operation, version)`,
    [recordId, patientKey, versions]
  )
  const { rows } = await pool.query<{ delivery_id: string }>(
    `with inserted as (
       insert into delivery (
         delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at, created_at
       )
       select gen_random_uuid(), destination, $1, version, $2, version, operation,
              case when version = 1 then 'ready' else 'blocked' end, now(), now()
         from unnest($3::text[]) with ordinality as version (operation, version)
        cross join unnest($4::text[]) as destination
       returning delivery_id, version, destination
     )
     select delivery_id
       from inserted
      order by version, array_position($4::text[], destination)`,
    [recordId, patientKey, versions, destinations]
  )
  return { recordId, deliveryIds: rows.map((row) => row.delivery_id) }
}

// A ledger full of deliveries that are due, as accepting leaves them.
import type { Pool } from '../../src/storage/pool.js'
import { SINKS } from './sink.js'

/** Gives how many deliveries. */
export async function fillLedger(pool: Pool, records: number, body: string): Promise<number> {
  await pool.query('insert into destination (destination) select unnest($1::text[]) on conflict do nothing', [SINKS])
  await pool.query(
    `with made as (
       select gen_random_uuid() as record_id, gen_random_uuid() as patient_key from generate_series(1, $1)
     ), patient as (
       insert into patient (patient_key) select patient_key from made
     ), head as (
       insert into record (
         record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, current_version,
         occurrence_day, occurrence_from, occurrence_until, content_sha256, clinical_sha256, last_updated
       )
       select record_id, patient_key, 'https://bench.example', record_id::text, 'bench', 'FLU', 'completed', 1,
              '2026-10-01', '2026-10-01', '2026-10-02', '\\x00', '\\x00', now()
         from made
     ), version as (
       insert into record_version (
         record_id, version, patient_key, operation, supplier, received_at, payload_sha256, body
       )
       select record_id, 1, patient_key, 'create', 'bench', now(), '\\x00', $2 from made
     )
     insert into delivery (
       delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at, created_at
     )
     select gen_random_uuid(), destination, record_id, 1, patient_key, 1, 'create', 'ready', now(), now()
       from made
      cross join unnest($3::text[]) as destination`,
    [records, body, SINKS]
  )
  await pool.query('analyze')
  return records * SINKS.length
}

export async function countDelivered(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::integer as count from delivery where state = 'delivered'`
  )
  return rows[0]?.count ?? 0
}

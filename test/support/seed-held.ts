// Many records at once, each with one delivery: held, as a bad night leaves them, or due. Patients are synthetic.
import type { Pool } from '../../src/storage/pool.js'

/** Each record is of a patient of its own, and its delivery the head of its lane. Gives the deliveries. */
export async function seedHeld(pool: Pool, destination: string, count: number): Promise<string[]> {
  const deliveryIds = await seedDue(pool, destination, count)
  await pool.query(
    `update delivery
        set state = 'held', epoch = 1, tries = 1, last_class = 'refused', last_status = 422,
            last_message = 'answered 422', last_attempt_at = now()
      where delivery_id = any ($1)`,
    [deliveryIds]
  )
  return deliveryIds
}

/** As they were just accepted. */
export async function seedDue(pool: Pool, destination: string, count: number): Promise<string[]> {
  await pool.query('insert into destination (destination) values ($1) on conflict do nothing', [destination])
  const { rows } = await pool.query<{ delivery_id: string }>(
    `with seed as materialized (
       select new_uuid_v7() as record_id, gen_random_uuid() as patient_key from generate_series(1, $1::integer)
     ), patients as (
       insert into patient (patient_key) select patient_key from seed
     ), records as (
       insert into record (
         record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, current_version,
         occurrence_day, occurrence_from, occurrence_until, content_sha256, clinical_sha256, last_updated
       )
       select record_id, patient_key, 'https://supplier.example/ids', record_id::text, 'supplier-a', 'FLU', 'completed', 1,
              '2026-10-01', '2026-10-01', '2026-10-02', '\\x00', '\\x00', now()
         from seed
     ), versions as (
       insert into record_version (
         record_id, version, patient_key, operation, supplier, received_at, payload_sha256, body
       )
       select record_id, 1, patient_key, 'create', 'supplier-a', now(), '\\x00', '{"resourceType":"Immunization"}'
         from seed
     )
     insert into delivery (
       delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at, created_at
     )
     select new_uuid_v7(), $2, record_id, 1, patient_key, 1, 'create', 'ready', now(), now()
       from seed
     returning delivery_id`,
    [count, destination]
  )
  return rows.map((row) => row.delivery_id)
}

// The baseline: what a service does that commits one record at a time. One statement per record (patient, head, version,
// three deliveries), one commit each, the body stored as text, nothing judged and nothing spoken over HTTP.
import { uuidv7 } from 'uuidv7'
import type { Pool } from '../src/storage/pool.js'

const SCHEMA = `
create schema if not exists bare;
create table if not exists bare.patient (patient_key uuid primary key, nhs_number text unique);
create table if not exists bare.record (record_id uuid primary key, patient_key uuid not null, system text, value text, unique (system, value));
create table if not exists bare.version (record_id uuid, version integer, body text, primary key (record_id, version));
create table if not exists bare.delivery (delivery_id uuid primary key, record_id uuid, destination text, due_at timestamptz);
alter table bare.version alter body set storage external`

const INSERT = `
with patient as (
  insert into bare.patient (patient_key, nhs_number) values ($1, $2)
      on conflict (nhs_number) do update set nhs_number = excluded.nhs_number
  returning patient_key
), record as (
  insert into bare.record (record_id, patient_key, system, value) select $3, patient_key, 'bare', $4 from patient
), version as (
  insert into bare.version (record_id, version, body) values ($3, 1, $5)
)
insert into bare.delivery (delivery_id, record_id, destination, due_at)
select gen_random_uuid(), $3, destination, now() from unnest($6::text[]) as destination`

/** Records committed per second by one connection in a loop. */
export async function commitOneByOne(
  pool: Pool,
  seconds: number,
  body: (n: number) => string,
  nhsNumber: (n: number) => string
): Promise<number> {
  await pool.query(SCHEMA)
  const begin = performance.now()
  const end = begin + seconds * 1000
  let n = 0
  while (performance.now() < end) {
    const text = body(n)
    await pool.query(INSERT, [uuidv7(), nhsNumber(n), uuidv7(), uuidv7(), text, ['nhs', 'gp', 'eligibility']])
    n++
  }
  return n / ((performance.now() - begin) / 1000)
}

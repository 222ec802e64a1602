-- What: look-ups of a patient's records in a register elsewhere (the NHS Immunisation API), and the records found there.
-- Why: accepting never waits for a register; what it holds from others is told beside our records, and never becomes one.

-- One row for each patient and vaccine type that a supplier asked about, made in the transaction that makes a version.
create table elsewhere_lookup (
  patient_key uuid not null references patient,
  vaccine_type text not null,
  -- look: the register is to be asked. regroup: groups have changed, what is known is to be compared again. Null: done.
  wants text check (wants in ('look', 'regroup')),
  -- Whoever works on it moves it to the end of a lease.
  due_at timestamptz not null default now(),
  epoch integer not null default 0,
  tries integer not null default 0,
  looked_at timestamptz,
  problem text,
  primary key (patient_key, vaccine_type),
  check (wants is not null or looked_at is not null)
);
create index elsewhere_lookup_due_idx on elsewhere_lookup (due_at) where wants is not null;

-- What deduplication compares of a record that is not ours; its text is not kept.
create table elsewhere_record (
  patient_key uuid not null references patient,
  -- Name of the destination that holds it.
  source text not null,
  identifier_system text not null,
  identifier_value text not null,
  remote_id text not null,
  vaccine_type text not null,
  features jsonb not null,
  found_at timestamptz not null,
  -- The event of ours that it tells of, or may tell of; both null where there is none.
  group_id uuid,
  outcome text check (outcome in ('same', 'possible')),
  rule text,
  score integer,
  primary key (patient_key, source, identifier_system, identifier_value),
  check ((group_id is null) = (outcome is null))
);
create index elsewhere_record_group_idx on elsewhere_record (group_id) where group_id is not null;

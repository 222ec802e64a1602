-- What: when event groups and pair decisions last changed, an id for each pair that a person is asked about, and audit
-- entries by patient. Why: they are served as Linkage and Task, which have a version, a time and an id that never change
-- their meaning; and "who looked at this patient?" must not read the whole trail.

alter table event_group add column updated_at timestamptz not null default now();

-- authoredOn of the Task; decided_at moves with every later verdict.
alter table pair_decision add column opened_at timestamptz;
update pair_decision set opened_at = decided_at;
alter table pair_decision
  alter column opened_at set default now(),
  alter column opened_at set not null,
  add column revision integer not null default 1 check (revision >= 1),
  -- Made of the two records, in the shape of a version 8 UUID: the same pair is the same Task, also after it was
  -- taken back and raised again.
  add column task_id uuid not null generated always as (
    overlay(
      overlay(encode(substring(sha256(uuid_send(record_a) || uuid_send(record_b)) from 1 for 16), 'hex') placing '8' from 13)
      placing 'a' from 17
    )::uuid
  ) stored;
create unique index pair_decision_task_key on pair_decision (task_id);
create index pair_decision_review_idx on pair_decision (decided_at)
  where outcome = 'possible' or decided_by <> 'system';
create index pair_decision_b_idx on pair_decision (record_b);

create index audit_entry_patient_idx on audit_entry (patient_key) where patient_key is not null;

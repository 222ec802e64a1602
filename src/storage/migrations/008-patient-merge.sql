-- What: where the records of a superseded NHS number are kept, and who merged it, when, why and until when.
-- Why: PDS replaces numbers; both must find the whole history, and a wrong merge must be undone exactly.

-- The patient that the records of this number are kept under while it is superseded, at the end of any chain. Null
-- otherwise. record.patient_key is always such an end; record_version.patient_key is the patient of the number that the
-- version itself gives, so that a merge that is undone knows which records go where.
alter table patient add column merged_into uuid references patient check (merged_into <> patient_key);
create index patient_merged_into_idx on patient (merged_into) where merged_into is not null;

-- Added to the revisions of the event groups, so that the version of a patient's totals rises when groups move away.
alter table patient add column source_version_base integer not null default 0;

create table patient_merge (
  merge_id uuid primary key,
  superseded_key uuid not null references patient,
  successor_key uuid not null references patient,
  merged_at timestamptz not null,
  merged_by text not null,
  reason text not null,
  -- Record id -> event group id of both patients before the merge: undone, the groups have their old ids again.
  groups_before jsonb not null,
  undone_at timestamptz,
  undone_by text,
  undone_reason text,
  check (superseded_key <> successor_key),
  check ((undone_at is null) = (undone_by is null) and (undone_at is null) = (undone_reason is null))
);
create unique index patient_merge_one_successor_key on patient_merge (superseded_key) where undone_at is null;
create index patient_merge_superseded_idx on patient_merge (superseded_key);
create index patient_merge_successor_idx on patient_merge (successor_key);

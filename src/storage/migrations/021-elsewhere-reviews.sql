-- What: pairs of a record of ours and one that a register holds from others, and what reviewers decided of them. Why: whether
-- the two are one vaccination only a person can say; it is asked, decided and undone like a pair of two records of ours.

-- The record elsewhere is never changed, and forgotten once its register no longer has it: what was decided of it is not.
create table elsewhere_pair (
  record_id uuid not null references record,
  source text not null,
  identifier_system text not null,
  identifier_value text not null,
  -- Moves along with a merge.
  patient_key uuid not null,
  outcome text not null check (outcome in ('same', 'possible', 'distinct')),
  rule text not null,
  score integer not null,
  features jsonb not null,
  rules_version text not null,
  opened_at timestamptz not null,
  decided_by text not null default 'system',
  decided_at timestamptz not null,
  revision integer not null default 1 check (revision >= 1),
  -- Made of the record and the one elsewhere: taken back and raised again it is the same question.
  task_id uuid not null,
  primary key (record_id, source, identifier_system, identifier_value)
);
create unique index elsewhere_pair_task_key on elsewhere_pair (task_id);
create index elsewhere_pair_patient_idx on elsewhere_pair (patient_key);
create index elsewhere_pair_opened_idx on elsewhere_pair (opened_at, task_id);

drop view review_case;
-- A question about a record elsewhere is over when its register no longer has it, or it tells of none of our events.
-- A doubt is over when the record has left the patient, or is deleted, or the two turned out to be one patient.
create view review_case as
select task_id, 'pair' as kind, record_a, record_b, null::uuid as proposed_key, null::text as request_id,
       null::text as source, null::text as identifier_system, null::text as identifier_value,
       null::jsonb as elsewhere_features, patient_key, outcome, rule, score, features, rules_version, decided_by,
       decided_at, opened_at, revision
  from pair_decision
 union all
select doubt.task_id, 'patient', doubt.record_id, null, doubt.proposed_key, doubt.request_id, null, null, null,
       null, doubt.patient_key, 'possible', 'identity-change', 0, '{}', 'none', doubt.decided_by, doubt.decided_at,
       doubt.opened_at, doubt.revision
  from patient_doubt doubt
  join record using (record_id)
  left join patient proposed on proposed.patient_key = doubt.proposed_key
 where doubt.decided_by <> 'system'
    or not record.deleted
       and record.patient_key = doubt.patient_key
       and coalesce(proposed.merged_into, proposed.patient_key) is distinct from doubt.patient_key
 union all
select pair.task_id, 'elsewhere', pair.record_id, null, null, null, pair.source, pair.identifier_system,
       pair.identifier_value, held.features, pair.patient_key, pair.outcome, pair.rule, pair.score, pair.features,
       pair.rules_version, pair.decided_by, pair.decided_at, pair.opened_at, pair.revision
  from elsewhere_pair pair
  left join elsewhere_record held using (patient_key, source, identifier_system, identifier_value)
 where pair.decided_by <> 'system' or held.outcome = 'possible';

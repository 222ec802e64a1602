-- What: records that a refused submission put under another patient, and everything that reviewers are asked in one view.
-- Why: such a record may be filed under the wrong patient, and only a person can say; it is looked at, decided and undone
-- like a possible duplicate.

create table patient_doubt (
  record_id uuid not null references record,
  -- The patient it was with when it was raised; moves along with a merge. Where the record's own differs, it has left.
  patient_key uuid not null,
  -- The patient that the submission named; null where it named none.
  proposed_key uuid references patient,
  -- Of the first such submission: imms refusals shows it.
  request_id text not null,
  opened_at timestamptz not null,
  decided_by text not null default 'system',
  decided_at timestamptz not null,
  revision integer not null default 1 check (revision >= 1),
  -- Made of the record and the patient that was named, in the shape of a version 8 UUID: however often a submission is
  -- sent again, it is one question.
  task_id uuid primary key generated always as (
    overlay(
      overlay(
        encode(
          substring(
            sha256('patient_doubt'::bytea || uuid_send(record_id) || coalesce(uuid_send(proposed_key), ''::bytea))
            from 1 for 16
          ),
          'hex'
        )
        placing '8' from 13
      )
      placing 'a' from 17
    )::uuid
  ) stored
);
create index patient_doubt_record_idx on patient_doubt (record_id);
create index patient_doubt_patient_idx on patient_doubt (patient_key);
create index patient_doubt_opened_idx on patient_doubt (opened_at, task_id);

-- A decision is about a case, whatever kind it is of.
alter table review_decision
  add column task_id uuid,
  alter column record_b drop not null,
  alter column compared_b drop not null,
  drop constraint review_decision_choice_check,
  add constraint review_decision_choice_check
    check (choice in ('same', 'distinct', 'wrong-patient', 'right-patient'));
update review_decision decision
   set task_id = overlay(
         overlay(
           encode(substring(sha256(uuid_send(record_a) || uuid_send(record_b)) from 1 for 16), 'hex')
           placing '8' from 13
         )
         placing 'a' from 17
       )::uuid;
alter table review_decision alter column task_id set not null;
drop index review_decision_active_key;
drop index review_decision_pair_idx;
create unique index review_decision_active_key on review_decision (task_id) where undone_at is null;
create index review_decision_task_idx on review_decision (task_id);

-- A doubt is over when the record has left the patient, or is deleted, or the two turned out to be one patient.
create view review_case as
select task_id, 'pair' as kind, record_a, record_b, null::uuid as proposed_key, null::text as request_id, patient_key,
       outcome, rule, score, features, rules_version, decided_by, decided_at, opened_at, revision
  from pair_decision
 union all
select doubt.task_id, 'patient', doubt.record_id, null, doubt.proposed_key, doubt.request_id, doubt.patient_key,
       'possible', 'identity-change', 0, '{}', 'none', doubt.decided_by, doubt.decided_at, doubt.opened_at, doubt.revision
  from patient_doubt doubt
  join record using (record_id)
  left join patient proposed on proposed.patient_key = doubt.proposed_key
 where doubt.decided_by <> 'system'
    or not record.deleted
       and record.patient_key = doubt.patient_key
       and coalesce(proposed.merged_into, proposed.patient_key) is distinct from doubt.patient_key;

-- What: what reviewers decided of pairs of records, one row per decision, undone ones too, and what the two records said
-- at that moment. Why: a decision outlives new weights, but whoever corrects what it was about must see it looked at again;
-- and each can be undone.

-- What speaks for or against two records being one vaccination, without what the rules make of it.
create function compared_features(features jsonb) returns jsonb language sql immutable as $$
  select (features - array['rulesVersion', 'identifier', 'vaccineType', 'precision', 'ownSite', 'nhsNumberVerified', 'details'])
         #- '{lot,folded}'
         #- '{product,level}'
         #- '{product,ancestors}'
         #- '{product,doseMl}'
$$;

create table review_decision (
  decision_id uuid primary key,
  record_a uuid not null references record,
  record_b uuid not null references record,
  choice text not null check (choice in ('same', 'distinct', 'wrong-patient')),
  reason text not null,
  decided_by text not null,
  decided_at timestamptz not null,
  -- Of the weights that asked.
  rules_version text not null,
  -- compared_features of the two, as the reviewer saw them.
  compared_a jsonb not null,
  compared_b jsonb not null,
  undone_at timestamptz,
  undone_by text,
  undone_reason text,
  check (record_a < record_b),
  check ((undone_at is null) = (undone_by is null) and (undone_at is null) = (undone_reason is null))
);
-- One decision on a pair is in force.
create unique index review_decision_active_key on review_decision (record_a, record_b) where undone_at is null;
create index review_decision_pair_idx on review_decision (record_a, record_b);

-- Reviews, the one that waits longest first.
create index pair_decision_opened_idx on pair_decision (opened_at, task_id)
  where outcome = 'possible' or decided_by <> 'system';

-- What: patients, records and their versions, fingerprints, event groups, deliveries and attempts, audit.
-- Why: the ledger. Whatever must never break is a constraint here: identity, one live head per lane, states.

create table patient (
  patient_key uuid primary key,
  nhs_number text check (nhs_number ~ '^[0-9]{10}$'),
  created_at timestamptz not null default now(),
  constraint patient_nhs_number_key unique (nhs_number)
);

-- The head of a record: what is current. The body lives in record_version only.
create table record (
  record_id uuid primary key,
  patient_key uuid not null references patient,
  identifier_system text not null,
  identifier_value text not null,
  owner text not null,
  vaccine_type text not null,
  status text not null check (status in ('completed', 'entered-in-error', 'not-done')),
  current_version integer not null check (current_version >= 1),
  deleted boolean not null default false,
  occurrence_day date not null,
  occurrence_from timestamptz not null,
  content_sha256 bytea not null,
  clinical_sha256 bytea not null,
  last_updated timestamptz not null,
  constraint record_identity_key unique (identifier_system, identifier_value)
);
create index record_patient_idx on record (patient_key, occurrence_from desc, record_id);
-- A body is stored once, as text, uncompressed and in line where it fits: measured 1.3 to 2 times faster than pglz.
create table record_version (
  record_id uuid not null references record,
  version integer not null check (version >= 1),
  patient_key uuid not null,
  operation text not null check (operation in ('create', 'update', 'delete', 'reinstate')),
  supplier text not null,
  received_at timestamptz not null,
  request_id text,
  payload_sha256 bytea not null,
  -- Issues answered with this version (warnings and information), as an OperationOutcome; null when there were none.
  outcome text,
  -- Null for a delete.
  body text,
  primary key (record_id, version)
);
alter table record_version alter body set storage external;
alter table record_version set (toast_tuple_target = 8160);

-- A submission that was refused: kept as it was sent, with the answer it got.
create table refused_submission (
  submission_id uuid primary key,
  received_at timestamptz not null,
  supplier text not null,
  request_id text,
  http_status integer not null,
  rules text[] not null,
  payload_sha256 bytea not null,
  body text not null,
  outcome text not null
);
alter table refused_submission alter body set storage external;
create index refused_submission_received_idx on refused_submission (received_at);

-- Normalised features of the current version, for comparing it with others of the same patient.
create table fingerprint (
  record_id uuid primary key references record,
  patient_key uuid not null,
  occurrence_day date not null,
  antigens text[] not null,
  features jsonb not null
);
create index fingerprint_patient_day_idx on fingerprint (patient_key, occurrence_day);

-- Records of the same jab. A star round an anchor.
create table event_group (
  group_id uuid primary key,
  patient_key uuid not null,
  -- Both are members, and members are records: checked there once.
  anchor_record_id uuid not null,
  survivor_record_id uuid,
  revision integer not null default 1
);
create index event_group_patient_idx on event_group (patient_key);
create table event_group_member (
  record_id uuid primary key references record,
  group_id uuid not null references event_group,
  patient_key uuid not null,
  role text not null check (role in ('source', 'alternate', 'historical', 'component'))
);
create index event_group_member_group_idx on event_group_member (group_id);

-- One row per compared pair that was not plainly distinct. record_a < record_b.
create table pair_decision (
  record_a uuid not null references record,
  record_b uuid not null references record,
  patient_key uuid not null,
  outcome text not null check (outcome in ('same', 'possible', 'distinct')),
  rule text not null,
  score integer not null,
  features jsonb not null,
  rules_version text not null,
  decided_by text not null,
  decided_at timestamptz not null,
  primary key (record_a, record_b),
  check (record_a < record_b)
);
create index pair_decision_patient_idx on pair_decision (patient_key);

-- The delivery row is the outbox. States and who moves them: see src/storage/delivery-store.ts and the picture in the README.
create table delivery (
  delivery_id uuid primary key,
  destination text not null,
  record_id uuid not null,
  version integer not null,
  patient_key uuid not null,
  lane_seq integer not null check (lane_seq >= 1),
  operation text not null check (operation in ('create', 'update', 'delete', 'reinstate')),
  kind text not null default 'live' check (kind in ('live', 'resend', 'backfill')),
  state text not null check (
    state in ('blocked', 'ready', 'queued', 'in_flight', 'verify', 'held', 'delivered', 'superseded', 'cancelled')
  ),
  due_at timestamptz not null,
  queued_at timestamptz,
  lease_until timestamptz,
  lease_owner text,
  epoch integer not null default 0,
  series integer not null default 1,
  tries integer not null default 0,
  crash_count integer not null default 0,
  outcome_unknown boolean not null default false,
  -- What asks for the next attempt; the claim copies it into the attempt and sets it back.
  triggered_by text not null default 'schedule' check (triggered_by in ('schedule', 'replay')),
  -- The age limit counts from here: when it first became ready, was promoted or replayed.
  series_started_at timestamptz not null default now(),
  last_attempt_at timestamptz,
  last_class text,
  last_status integer,
  last_message text,
  created_at timestamptz not null,
  finished_at timestamptz,
  foreign key (record_id, version) references record_version,
  constraint delivery_lane_key unique (record_id, destination, lane_seq),
  check ((state = 'in_flight') = (lease_until is not null)),
  check ((state in ('delivered', 'superseded', 'cancelled')) = (finished_at is not null))
);
-- Order as a constraint: at most one live head per (destination, record).
create unique index delivery_one_head_key on delivery (record_id, destination)
  where state in ('ready', 'queued', 'in_flight', 'verify', 'held');
create index delivery_due_idx on delivery (destination, due_at) where state in ('ready', 'verify');
create index delivery_queued_idx on delivery (destination, queued_at) where state = 'queued';
create index delivery_lease_idx on delivery (lease_until) where state = 'in_flight';
create index delivery_held_idx on delivery (destination, created_at) where state = 'held';
create index delivery_blocked_idx on delivery (destination, record_id) where state = 'blocked';
create index delivery_replay_idx on delivery (destination) where triggered_by = 'replay';

-- Inserted at claim: an attempt whose process died stays without an end.
create table delivery_attempt (
  delivery_id uuid not null references delivery,
  epoch integer not null,
  series integer not null,
  attempt integer not null,
  triggered_by text not null check (triggered_by in ('schedule', 'replay', 'probe')),
  worker text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  outcome text,
  http_status integer,
  message text,
  primary key (delivery_id, epoch)
);

-- Attempts of the last hour, for status and errors top.
create index delivery_attempt_started_idx on delivery_attempt using brin (started_at);

-- What the receiver calls a record.
create table remote_record (
  destination text not null,
  record_id uuid not null references record,
  remote_id text not null,
  remote_version text,
  delivered_version integer not null,
  updated_at timestamptz not null,
  primary key (destination, record_id)
);

-- Health of a destination, shared by every process. Rows appear when a destination is first seen in the configuration.
create table destination (
  destination text primary key,
  state text not null default 'active' check (state in ('active', 'paused')),
  -- Nothing is sent before this moment: a limit (429) or an open breaker.
  resume_at timestamptz,
  resume_reason text,
  consecutive_failures integer not null default 0,
  breaker_opened_at timestamptz,
  -- Waits since the breaker opened: each one that ends in a failed probe doubles the next.
  breaker_waits integer not null default 0,
  -- Where there is a rate: when the next request may start, whichever process sends it.
  rate_next_at timestamptz,
  last_delivered_at timestamptz
);

-- A replay resolves its filter once into items, so that new failures cannot slip in.
create table replay (
  replay_id uuid primary key,
  destination text not null references destination,
  created_at timestamptz not null,
  actor text not null,
  reason text not null,
  filter jsonb not null,
  state text not null check (state in ('planned', 'running', 'done', 'cancelled')),
  planned integer not null,
  started_at timestamptz,
  finished_at timestamptz
);
create unique index replay_one_running_key on replay (destination) where state = 'running';
create table replay_item (
  replay_id uuid not null references replay,
  delivery_id uuid not null references delivery,
  -- The delivery as the plan saw it: one that was attempted since is skipped.
  planned_state text not null,
  planned_epoch integer not null,
  -- Null until it was requeued or skipped.
  result text check (result in ('requeued', 'skipped')),
  reason text,
  primary key (replay_id, delivery_id)
);

-- Append only, hashed into chains: one chain per writing process, so that no lock is shared between them.
create table audit_chain (
  chain_id uuid primary key,
  process text not null,
  started_at timestamptz not null,
  length integer not null default 0,
  head_sha256 bytea not null
);
create table audit_entry (
  -- Of a row of audit_chain: audit_append locks it.
  chain_id uuid not null,
  position integer not null check (position >= 1),
  at timestamptz not null,
  actor text not null,
  action text not null,
  record_id uuid,
  version integer,
  patient_key uuid,
  -- JSON, as text so that what was hashed is what is kept.
  detail text not null,
  sha256 bytea not null,
  primary key (chain_id, position)
);
create index audit_entry_at_idx on audit_entry (at);
create index audit_entry_record_idx on audit_entry (record_id) where record_id is not null;
create function audit_hash(previous bytea, entry audit_entry) returns bytea language sql immutable as $$
  select sha256(
    previous || convert_to(
      concat_ws(
        '|', entry.chain_id, entry.position, extract(epoch from entry.at), entry.actor, entry.action,
        coalesce(entry.record_id::text, '-'), coalesce(entry.version::text, '-'),
        coalesce(entry.patient_key::text, '-'), entry.detail
      ),
      'UTF8'
    )
  )
$$;
-- Appends in the order given, within the caller's transaction; the lock on the chain lasts until it ends.
create function audit_append(chain uuid, entries json) returns void language plpgsql as $$
declare
  head audit_chain;
  entry audit_entry;
  chained audit_entry[];
begin
  select * into strict head from audit_chain where chain_id = chain for update;
  for entry in select * from json_populate_recordset(null::audit_entry, entries) loop
    head.length := head.length + 1;
    entry.chain_id := chain;
    entry.position := head.length;
    head.head_sha256 := audit_hash(head.head_sha256, entry);
    entry.sha256 := head.head_sha256;
    chained := chained || entry;
  end loop;
  insert into audit_entry select * from unnest(chained);
  update audit_chain set length = head.length, head_sha256 = head.head_sha256 where chain_id = chain;
end
$$;
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'audit entries are never changed';
end
$$;
create trigger audit_entry_append_only before update or delete on audit_entry
  for each row execute function audit_is_append_only();

-- Changed whenever a queue engine starts empty: tells the relay that what it rang for is gone.
create table queue_epoch (
  engine text primary key,
  epoch uuid not null
);

-- Keys that every process of the service must share, made by the first one that starts (page links are signed).
create table service_key (
  name text primary key,
  key bytea not null,
  created_at timestamptz not null default now()
);

-- What: Bundles that are worked on after they were acknowledged, and Provenances that came with a version.
-- Why: an acknowledged Bundle must be finished whatever dies; who vouches for a record is kept as it was told.

-- A Bundle sent with Prefer: respond-async. Its answer lives here until it expires.
create table bundle_job (
  job_id uuid primary key,
  client text not null,
  request_id text not null,
  -- Scopes, permissions and preferences of the request.
  sender jsonb not null,
  -- As received; null once it is done.
  body text,
  entries integer not null,
  state text not null check (state in ('waiting', 'running', 'done')),
  created_at timestamptz not null,
  lease_until timestamptz,
  -- Fencing: a worker whose lease ran out writes nothing more.
  epoch integer not null default 0,
  tries integer not null default 0,
  result_status integer,
  result text,
  expires_at timestamptz,
  check ((state = 'running') = (lease_until is not null)),
  check ((state = 'done') = (result is not null and result_status is not null and expires_at is not null)),
  check ((state = 'done') = (body is null))
);
alter table bundle_job alter body set storage external;
alter table bundle_job alter result set storage external;
create index bundle_job_open_idx on bundle_job (created_at) where state <> 'done';
create index bundle_job_client_idx on bundle_job (client) where state <> 'done';
create index bundle_job_expiry_idx on bundle_job (expires_at) where state = 'done';

-- Entries of a batch that are done, each written with what it did.
create table bundle_job_entry (
  job_id uuid not null references bundle_job on delete cascade,
  entry_index integer not null check (entry_index >= 0),
  answer text not null,
  primary key (job_id, entry_index)
);

create table record_provenance (
  record_id uuid not null,
  version integer not null,
  body_sha256 bytea not null,
  -- A Provenance as JSON text.
  body text not null,
  primary key (record_id, version, body_sha256),
  foreign key (record_id, version) references record_version
);

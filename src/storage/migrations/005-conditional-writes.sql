-- What: keys that callers give to their writes, why a record was deleted, and the way from an identifier's value to it.
-- Why: a write that is sent again is answered as the first time; a delete can be explained; conditions without a system.

-- Written in the transaction of the write, so that a crash cannot part them. The body answered is that of the version.
create table idempotency_key (
  client text not null,
  key text not null,
  -- Of method, target and body: the same key with another request is refused.
  request_sha256 bytea not null,
  kept_at timestamptz not null default now(),
  status integer not null check (status between 200 and 299),
  -- Issues as they were answered: a JSON array.
  issues text not null,
  record_id uuid not null,
  version integer not null,
  primary key (client, key),
  foreign key (record_id, version) references record_version
);
create index idempotency_key_kept_idx on idempotency_key (kept_at);

-- What the caller gave for a delete; null for every other version.
alter table record_version add column reason text check (length(reason) between 1 and 200);

create index record_identifier_value_idx on record (identifier_value);

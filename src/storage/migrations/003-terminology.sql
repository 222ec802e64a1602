-- What: codes that were asked of a terminology server, and the record versions that are to be looked at.
-- Why: accepting never waits for that server; its answer is kept beside the version, and each code is asked once.

-- Never about a patient: a value set, a code system, a code. A row without a result is being asked, or will be again.
create table terminology_answer (
  -- Empty: whether the code system has the code.
  value_set text not null,
  system text not null,
  code text not null,
  result text check (result in ('member', 'not-member', 'unknown')),
  inactive boolean not null default false,
  system_version text,
  as_of timestamptz,
  expires_at timestamptz,
  -- Whoever asks moves it to the end of a lease; a failure moves it to when it is asked again.
  due_at timestamptz not null,
  epoch integer not null default 1,
  failures integer not null default 0,
  problem text,
  primary key (value_set, system, code),
  check ((result is null) = (as_of is null)),
  check ((result is null) = (expires_at is null))
);

-- One row for each version that has a body, made in the transaction that makes the version.
create table terminology_check (
  record_id uuid not null,
  version integer not null,
  -- Whoever looks at it moves it to the end of a lease.
  due_at timestamptz not null default now(),
  epoch integer not null default 0,
  tries integer not null default 0,
  -- JSON array of issues, as text; null until somebody looked.
  issues text,
  -- Null while something is open.
  checked_at timestamptz,
  primary key (record_id, version),
  foreign key (record_id, version) references record_version
);
create index terminology_check_due_idx on terminology_check (due_at) where checked_at is null;

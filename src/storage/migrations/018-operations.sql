-- What: the processes that run and what they measured, counts of the whole fleet, what the invariants found, limits by hand.
-- Why: any process can tell how all of them are, and what operations staff set holds for all of them.

create table process (
  process_id uuid primary key,
  -- host/pid
  name text not null,
  roles text[] not null,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  -- Its clock minus the clock of the database.
  clock_skew_ms double precision not null,
  -- Connections of its pool, lag of its event loop: a JSON object of numbers.
  gauges jsonb not null
);

-- Only ever added to, by every process, some seconds at a time: a restart takes nothing back.
create table fleet_count (
  name text not null,
  -- As Prometheus writes them: destination="gp-record",outcome="refused"
  labels text not null,
  value double precision not null,
  primary key (name, labels)
);

create table invariant_check (
  invariant text primary key,
  checked_at timestamptz not null,
  violations integer not null,
  -- Ids, some of them.
  sample text[] not null
);

-- Below what the destinations file says; null: as the file says.
alter table destination
  add column rate_limit double precision check (rate_limit > 0),
  add column concurrency_limit integer check (concurrency_limit >= 1);

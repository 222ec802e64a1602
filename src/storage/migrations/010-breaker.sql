-- What: what a destination's breaker remembers of failures between answers, and how far it is trusted after it closed.
-- Why: half-dead receivers answer now and then, and one that comes back must not be knocked over by what waited for it.

alter table destination
  add column slow_start integer check (slow_start >= 1),
  add column sample_since timestamptz,
  add column sample_tries integer not null default 0,
  add column sample_unavailable integer not null default 0;

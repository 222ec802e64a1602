-- What: one access token of each application at a receiver, for all workers.
-- Why: one renewal serves the fleet. Sealed by a key that only those who may ask for a token have.
create table access_token (
  name text primary key,
  version integer not null default 0,
  sealed bytea,
  good_until timestamptz,
  renewing_until timestamptz
);

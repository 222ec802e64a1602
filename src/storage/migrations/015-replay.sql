-- What: replays of four modes that are released over time, their rate, approval and pauses, and the end of every item.
-- Why: a replay must leave room for live traffic, stop half way without harm, and be told apart from what it did not do.

alter table replay drop constraint replay_state_check;
alter table replay
  add constraint replay_state_check check (state in ('planned', 'running', 'paused', 'done', 'cancelled')),
  add column mode text not null default 'retry'
    check (mode in ('retry', 'resend-latest', 'resend-exact', 'backfill')),
  add column records integer not null default 0,
  -- Of destination, mode and items: the same plan has the same.
  add column plan_sha256 bytea,
  add column expires_at timestamptz,
  add column allow_stale boolean not null default false,
  -- Why a second person must approve it.
  add column approval_needed text check (approval_needed in ('many', 'stale')),
  add column approved_by text check (approved_by <> actor),
  add column rate_per_second double precision check (rate_per_second > 0),
  -- When the next item is due, whichever relay releases it.
  add column pace_next_at timestamptz,
  add column paused_because text,
  -- Of its progress when it was started or resumed: failures before count no more.
  add column tried_before integer not null default 0,
  add column failing_before integer not null default 0;
-- A paused one keeps its seat.
drop index replay_one_running_key;
create unique index replay_one_open_key on replay (destination) where state in ('running', 'paused');

-- An item of a resend or a backfill has the id of a delivery that is yet to be made.
alter table replay_item
  drop constraint replay_item_delivery_id_fkey,
  drop constraint replay_item_result_check,
  alter column planned_state drop not null,
  alter column planned_epoch drop not null,
  add constraint replay_item_result_check check (result in ('requeued', 'delivered', 'failed', 'skipped')),
  -- Its turn.
  add column place integer not null default 0,
  add column record_id uuid,
  -- Null: the current one, when its turn comes.
  add column version integer,
  add column settled_at timestamptz;
create index replay_item_left_idx on replay_item (replay_id, place) where result is null;
create index replay_item_open_idx on replay_item (replay_id) where result = 'requeued';

-- RFC 9562 version 7: 48 bits of milliseconds, then chance. The version is the 15th character, after the second hyphen.
create function new_uuid_v7() returns uuid language sql volatile as $$
  select overlay(
           overlay(gen_random_uuid()::text placing left(ms, 8) || '-' || right(ms, 4) from 1 for 13)
           placing '7' from 15 for 1
         )::uuid
    from lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') as ms
$$;

// Items whose turn has come: deliveries that were held or waited become due, in their places; resends and backfills
// become deliveries at the end of their lanes. Every call is part of one transaction that holds the replay.
import type { ReplayMode } from './replay.js'
import type { Sql } from './sql.js'

/** A running replay as its next release finds it. */
export interface ReplayTurn {
  replayId: string
  destination: string
  mode: ReplayMode
  allowStale: boolean
  ratePerSecond: number
  /** How far ahead items are released already; negative when their moment has passed. */
  aheadMs: number
  /** Neither paused, nor resting after a limit, nor behind an open breaker. */
  isOpen: boolean
  /** Released and not attempted yet. */
  waiting: number
  /** A live delivery has been due for a second and nobody has it. */
  isLiveLate: boolean
}

export interface ReleasedItems {
  requeued: number
  skipped: number
}

/** The first item is due in `inMs`, each later one `gapMs` after it. */
export interface Spacing {
  inMs: number
  gapMs: number
}

export interface NewItem {
  deliveryId: string
  recordId: string
  /** Null: the current one. */
  version: number | null
}

export interface SettledItem {
  deliveryId: string
  /** Undefined: it was made a delivery. */
  skippedBecause?: string
}

export interface ReplayRelease {
  listRunning(): Promise<string[]>
  /** Undefined when it does not run any more, or another relay has it in this moment. */
  takeTurn(replayId: string): Promise<ReplayTurn | undefined>
  /** Retry: the next items. What is no longer as the plan saw it is skipped. `verifyAfterMs`: quiet of unknown outcomes. */
  requeue(replayId: string, items: number, spacing: Spacing, verifyAfterMs: number): Promise<ReleasedItems>
  /** The other modes: the next items, to be made deliveries by the caller. */
  takeNew(replayId: string, items: number): Promise<NewItem[]>
  /** Deliveries that were just made are those of a replay, due at their turns. */
  markMade(deliveryIds: readonly string[], kind: 'resend' | 'backfill', spacing: Spacing): Promise<void>
  settleNew(replayId: string, items: readonly SettledItem[]): Promise<void>
  /** The pace goes on from the last item that was released. */
  keepPace(replayId: string, nextInMs: number): Promise<void>
}

export function createReplayRelease(sql: Sql): ReplayRelease {
  return {
    async listRunning() {
      const { rows } = await sql.query<{ replayId: string }>(
        `select replay_id as "replayId" from replay where state = 'running'`
      )
      return rows.map((row) => row.replayId)
    },
    async takeTurn(replayId) {
      const { rows } = await sql.query<ReplayTurn>(TAKE_TURN, [replayId])
      return rows[0]
    },
    async requeue(replayId, items, { inMs, gapMs }, verifyAfterMs) {
      const { rows } = await sql.query<ReleasedItems>(REQUEUE, [replayId, items, inMs, gapMs, verifyAfterMs])
      return rows[0] ?? { requeued: 0, skipped: 0 }
    },
    async takeNew(replayId, items) {
      const { rows } = await sql.query<NewItem>(
        `select delivery_id as "deliveryId", record_id as "recordId", version
           from replay_item
          where replay_id = $1
            and result is null
          order by place
          limit $2
            for update`,
        [replayId, items]
      )
      return rows
    },
    async markMade(deliveryIds, kind, { inMs, gapMs }) {
      await sql.query(MARK_MADE, [deliveryIds, kind, inMs, gapMs])
    },
    async settleNew(replayId, items) {
      await sql.query(SETTLE_NEW, [
        replayId,
        items.map((item) => item.deliveryId),
        items.map((item) => item.skippedBecause ?? null)
      ])
    },
    async keepPace(replayId, nextInMs) {
      await sql.query(`update replay set pace_next_at = now() + $2 * interval '1 millisecond' where replay_id = $1`, [
        replayId,
        nextInMs
      ])
    }
  }
}

// One replay of a destination is open at a time, so what is marked there belongs to it; a claim takes the mark away.
const TAKE_TURN = `
select replay_id as "replayId", replay.destination, mode, allow_stale as "allowStale",
       rate_per_second as "ratePerSecond",
       (extract(epoch from pace_next_at - now()) * 1000)::double precision as "aheadMs",
       destination.state = 'active'
         and destination.breaker_opened_at is null
         and (destination.resume_at is null or destination.resume_at <= now()) as "isOpen",
       (
         select count(*)
           from delivery
          where delivery.destination = replay.destination
            and delivery.triggered_by = 'replay'
            and delivery.state in ('ready', 'verify', 'queued')
       )::integer as waiting,
       exists (
         select
           from delivery
          where delivery.destination = replay.destination
            and delivery.kind = 'live'
            and delivery.triggered_by <> 'replay'
            and delivery.state in ('ready', 'verify')
            and delivery.due_at < now() - interval '1 second'
       )
       or exists (
         select
           from delivery
          where delivery.destination = replay.destination
            and delivery.kind = 'live'
            and delivery.triggered_by <> 'replay'
            and delivery.state = 'queued'
            and delivery.queued_at < now() - interval '1 second'
       ) as "isLiveLate"
  from replay
  join destination on destination.destination = replay.destination
 where replay_id = $1
   and replay.state = 'running'
   for update of replay skip locked`

const REQUEUE = `
with turn as (
  select delivery_id, planned_state, planned_epoch, place
    from replay_item
   where replay_id = $1
     and result is null
   order by place
   limit $2
     for update
), untouched as (
  select delivery.delivery_id, turn.place
    from turn
    join delivery on delivery.delivery_id = turn.delivery_id
   where delivery.state = turn.planned_state
     and delivery.epoch = turn.planned_epoch
   order by delivery.delivery_id
     for update of delivery
), timed as (
  select delivery_id,
         now() + ($3::double precision + (row_number() over (order by place) - 1) * $4::double precision) * interval '1 millisecond' as turn_at
    from untouched
), requeued as (
  update delivery
     set state = case when outcome_unknown then 'verify' else 'ready' end,
         series = case when state = 'held' then series + 1 else series end,
         tries = case when state = 'held' then 0 else tries end,
         crash_count = 0,
         series_started_at = now(),
         triggered_by = 'replay',
         due_at = case
           when outcome_unknown
             then greatest(timed.turn_at, last_attempt_at + $5 * interval '1 millisecond')
           else timed.turn_at
         end
    from timed
   where delivery.delivery_id = timed.delivery_id
  returning delivery.delivery_id
), settled as (
  update replay_item
     set result = case when requeued.delivery_id is null then 'skipped' else 'requeued' end,
         settled_at = case when requeued.delivery_id is null then now() end,
         reason = case
           when requeued.delivery_id is not null then null
           when delivery.state in ('delivered', 'superseded', 'cancelled') then 'It is ' || delivery.state || ' since'
           when delivery.epoch <> turn.planned_epoch then 'It was attempted again since, and is ' || delivery.state
           else 'It was ' || turn.planned_state || ' and is ' || delivery.state || ' since'
         end
    from turn
    join delivery on delivery.delivery_id = turn.delivery_id
    left join requeued on requeued.delivery_id = turn.delivery_id
   where replay_item.replay_id = $1
     and replay_item.delivery_id = turn.delivery_id
  returning replay_item.result
)
select count(*) filter (where result = 'requeued')::integer as requeued,
       count(*) filter (where result = 'skipped')::integer as skipped
  from settled`

const MARK_MADE = `
update delivery
   set kind = $2,
       triggered_by = 'replay',
       due_at = now() + ($3::double precision + (made.place - 1) * $4::double precision) * interval '1 millisecond'
  from unnest($1::uuid[]) with ordinality as made (delivery_id, place)
 where delivery.delivery_id = made.delivery_id`

const SETTLE_NEW = `
update replay_item
   set result = case when item.reason is null then 'requeued' else 'skipped' end,
       reason = item.reason,
       settled_at = case when item.reason is not null then now() end
  from unnest($2::uuid[], $3::text[]) as item (delivery_id, reason)
 where replay_item.replay_id = $1
   and replay_item.delivery_id = item.delivery_id`

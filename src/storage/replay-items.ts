// The deliveries of a replay: held -> ready (verify where the outcome is unknown), and what became of each.
import type { Sql } from './sql.js'

export interface ReplayProgress {
  requeued: number
  skipped: number
  /** Of the requeued ones. `waiting`: neither ended nor held. */
  delivered: number
  held: number
  waiting: number
}

export interface ReplayItem {
  deliveryId: string
  result: 'requeued' | 'skipped' | null
  /** Why it was skipped. */
  reason: string | null
  /** Of the delivery, now. */
  state: string
  class: string | null
}

export interface ReplayItems {
  /**
   * Makes the deliveries of a replay due, one every `gapMs`, so that what comes in meanwhile is not kept waiting. Held:
   * a new series. Those that are not as the plan saw them are skipped. `verifyAfterMs`: the quiet that an unknown
   * outcome asks for is kept.
   */
  requeue(replayId: string, gapMs: number, verifyAfterMs: number): Promise<{ requeued: number; skipped: number }>
  readProgress(replayId: string): Promise<ReplayProgress>
  listItems(replayId: string, limit: number): Promise<ReplayItem[]>
}

export function createReplayItems(sql: Sql): ReplayItems {
  return {
    async requeue(replayId, gapMs, verifyAfterMs) {
      const requeued = await sql.query(REQUEUE, [replayId, gapMs, verifyAfterMs])
      const skipped = await sql.query(SKIP_REST, [replayId])
      return { requeued: requeued.rowCount, skipped: skipped.rowCount }
    },
    async readProgress(replayId) {
      const { rows } = await sql.query<ReplayProgress>(READ_PROGRESS, [replayId])
      return rows[0] ?? { requeued: 0, skipped: 0, delivered: 0, held: 0, waiting: 0 }
    },
    async listItems(replayId, limit) {
      const { rows } = await sql.query<ReplayItem>(LIST_ITEMS, [replayId, limit])
      return rows
    }
  }
}

const REQUEUE = `
with untouched as (
  select delivery.delivery_id, delivery.created_at
    from replay_item
    join delivery on delivery.delivery_id = replay_item.delivery_id
   where replay_item.replay_id = $1
     and delivery.state = replay_item.planned_state
     and delivery.epoch = replay_item.planned_epoch
   order by delivery.delivery_id
     for update of delivery
), timed as (
  select delivery_id, now() + (row_number() over (order by created_at, delivery_id) - 1) * $2 * interval '1 millisecond'
           as turn_at
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
             then greatest(timed.turn_at, last_attempt_at + $3 * interval '1 millisecond')
           else timed.turn_at
         end
    from timed
   where delivery.delivery_id = timed.delivery_id
  returning delivery.delivery_id
)
update replay_item
   set result = 'requeued'
  from requeued
 where replay_item.replay_id = $1
   and replay_item.delivery_id = requeued.delivery_id`

const SKIP_REST = `
update replay_item
   set result = 'skipped',
       reason = case
         when delivery.state in ('delivered', 'superseded', 'cancelled') then 'It is ' || delivery.state || ' since'
         when delivery.epoch <> replay_item.planned_epoch then 'It was attempted again since, and is ' || delivery.state
         else 'It was ' || replay_item.planned_state || ' and is ' || delivery.state || ' since'
       end
  from delivery
 where replay_item.replay_id = $1
   and replay_item.result is null
   and delivery.delivery_id = replay_item.delivery_id`

const READ_PROGRESS = `
select count(*) filter (where result = 'requeued')::integer as requeued,
       count(*) filter (where result = 'skipped')::integer as skipped,
       count(*) filter (where result = 'requeued' and delivery.state = 'delivered')::integer as delivered,
       count(*) filter (where result = 'requeued' and delivery.state = 'held')::integer as held,
       count(*) filter (
         where result = 'requeued' and delivery.state not in ('delivered', 'superseded', 'cancelled', 'held')
       )::integer as waiting
  from replay_item
  join delivery using (delivery_id)
 where replay_id = $1`

const LIST_ITEMS = `
select delivery_id as "deliveryId", result, reason, delivery.state, delivery.last_class as class
  from replay_item
  join delivery using (delivery_id)
 where replay_id = $1
 order by delivery_id
 limit $2`

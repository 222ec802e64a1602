// Replays: a filter resolved once into items, and what became of each. What a delivery's state means: delivery-store.ts.
import type { Sql } from './sql.js'

export interface ReplayFilter {
  destination: string
  /** `ready`: waiting for a later moment, after an attempt that failed. */
  states: readonly ('held' | 'ready')[]
  /** When the last attempt ended: from, and before. A delivery that was never attempted counts by its planning. */
  since?: Date
  until?: Date
  /** Of the last attempt: refused, unavailable, fault, crashed, expired, … */
  class?: string
  /** The longest planned first. */
  limit?: number
}

export interface PlannedReplay {
  replayId: string
  planned: number
  records: number
  /** When the first and the last of the deliveries were planned. Null when there are none. */
  oldest: Date | null
  newest: Date | null
  byClass: Record<string, number>
}

export type ReplayState = 'planned' | 'running' | 'done' | 'cancelled'

export interface Replay {
  replayId: string
  destination: string
  state: ReplayState
  planned: number
  createdAt: Date
  actor: string
  reason: string
  filter: Record<string, unknown>
  startedAt: Date | null
  /** Every delivery was attempted once more (or had ended already). */
  finishedAt: Date | null
}

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

export interface ReplayStore {
  /** Changes nothing but the replay and its items. */
  plan(plan: { replayId: string; actor: string; reason: string; filter: ReplayFilter }): Promise<PlannedReplay>
  /** Nobody else may start or cancel it before the transaction ends. */
  lock(replayId: string): Promise<Replay | undefined>
  findRunning(destination: string): Promise<Replay | undefined>
  setState(replayId: string, state: 'running' | 'cancelled'): Promise<void>
  /**
   * Makes the deliveries of a replay due, one every `gapMs`, so that what comes in meanwhile is not kept waiting. Held:
   * a new series. Those that are not as the plan saw them are skipped. `verifyAfterMs`: the quiet that an unknown
   * outcome asks for is kept.
   */
  requeue(replayId: string, gapMs: number, verifyAfterMs: number): Promise<{ requeued: number; skipped: number }>
  /** Running replays whose deliveries were all attempted once -> done. */
  finishEnded(): Promise<{ replayId: string; destination: string }[]>
  find(replayId: string): Promise<Replay | undefined>
  /** Newest first. */
  list(limit: number): Promise<Replay[]>
  readProgress(replayId: string): Promise<ReplayProgress>
  listItems(replayId: string, limit: number): Promise<ReplayItem[]>
}

export function createReplayStore(sql: Sql): ReplayStore {
  const findWhere = async (condition: string, values: readonly unknown[]): Promise<Replay | undefined> => {
    const { rows } = await sql.query<Replay>(`${SELECT_REPLAY} where ${condition}`, values)
    return rows[0]
  }
  return {
    async plan({ replayId, actor, reason, filter }) {
      const { destination, states, since, until, class: lastClass, limit } = filter
      const { rows } = await sql.query<Omit<PlannedReplay, 'replayId'>>(PLAN, [
        replayId,
        actor,
        reason,
        JSON.stringify(filter),
        destination,
        states,
        since ?? null,
        until ?? null,
        lastClass ?? null,
        limit ?? null
      ])
      const summary = rows[0]
      if (!summary) throw new Error('planning a replay gave no summary')
      return { replayId, ...summary }
    },
    lock: (replayId) => findWhere('replay_id = $1 for update', [replayId]),
    findRunning: (destination) => findWhere(`destination = $1 and state = 'running'`, [destination]),
    async setState(replayId, state) {
      await sql.query(SET_STATE, [replayId, state])
    },
    async requeue(replayId, gapMs, verifyAfterMs) {
      const requeued = await sql.query(REQUEUE, [replayId, gapMs, verifyAfterMs])
      const skipped = await sql.query(SKIP_REST, [replayId])
      return { requeued: requeued.rowCount, skipped: skipped.rowCount }
    },
    async finishEnded() {
      const { rows } = await sql.query<{ replayId: string; destination: string }>(FINISH_ENDED)
      return rows
    },
    find: (replayId) => findWhere('replay_id = $1', [replayId]),
    async list(limit) {
      const { rows } = await sql.query<Replay>(`${SELECT_REPLAY} order by created_at desc, replay_id limit $1`, [limit])
      return rows
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

const PLAN = `
with chosen as (
  select delivery_id, record_id, state, epoch, created_at, coalesce(last_class, 'none') as class
    from delivery
   where destination = $5
     and (
           ('held' = any ($6::text[]) and state = 'held')
           or ('ready' = any ($6::text[]) and state in ('ready', 'verify') and due_at > now())
         )
     and ($7::timestamptz is null or coalesce(last_attempt_at, created_at) >= $7)
     and ($8::timestamptz is null or coalesce(last_attempt_at, created_at) < $8)
     and ($9::text is null or last_class = $9)
   order by created_at, delivery_id
   limit $10
), header as (
  insert into replay (replay_id, destination, created_at, actor, reason, filter, state, planned)
  select $1, $5, now(), $2, $3, $4::jsonb, 'planned', count(*)
    from chosen
), item as (
  insert into replay_item (replay_id, delivery_id, planned_state, planned_epoch)
  select $1, delivery_id, state, epoch
    from chosen
), by_class as (
  select class, count(*) as deliveries
    from chosen
   group by class
)
select count(*)::integer as planned,
       count(distinct record_id)::integer as records,
       min(created_at) as oldest,
       max(created_at) as newest,
       coalesce((select json_object_agg(class, deliveries) from by_class), '{}') as "byClass"
  from chosen`

const SELECT_REPLAY = `
select replay_id as "replayId", destination, state, planned, created_at as "createdAt", actor, reason, filter,
       started_at as "startedAt", finished_at as "finishedAt"
  from replay`

const SET_STATE = `
update replay
   set state = $2,
       started_at = case when $2 = 'running' then now() end,
       finished_at = case when $2 = 'cancelled' then now() end
 where replay_id = $1`

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

// One replay of a destination runs at a time, so what is marked there belongs to it. A claim takes the mark away.
const FINISH_ENDED = `
update replay
   set state = 'done', finished_at = now()
 where state = 'running'
   and not exists (
         select
           from delivery
          where delivery.destination = replay.destination
            and delivery.triggered_by = 'replay'
            and delivery.state in ('ready', 'verify', 'queued')
       )
returning replay_id as "replayId", destination`

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

// Replays: a filter resolved once into items. What a delivery's state means: delivery-store.ts.
import { createReplayItems, type ReplayItems } from './replay-items.js'
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

export interface ReplayStore extends ReplayItems {
  /** Changes nothing but the replay and its items. */
  plan(plan: { replayId: string; actor: string; reason: string; filter: ReplayFilter }): Promise<PlannedReplay>
  /** Nobody else may start or cancel it before the transaction ends. */
  lock(replayId: string): Promise<Replay | undefined>
  findRunning(destination: string): Promise<Replay | undefined>
  setState(replayId: string, state: 'running' | 'cancelled'): Promise<void>
  /** Running replays whose deliveries were all attempted once -> done. */
  finishEnded(): Promise<{ replayId: string; destination: string }[]>
  find(replayId: string): Promise<Replay | undefined>
  /** Newest first. */
  list(limit: number): Promise<Replay[]>
}

export function createReplayStore(sql: Sql): ReplayStore {
  const findWhere = async (condition: string, values: readonly unknown[]): Promise<Replay | undefined> => {
    const { rows } = await sql.query<Replay>(`${SELECT_REPLAY} where ${condition}`, values)
    return rows[0]
  }
  return {
    ...createReplayItems(sql),
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
    async finishEnded() {
      const { rows } = await sql.query<{ replayId: string; destination: string }>(FINISH_ENDED)
      return rows
    },
    find: (replayId) => findWhere('replay_id = $1', [replayId]),
    async list(limit) {
      const { rows } = await sql.query<Replay>(`${SELECT_REPLAY} order by created_at desc, replay_id limit $1`, [limit])
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

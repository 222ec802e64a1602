// What became of the items of a replay. A result is written once the delivery has ended, or is held again.
import type { ReplayItem, ReplayProgress } from './replay.js'
import type { Sql } from './sql.js'

export interface ItemsPage {
  result?: NonNullable<ReplayItem['result']>
  limit: number
}

export interface ReplayItems {
  /** Writes what has become of released items, of any replay; at most `limit`. Gives how many. */
  settle(limit: number): Promise<number>
  readProgress(replayId: string): Promise<ReplayProgress>
  /** In the order of their turns. */
  listItems(replayId: string, page: ItemsPage): Promise<ReplayItem[]>
}

export function createReplayItems(sql: Sql): ReplayItems {
  return {
    async settle(limit) {
      const { rowCount } = await sql.query(SETTLE, [limit])
      return rowCount
    },
    async readProgress(replayId) {
      const { rows } = await sql.query<ReplayProgress>(READ_PROGRESS, [replayId])
      const progress = rows[0]
      if (!progress) throw new Error('counting the items of a replay gave nothing')
      return progress
    },
    async listItems(replayId, { result, limit }) {
      const { rows } = await sql.query<ReplayItem>(LIST_ITEMS, [replayId, result ?? null, limit])
      return rows
    }
  }
}

const SETTLE = `
with ended as (
  select replay_item.replay_id, replay_item.delivery_id, delivery.state
    from replay_item
    join delivery on delivery.delivery_id = replay_item.delivery_id
   where replay_item.result = 'requeued'
     and delivery.state in ('delivered', 'held', 'superseded', 'cancelled')
   limit $1
     for update of replay_item skip locked
)
update replay_item
   set result = case ended.state when 'delivered' then 'delivered' when 'held' then 'failed' else 'skipped' end,
       reason = case when ended.state in ('superseded', 'cancelled') then 'It was ' || ended.state || ' afterwards' end,
       settled_at = now()
  from ended
 where replay_item.replay_id = ended.replay_id
   and replay_item.delivery_id = ended.delivery_id`

// A claim takes the mark 'replay' away: what still carries it was not attempted yet.
const READ_PROGRESS = `
select count(*) filter (where result is null)::integer as left,
       count(*) filter (where result = 'delivered' or open.state = 'delivered')::integer as delivered,
       count(*) filter (where result = 'failed' or open.state = 'held')::integer as failed,
       count(*) filter (where result = 'skipped' or open.state in ('superseded', 'cancelled'))::integer as skipped,
       count(*) filter (where open.state = 'blocked')::integer as blocked,
       count(*) filter (
         where open.state = 'in_flight' or (open.state in ('ready', 'verify', 'queued') and open.triggered_by = 'replay')
       )::integer as waiting,
       count(*) filter (
         where open.state in ('ready', 'verify', 'queued') and open.triggered_by <> 'replay'
       )::integer as retrying,
       (
         count(*) filter (where result in ('delivered', 'failed') and settled_at > now() - interval '30 seconds') / 30.0
       )::double precision as "endedPerSecond"
  from replay_item
  left join lateral (
         select state, triggered_by
           from delivery
          where replay_item.result = 'requeued'
            and delivery.delivery_id = replay_item.delivery_id
       ) as open on true
 where replay_id = $1`

const LIST_ITEMS = `
select delivery_id as "deliveryId", coalesce(delivery.record_id, replay_item.record_id) as "recordId", result, reason,
       delivery.state, delivery.last_class as class
  from replay_item
  left join delivery using (delivery_id)
 where replay_id = $1
   and ($2::text is null or result = $2)
 order by place, delivery_id
 limit $3`

// blocked -> ready: the next one of a lane, when its head has ended and so has what else it waits for.
import type { Sql } from './sql.js'

export interface Lane {
  destination: string
  recordId: string
}

export interface DeliveryLanes {
  /** In the order that everybody uses; with the records that wait for one of `endingIds`. */
  lockRecords(recordIds: readonly string[], endingIds?: readonly string[]): Promise<void>
  /**
   * The lowest blocked delivery of each lane without a live head becomes ready, unless it waits for a successor; gives how
   * many did. `endedIds`: the lanes that waited for these are looked at too. The caller holds the locks of the records,
   * taken by an earlier statement: this one must see what ingest added meanwhile.
   */
  promote(lanes: readonly Lane[], endedIds?: readonly string[]): Promise<number>
  /**
   * Lanes with blocked deliveries that wait for nothing and no live head: there are none unless somebody changed rows by
   * hand, or a lane began to wait in the moment in which its own head and its successor both ended. Repaired by lockRecords
   * and promote in one transaction.
   */
  findHeadlessLanes(limit: number): Promise<Lane[]>
}

export function createDeliveryLanes(sql: Sql): DeliveryLanes {
  return {
    async lockRecords(recordIds, endingIds = []) {
      await sql.query(LOCK_RECORDS, [recordIds, endingIds])
    },
    async promote(lanes, endedIds = []) {
      if (lanes.length === 0 && endedIds.length === 0) return 0
      const { rowCount } = await sql.query(PROMOTE, [
        lanes.map((lane) => lane.destination),
        lanes.map((lane) => lane.recordId),
        endedIds
      ])
      return rowCount
    },
    async findHeadlessLanes(limit) {
      const { rows } = await sql.query<Lane>(FIND_HEADLESS, [limit])
      return rows
    }
  }
}

const LOCK_RECORDS = `
select record_id
  from record
 where record_id = any (
         $1::uuid[] || array(select delivery.record_id from delivery where successor_id = any ($2::uuid[]) and state = 'blocked')
       )
 order by record_id
   for no key update`

/** Of a blocked delivery and its successor: whether it need not wait for that one (any more). */
const MAY_GO = `(
       waiting.successor_id is null
       or successor.state in ('delivered', 'superseded', 'cancelled')
       or (waiting.takeover is null and successor.state = 'held')
     )`

const PROMOTE = `
with lane as (
  select destination, record_id
    from unnest($1::text[], $2::uuid[]) as lane (destination, record_id)
   union
  select destination, record_id
    from delivery
   where successor_id = any ($3::uuid[])
     and state = 'blocked'
), waiting as (
  select distinct on (destination, record_id) delivery.delivery_id, delivery.successor_id, delivery.takeover
    from lane
    join delivery using (destination, record_id)
   where delivery.state = 'blocked'
     and not exists (
           select
             from delivery as head
            where head.destination = lane.destination
              and head.record_id = lane.record_id
              and head.state in ('ready', 'queued', 'in_flight', 'verify', 'held')
         )
   order by destination, record_id, lane_seq
)
update delivery
   set state = 'ready', due_at = now(), series_started_at = now()
  from waiting
  left join delivery successor on successor.delivery_id = waiting.successor_id
 where delivery.delivery_id = waiting.delivery_id
   and delivery.state = 'blocked'
   and ${MAY_GO}`

const FIND_HEADLESS = `
select waiting.destination, waiting.record_id as "recordId"
  from (
         select distinct on (destination, record_id) destination, record_id, successor_id, takeover
           from delivery as blocked
          where state = 'blocked'
            and not exists (
                  select
                    from delivery as head
                   where head.destination = blocked.destination
                     and head.record_id = blocked.record_id
                     and head.state in ('ready', 'queued', 'in_flight', 'verify', 'held')
                )
          order by destination, record_id, lane_seq
       ) waiting
  left join delivery successor on successor.delivery_id = waiting.successor_id
 where ${MAY_GO}
 limit $1`

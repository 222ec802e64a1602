// blocked -> ready: the next one of a lane, when its head has ended.
import type { Sql } from './sql.js'

export interface Lane {
  destination: string
  recordId: string
}

export interface DeliveryLanes {
  /** In the order that everybody uses. */
  lockRecords(recordIds: readonly string[]): Promise<void>
  /**
   * The lowest blocked delivery of each lane without a live head becomes ready; gives how many did. The caller holds the
   * locks of the records, taken by an earlier statement: this one must see what ingest added meanwhile.
   */
  promote(lanes: readonly Lane[]): Promise<number>
  /**
   * Lanes with blocked deliveries and no live head: there are none unless somebody changed rows by hand. Repaired by
   * lockRecords and promote in one transaction.
   */
  findHeadlessLanes(limit: number): Promise<Lane[]>
}

export function createDeliveryLanes(sql: Sql): DeliveryLanes {
  return {
    async lockRecords(recordIds) {
      await sql.query(LOCK_RECORDS, [recordIds])
    },
    async promote(lanes) {
      if (lanes.length === 0) return 0
      const { rowCount } = await sql.query(PROMOTE, [
        lanes.map((lane) => lane.destination),
        lanes.map((lane) => lane.recordId)
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
 where record_id = any ($1)
 order by record_id
   for no key update`

const PROMOTE = `
with lane as (
  select distinct destination, record_id
    from unnest($1::text[], $2::uuid[]) as lane (destination, record_id)
), next as (
  select distinct on (destination, record_id) delivery.delivery_id
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
  from next
 where delivery.delivery_id = next.delivery_id`

const FIND_HEADLESS = `
select distinct blocked.destination, blocked.record_id as "recordId"
  from delivery as blocked
 where blocked.state = 'blocked'
   and not exists (
         select
           from delivery as head
          where head.destination = blocked.destination
            and head.record_id = blocked.record_id
            and head.state in ('ready', 'queued', 'in_flight', 'verify', 'held')
       )
 limit $1`

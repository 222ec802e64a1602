// Deliveries as they are born: in the transaction that makes the version they carry.
import type { DeliveryOperation } from './delivery.js'
import type { Sql } from './sql.js'

export interface NewDelivery {
  deliveryId: string
  destination: string
  recordId: string
  version: number
  patientKey: string
  operation: DeliveryOperation
  /** This version went down this lane before. */
  isAgain?: boolean
}

export interface OutboxStore {
  /** Destinations that some version of each record was ever planned for. */
  findLanes(recordIds: readonly string[]): Promise<Map<string, Set<string>>>
  /**
   * Adds deliveries at the end of their lanes, in the order given: `ready` where the lane has nothing unfinished, else
   * `blocked`. The caller holds the locks of the records, so nobody else finishes or adds in these lanes meanwhile.
   */
  insert(deliveries: readonly NewDelivery[]): Promise<void>
}

export function createOutboxStore(sql: Sql): OutboxStore {
  return {
    async findLanes(recordIds) {
      const lanes = new Map<string, Set<string>>()
      if (recordIds.length === 0) return lanes
      const { rows } = await sql.query<{ record_id: string; destinations: string[] }>(
        `select record_id, array_agg(distinct destination) as destinations
           from delivery
          where record_id = any ($1)
          group by record_id`,
        [recordIds]
      )
      for (const row of rows) lanes.set(row.record_id, new Set(row.destinations))
      return lanes
    },

    async insert(deliveries) {
      if (deliveries.length === 0) return
      await sql.query(INSERT, [JSON.stringify(deliveries.map(toRow))])
    }
  }
}

const INSERT = `
with planned as (
  select delivery_id, destination, record_id, version, patient_key, operation, is_again,
         row_number() over (partition by destination, record_id order by place)::integer as place_in_lane
    from json_to_recordset($1) as planned (
           place integer, delivery_id uuid, destination text, record_id uuid, version integer, patient_key uuid,
           operation text, is_again boolean
         )
)
insert into delivery (
  delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at, created_at
)
select planned.delivery_id, planned.destination, planned.record_id, planned.version, planned.patient_key,
       coalesce(lane.last_seq, 0) + planned.place_in_lane, planned.operation,
       case when coalesce(lane.is_busy, false) or planned.place_in_lane > 1 then 'blocked' else 'ready' end,
       now(), now()
  from planned
  left join lateral (
         select max(lane_seq) as last_seq,
                bool_or(state not in ('delivered', 'superseded', 'cancelled')) as is_busy
           from delivery
          where delivery.destination = planned.destination and delivery.record_id = planned.record_id
       ) lane on planned.version > 1 or planned.is_again`

function toRow(delivery: NewDelivery, place: number): object {
  return {
    place,
    delivery_id: delivery.deliveryId,
    destination: delivery.destination,
    record_id: delivery.recordId,
    version: delivery.version,
    patient_key: delivery.patientKey,
    operation: delivery.operation,
    is_again: delivery.isAgain === true
  }
}

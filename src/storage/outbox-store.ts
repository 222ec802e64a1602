// Deliveries as they are born: in the transaction that makes the version they carry, or that makes another record count.
import { createDeliveryLanes, type Lane } from './delivery-lanes.js'
import type { DeliveryOperation, Takeover } from './delivery.js'
import type { Sql } from './sql.js'

export interface NewDelivery {
  deliveryId: string
  destination: string
  recordId: string
  version: number
  patientKey: string
  operation: DeliveryOperation
  /** The record was there before: its lane may hold deliveries already. */
  isAgain?: boolean
  /** Live, and of a record that is locked. */
  successorId?: string
  takeover?: Takeover
  /** Never to be sent: a row that says so, and which delivery of its lane is sent instead, if any. */
  isOver?: boolean
  supersededBy?: string
}

/** One delivery of a lane, unless it was cancelled or superseded. */
export interface LaneEntry {
  deliveryId: string
  version: number
  patientKey: string
  operation: DeliveryOperation
  successorId?: string
  takeover?: Takeover
}

/** What a receiver was told of a record, and what it is still to be told. */
export interface LaneState {
  /** The last one that was ever attempted; `ended` once it is through. */
  last?: LaneEntry & { ended: boolean }
  /** Never attempted, nor ever held, in lane order. */
  pending: readonly LaneEntry[]
}

/** Lanes by record id and destination. */
export type LaneStates = Map<string, Map<string, LaneState>>

export interface OutboxStore {
  /** Destinations that some version of each record was ever planned for, and how far they are. */
  findLanes(recordIds: readonly string[]): Promise<LaneStates>
  /**
   * Adds deliveries at the end of their lanes, in the order given: `ready` where the lane has nothing unfinished and no
   * successor is waited for, else `blocked`. The caller holds the locks of the records, so nobody else finishes or adds in
   * these lanes meanwhile.
   */
  insert(deliveries: readonly NewDelivery[]): Promise<void>
  /** Takes back what was never attempted; gives those that a worker has not claimed meanwhile. */
  supersede(deliveryIds: readonly string[]): Promise<string[]>
  /** Names, for superseded deliveries, the ones of their lanes that they gave way to. */
  nameSuperseding(supersededBy: ReadonlyMap<string, string>): Promise<void>
  /**
   * Those that wait for one of `from` wait for `to` now, or for nothing. Inside a transaction only. `mayReplace`: the
   * message of `to` will name what it replaces; else each of them is told by itself.
   */
  passOn(
    from: readonly string[],
    to: { deliveryId: string; recordId: string; mayReplace: boolean } | undefined
  ): Promise<void>
}

export function createOutboxStore(sql: Sql): OutboxStore {
  const lanes = createDeliveryLanes(sql)
  return {
    async findLanes(recordIds) {
      if (recordIds.length === 0) return new Map()
      const { rows } = await sql.query<LaneRow>(FIND_LANES, [recordIds])
      return toLaneStates(rows)
    },

    async insert(deliveries) {
      if (deliveries.length === 0) return
      await sql.query(INSERT, [JSON.stringify(deliveries.map(toRow))])
    },

    async supersede(deliveryIds) {
      if (deliveryIds.length === 0) return []
      const { rows } = await sql.query<{ delivery_id: string }>(SUPERSEDE, [deliveryIds])
      return rows.map((row) => row.delivery_id)
    },

    async nameSuperseding(supersededBy) {
      if (supersededBy.size === 0) return
      await sql.query(NAME_SUPERSEDING, [[...supersededBy.keys()], [...supersededBy.values()]])
    },

    async passOn(from, to) {
      if (from.length === 0) return
      const { rows } = await sql.query<Lane>(PASS_ON, [
        from,
        to?.deliveryId ?? null,
        to?.recordId ?? null,
        to?.mayReplace ?? true
      ])
      if (rows.length === 0) return
      await lanes.lockRecords(rows.map(({ recordId }) => recordId))
      await lanes.promote(rows)
    }
  }
}

const FIND_LANES = `
select record_id, destination, delivery_id, version, patient_key, operation, successor_id, takeover,
       epoch = 0 and last_class is null and state in ('blocked', 'ready', 'queued') as is_pending,
       state = 'delivered' as ended
  from delivery
 where record_id = any ($1)
   and state not in ('superseded', 'cancelled')
 order by record_id, destination, lane_seq`

const INSERT = `
with planned as (
  select delivery_id, destination, record_id, version, patient_key, operation, is_again, successor_id, takeover,
         is_over, superseded_by,
         (row_number() over in_lane)::integer as place_in_lane,
         (count(*) filter (where not is_over) over in_lane)::integer as live_place
    from json_to_recordset($1) as planned (
           place integer, delivery_id uuid, destination text, record_id uuid, version integer, patient_key uuid,
           operation text, is_again boolean, successor_id uuid, takeover text, is_over boolean, superseded_by uuid
         )
  window in_lane as (partition by destination, record_id order by place)
)
insert into delivery (
  delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at, created_at,
  finished_at, successor_id, takeover, superseded_by
)
select planned.delivery_id, planned.destination, planned.record_id, planned.version, planned.patient_key,
       coalesce(lane.last_seq, 0) + planned.place_in_lane, planned.operation,
       case
         when planned.is_over then 'superseded'
         when coalesce(lane.is_busy, false) or planned.live_place > 1 or planned.successor_id is not null then 'blocked'
         else 'ready'
       end,
       now(), now(), case when planned.is_over then now() end, planned.successor_id, planned.takeover,
       planned.superseded_by
  from planned
  left join lateral (
         select max(lane_seq) as last_seq,
                bool_or(state not in ('delivered', 'superseded', 'cancelled')) as is_busy
           from delivery
          where delivery.destination = planned.destination and delivery.record_id = planned.record_id
       ) lane on planned.version > 1 or planned.is_again`

// A worker that has claimed it in this moment is waited for, and keeps it.
const SUPERSEDE = `
update delivery
   set state = 'superseded', queued_at = null, finished_at = now()
 where delivery_id = any ($1)
   and epoch = 0
   and state in ('blocked', 'ready', 'queued')
returning delivery_id`

const NAME_SUPERSEDING = `
update delivery
   set superseded_by = named.superseded_by
  from unnest($1::uuid[], $2::uuid[]) as named (delivery_id, superseded_by)
 where delivery.delivery_id = named.delivery_id
   and delivery.state = 'superseded'`

// Nothing waits for what comes behind it in its own lane.
const PASS_ON = `
update delivery
   set successor_id = case when record_id = $3 then null else $2::uuid end,
       takeover = case when takeover = 'replaced' and not $4 then 'withdrawn' else takeover end
 where successor_id = any ($1)
   and state = 'blocked'
returning destination, record_id as "recordId"`

interface LaneRow {
  record_id: string
  destination: string
  delivery_id: string
  version: number
  patient_key: string
  operation: DeliveryOperation
  successor_id: string | null
  takeover: Takeover | null
  is_pending: boolean
  ended: boolean
}

function toLaneStates(rows: readonly LaneRow[]): LaneStates {
  const states: LaneStates = new Map()
  for (const row of rows) {
    const ofRecord = states.get(row.record_id) ?? new Map<string, LaneState>()
    const lane = ofRecord.get(row.destination) ?? { pending: [] }
    const entry = toEntry(row)
    ofRecord.set(
      row.destination,
      row.is_pending
        ? { ...lane, pending: [...lane.pending, entry] }
        : { last: { ...entry, ended: row.ended }, pending: [] }
    )
    states.set(row.record_id, ofRecord)
  }
  return states
}

function toEntry({ delivery_id: deliveryId, version, patient_key, operation, ...row }: LaneRow): LaneEntry {
  const { successor_id, takeover } = row
  return {
    deliveryId,
    version,
    patientKey: patient_key,
    operation,
    ...(successor_id === null ? {} : { successorId: successor_id }),
    ...(takeover === null ? {} : { takeover })
  }
}

function toRow(delivery: NewDelivery, place: number): object {
  return {
    place,
    delivery_id: delivery.deliveryId,
    destination: delivery.destination,
    record_id: delivery.recordId,
    version: delivery.version,
    patient_key: delivery.patientKey,
    operation: delivery.operation,
    is_again: delivery.isAgain === true,
    successor_id: delivery.successorId,
    takeover: delivery.takeover,
    is_over: delivery.isOver === true,
    superseded_by: delivery.supersededBy
  }
}

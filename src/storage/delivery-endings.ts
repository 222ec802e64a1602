// in_flight -> delivered, held, or later; held -> cancelled; and whoever waited behind goes on.
import { createDeliveryLanes, type Lane } from './delivery-lanes.js'
import type { Sql } from './sql.js'

/** How an attempt ended: the class that the attempt and its delivery keep. */
export type AttemptClass =
  'delivered' | 'not-needed' | 'unavailable' | 'limited' | 'credentials' | 'refused' | 'fault' | 'stopped'

export interface AttemptEnd {
  deliveryId: string
  recordId: string
  /** Of the claim. When the delivery was claimed again since, or its lease was swept, nothing is changed. */
  epoch: number
  next: 'delivered' | 'retry' | 'held'
  class: AttemptClass
  /** HTTP status. */
  status?: number
  message?: string
  /** When it is tried again, from now on. */
  dueInMs: number
  /** False for what says nothing about this delivery: a limit, credentials, our own stop. */
  counts: boolean
  /** Whether the receiver may have it without our knowing; `as-before` where this attempt adds nothing to that. */
  outcome: 'known' | 'unknown' | 'as-before'
  remote?: { id: string; version?: string }
  /** Delivered to a receiver that answers later: when it is overdue, from now on. */
  answerWithinMs?: number
}

export interface FinishedDelivery extends Lane {
  deliveryId: string
  state: 'delivered' | 'ready' | 'verify' | 'held'
}

export interface DeliveryEndings {
  /**
   * Ends attempts. Inside a transaction only: it locks the records first. A retry of a delivery that is older than
   * `maxAgeMs` becomes held, class `expired`. A try counts only while the destination's breaker is closed.
   * `fenced`: deliveries that somebody else has by now. `promoted`: deliveries that became ready behind them.
   */
  finish(
    ends: readonly AttemptEnd[],
    maxAgeMs: number
  ): Promise<{ finished: FinishedDelivery[]; fenced: string[]; promoted: number }>
  /**
   * Gives up held deliveries: an explicit gap. Inside a transaction only. `lanes`: of those that were held. Where one was
   * to take another record's place, that one stays at the receiver: its deletion is given up as well.
   */
  cancelHeld(deliveryIds: readonly string[]): Promise<{ lanes: Lane[]; promoted: number }>
}

export function createDeliveryEndings(sql: Sql): DeliveryEndings {
  const lanes = createDeliveryLanes(sql)
  return {
    async finish(ends, maxAgeMs) {
      if (ends.length === 0) return { finished: [], fenced: [], promoted: 0 }
      // Only an end promotes, and only a promotion must not race with ingest.
      const ending = ends.filter((end) => end.next === 'delivered').map((end) => end.recordId)
      const letGo = ends.filter((end) => end.next !== 'retry').map((end) => end.deliveryId)
      if (letGo.length > 0) await lanes.lockRecords(ending, letGo)
      const { rows } = await sql.query<FinishedDelivery>(FINISH, [JSON.stringify(ends.map(toRow)), maxAgeMs])
      const finished = new Set(rows.map((row) => row.deliveryId))
      // A statement of its own: it must see what ingest added while we waited for the records.
      const promoted = await lanes.promote(
        rows.filter((row) => row.state === 'delivered'),
        rows.flatMap(({ state, deliveryId }) => (state === 'delivered' || state === 'held' ? [deliveryId] : []))
      )
      const fenced = ends.map((end) => end.deliveryId).filter((deliveryId) => !finished.has(deliveryId))
      return { finished: rows, fenced, promoted }
    },

    async cancelHeld(deliveryIds) {
      const records = await sql.query<{ recordId: string }>(
        'select distinct record_id as "recordId" from delivery where delivery_id = any ($1)',
        [deliveryIds]
      )
      await lanes.lockRecords(
        records.rows.map((row) => row.recordId),
        deliveryIds
      )
      const { rows } = await sql.query<CancelledLane>(CANCEL_HELD, [deliveryIds])
      const kept = await sql.query<Lane>(CANCEL_TAKEOVERS, [rows.map((row) => row.deliveryId)])
      const promoted = await lanes.promote(
        [...rows, ...kept.rows],
        rows.map((row) => row.deliveryId)
      )
      return { lanes: rows.map(({ destination, recordId }) => ({ destination, recordId })), promoted }
    }
  }
}

const FINISH = `
with ended as (
  select *
    from json_to_recordset($1) as ended (
           delivery_id uuid, epoch integer, next text, class text, status integer, message text,
           due_in_ms double precision, counts boolean, outcome_unknown boolean, remote_id text, remote_version text,
           answer_within_ms double precision
         )
), judged as (
  select delivery.delivery_id, ended.epoch, ended.class, ended.status, ended.message, ended.due_in_ms,
         ended.remote_id, ended.remote_version, ended.answer_within_ms,
         case
           when ended.next = 'retry' and delivery.series_started_at < now() - $2 * interval '1 millisecond'
             then 'expired'
           else ended.next
         end as next,
         case
           when not ended.counts then 0
           when destination.breaker_opened_at is not null then 0
           else 1
         end as tries,
         coalesce(ended.outcome_unknown, delivery.outcome_unknown) as outcome_unknown
    from ended
    join delivery on delivery.delivery_id = ended.delivery_id
    left join destination on destination.destination = delivery.destination
   where delivery.epoch = ended.epoch
     and delivery.state = 'in_flight'
   order by delivery.delivery_id
     for update of delivery
), finished as (
  update delivery
     set state = case judged.next
           when 'delivered' then 'delivered'
           when 'retry' then case when judged.outcome_unknown then 'verify' else 'ready' end
           else 'held'
         end,
         due_at = case
           when judged.next = 'retry' then now() + judged.due_in_ms * interval '1 millisecond'
           else delivery.due_at
         end,
         lease_until = null, lease_owner = null, crash_count = 0,
         tries = delivery.tries + judged.tries,
         outcome_unknown = judged.outcome_unknown,
         last_attempt_at = now(),
         last_class = case when judged.next = 'expired' then 'expired' else judged.class end,
         last_status = judged.status, last_message = judged.message,
         finished_at = case when judged.next = 'delivered' then now() end
    from judged
   where delivery.delivery_id = judged.delivery_id
  returning delivery.delivery_id, delivery.destination, delivery.record_id, delivery.version, delivery.state
), attempt as (
  update delivery_attempt
     set ended_at = now(), outcome = judged.class, http_status = judged.status, message = judged.message
    from judged
   where delivery_attempt.delivery_id = judged.delivery_id
     and delivery_attempt.epoch = judged.epoch
), remote as (
  insert into remote_record (destination, record_id, remote_id, remote_version, delivered_version, updated_at)
  select finished.destination, finished.record_id, judged.remote_id, judged.remote_version, finished.version, now()
    from finished
    join judged using (delivery_id)
   where judged.remote_id is not null
  on conflict (destination, record_id) do update
     set remote_id = excluded.remote_id, remote_version = excluded.remote_version,
         delivered_version = excluded.delivered_version, updated_at = excluded.updated_at
), awaited as (
  insert into acknowledgement (delivery_id, destination, state, message_id, due_at)
  select finished.delivery_id, finished.destination, 'awaited', judged.remote_id,
         now() + judged.answer_within_ms * interval '1 millisecond'
    from finished
    join judged using (delivery_id)
   where finished.state = 'delivered'
     and judged.answer_within_ms is not null
  on conflict (delivery_id) do update
     set message_id = excluded.message_id, due_at = excluded.due_at
)
select delivery_id as "deliveryId", destination, record_id as "recordId", state
  from finished`

const CANCEL_HELD = `
update delivery
   set state = 'cancelled', finished_at = now()
 where delivery_id = any ($1)
   and state = 'held'
returning delivery_id as "deliveryId", destination, record_id as "recordId"`

const CANCEL_TAKEOVERS = `
update delivery
   set state = 'cancelled', finished_at = now()
 where successor_id = any ($1)
   and takeover is not null
   and state = 'blocked'
returning destination, record_id as "recordId"`

interface CancelledLane extends Lane {
  deliveryId: string
}

function toRow(end: AttemptEnd): object {
  return {
    delivery_id: end.deliveryId,
    epoch: end.epoch,
    next: end.next,
    class: end.class,
    status: end.status,
    message: end.message,
    due_in_ms: end.dueInMs,
    counts: end.counts,
    outcome_unknown: end.outcome === 'as-before' ? null : end.outcome === 'unknown',
    remote_id: end.remote?.id,
    remote_version: end.remote?.version,
    answer_within_ms: end.answerWithinMs
  }
}

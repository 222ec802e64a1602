// What receivers say later about deliveries they took. The delivery itself stays `delivered`: it was. Beside it stands
//
// awaited    taken, and nothing final was said; a good infrastructure answer alone is not final. Time over: overdue.
// overdue    nothing final in time. A person is told; an answer that comes after all still counts.
// positive   the end: the record is filed. What is said later changes nothing.
// negative   the end: it is not filed. Once its delivery has ended, a follow-up delivery of the same version is put at the
//            end of the lane, held with the reason, so that a person must look and later versions wait behind it; its
//            replay is a new message under a new id. Where a later version is on its way or was delivered already, that one
//            decides, and nothing is held. Either is done once (settled_at).
//
// An answer that overtakes the record of its own sending is kept, and found there when the sending is recorded.
import type { Sql } from './sql.js'

export interface AnswerRecord {
  destination: string
  about: { deliveryId?: string; messageId?: string }
  level: 'transport' | 'infrastructure' | 'business'
  isPositive: boolean
  code: string
  text: string
}

export type AcknowledgementState = 'awaited' | 'overdue' | 'positive' | 'negative'

export interface RejectedDelivery {
  deliveryId: string
  recordId: string
}

/** `held`: the follow-up is the held head of its lane. `overtaken`: a later version decides. */
export interface RejectionEnd {
  kind: 'held' | 'overtaken'
  destination: string
  recordId: string
  version: number
  reason: string
}

export interface AcknowledgementStore {
  /** Gives the delivery and how it stands now; undefined when the answer is about none of ours. The same again changes nothing. */
  record(answer: AnswerRecord): Promise<{ deliveryId: string; state: AcknowledgementState } | undefined>
  /** Those whose time is over, now overdue. */
  expire(destination: string): Promise<RejectedDelivery[]>
  /** Negative ones whose delivery has ended and from which nothing has followed yet. */
  findRejected(destination: string, limit: number): Promise<RejectedDelivery[]>
  /**
   * Does what follows from a negative one. Inside a transaction, with the record locked by an earlier statement. Undefined
   * when it was done meanwhile.
   */
  settleRejected(deliveryId: string, followUpId: string): Promise<RejectionEnd | undefined>
  /** A person lets an overdue one be. False when it is not overdue, or was let be before. */
  letBe(destination: string, deliveryId: string): Promise<boolean>
}

export function createAcknowledgementStore(sql: Sql): AcknowledgementStore {
  return {
    async record({ destination, about, level, isPositive, code, text }) {
      const { rows } = await sql.query<{ deliveryId: string; state: AcknowledgementState }>(RECORD, [
        destination,
        about.deliveryId ?? null,
        about.messageId ?? null,
        isPositive ? (level === 'business' ? 'positive' : 'awaited') : 'negative',
        level === 'business' ? null : code,
        level === 'business' ? code : null,
        isPositive ? null : text
      ])
      return rows[0]
    },
    async expire(destination) {
      const { rows } = await sql.query<RejectedDelivery>(EXPIRE, [destination])
      return rows
    },
    async findRejected(destination, limit) {
      const { rows } = await sql.query<RejectedDelivery>(FIND_REJECTED, [destination, limit])
      return rows
    },
    async settleRejected(deliveryId, followUpId) {
      const { rows } = await sql.query<RejectionEnd>(SETTLE_REJECTED, [deliveryId, followUpId])
      return rows[0]
    },
    async letBe(destination, deliveryId) {
      const { rowCount } = await sql.query(
        `update acknowledgement
            set settled_at = now()
          where destination = $1
            and delivery_id = $2
            and state = 'overdue'
            and settled_at is null`,
        [destination, deliveryId]
      )
      return rowCount > 0
    }
  }
}

const RECORD = `
with meant as (
  select delivery_id, 1 as trust
    from delivery
   where delivery_id = $2
     and destination = $1
   union all
  select delivery_id, 2
    from acknowledgement
   where destination = $1
     and message_id = $3
   order by trust
   limit 1
)
insert into acknowledgement as known (
  delivery_id, destination, state, infrastructure_code, business_code, reason, answered_at
)
select delivery_id, $1, $4, $5, $6, $7, now()
  from meant
on conflict (delivery_id) do update
   set state = case
         when known.state in ('positive', 'negative') or excluded.state = 'awaited' then known.state
         else excluded.state
       end,
       infrastructure_code = coalesce(known.infrastructure_code, excluded.infrastructure_code),
       business_code = coalesce(known.business_code, excluded.business_code),
       reason = coalesce(known.reason, excluded.reason),
       answered_at = coalesce(known.answered_at, excluded.answered_at),
       settled_at = case when known.state = 'overdue' and excluded.state = 'negative' then null else known.settled_at end
returning delivery_id as "deliveryId", state`

const EXPIRE = `
update acknowledgement
   set state = 'overdue'
  from delivery
 where acknowledgement.destination = $1
   and acknowledgement.state = 'awaited'
   and acknowledgement.due_at <= now()
   and delivery.delivery_id = acknowledgement.delivery_id
returning delivery.delivery_id as "deliveryId", delivery.record_id as "recordId"`

const FIND_REJECTED = `
select delivery.delivery_id as "deliveryId", delivery.record_id as "recordId"
  from acknowledgement
  join delivery using (delivery_id)
 where acknowledgement.destination = $1
   and acknowledgement.state = 'negative'
   and acknowledgement.settled_at is null
   and delivery.state in ('delivered', 'superseded', 'cancelled')
 order by delivery.delivery_id
 limit $2`

// A later delivery that was given up or never sent says nothing about this one.
const SETTLE_REJECTED = `
with rejected as (
  select acknowledgement.delivery_id, acknowledgement.reason, delivery.destination, delivery.record_id, delivery.version,
         delivery.patient_key, delivery.operation, lane.last_seq,
         delivery.state = 'delivered' and not lane.has_later as is_last
    from acknowledgement
    join delivery using (delivery_id)
   cross join lateral (
           select max(other.lane_seq) as last_seq,
                  coalesce(
                    bool_or(other.lane_seq > delivery.lane_seq and other.state not in ('superseded', 'cancelled')),
                    false
                  ) as has_later
             from delivery as other
            where other.destination = delivery.destination
              and other.record_id = delivery.record_id
         ) as lane
   where acknowledgement.delivery_id = $1
     and acknowledgement.state = 'negative'
     and acknowledgement.settled_at is null
     for update of acknowledgement
), held as (
  insert into delivery (
    delivery_id, destination, record_id, version, patient_key, lane_seq, operation, kind, state, due_at, created_at,
    last_attempt_at, last_class, last_message
  )
  select $2, destination, record_id, version, patient_key, last_seq + 1, operation, 'resend', 'held', now(), now(),
         now(), 'rejected', 'The receiver took version ' || version || ' and refused it later: ' || reason
    from rejected
   where is_last
  returning delivery_id
), settled as (
  update acknowledgement
     set settled_at = now(), follow_up_id = (select delivery_id from held)
    from rejected
   where acknowledgement.delivery_id = rejected.delivery_id
)
select case when is_last then 'held' else 'overtaken' end as kind,
       destination, record_id as "recordId", version, reason
  from rejected`

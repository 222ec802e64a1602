// What must always be true of deliveries, each as a query that finds where it is not.

export interface Invariant {
  /** I1 to I9 of the design; I10 is the queue engine's. */
  id: string
  /** What is true when nothing is found. */
  title: string
  /** What the ids are of. */
  of: 'record' | 'delivery' | 'replay'
}

/** $1: since, $2: at most, $3: destinations. Each gives `id`. */
export const INVARIANT_CHECKS: readonly (Invariant & { sql: string })[] = [
  {
    id: 'I1',
    title: 'what a destination is told last of a record is how it is now',
    of: 'record',
    // A lane that ends with a deletion tells nothing any more. What was given up by a person counts as told, what gave way
    // to something later does not.
    sql: `
select distinct record.record_id as id
  from record_version version
  join record using (record_id)
 cross join lateral (
         select max(delivery.version) filter (where delivery.state <> 'superseded') as version,
                (array_agg(delivery.operation order by delivery.lane_seq desc)
                  filter (where delivery.state not in ('superseded', 'cancelled')))[1] as operation
           from delivery
          where delivery.record_id = record.record_id
            and delivery.destination = any ($3)
          group by delivery.destination
       ) told
 where version.received_at >= $1
   and told.operation <> 'delete'
   and told.version < record.current_version
 limit $2`
  },
  {
    id: 'I2',
    title: 'whatever is on its way has a next step',
    of: 'delivery',
    // Nobody sweeps: the lease is over, or the mark is old while the destination may be sent to.
    sql: `
select delivery.delivery_id as id
  from delivery
 where delivery.state = 'in_flight'
   and delivery.lease_until < now() - interval '1 minute'
 union all
select delivery.delivery_id
  from delivery
 where delivery.state = 'queued'
   and delivery.queued_at is null
 union all
select delivery.delivery_id
  from delivery
 where delivery.state in ('ready', 'verify')
   and delivery.due_at > now() + interval '1 day'
 limit $2`
  },
  {
    id: 'I3',
    title: 'what is blocked waits for a delivery that has not ended',
    of: 'delivery',
    // For an earlier one of its own lane, or for the one that brings the record which takes the place of its own.
    sql: `
select blocked.delivery_id as id
  from delivery blocked
  left join delivery successor on successor.delivery_id = blocked.successor_id
 where blocked.state = 'blocked'
   and coalesce(successor.state in ('delivered', 'superseded', 'cancelled'), true)
   and not exists (
         select
           from delivery head
          where head.record_id = blocked.record_id
            and head.destination = blocked.destination
            and head.lane_seq < blocked.lane_seq
            and head.state in ('ready', 'queued', 'in_flight', 'verify', 'held', 'blocked')
       )
 limit $2`
  },
  {
    id: 'I4',
    title: 'a record arrives in the order of its versions',
    of: 'delivery',
    sql: `
select distinct later.delivery_id as id
  from delivery_attempt attempt
  join delivery later using (delivery_id)
  join delivery earlier
    on earlier.record_id = later.record_id
   and earlier.destination = later.destination
   and earlier.lane_seq < later.lane_seq
  join lateral (
         select min(ended_at) as at
           from delivery_attempt success
          where success.delivery_id = earlier.delivery_id
            and success.outcome = 'delivered'
       ) earlier_success on true
 where attempt.started_at >= $1
   and attempt.outcome = 'delivered'
   and later.kind = 'live'
   and earlier.kind = 'live'
   and earlier_success.at > (
         select min(ended_at)
           from delivery_attempt success
          where success.delivery_id = later.delivery_id
            and success.outcome = 'delivered'
       )
 limit $2`
  },
  {
    id: 'I5',
    title: 'what is delivered has an attempt that succeeded, and it was the last',
    of: 'delivery',
    sql: `
select delivery.delivery_id as id
  from delivery
 where delivery.state = 'delivered'
   and delivery.delivery_id in (select delivery_id from delivery_attempt where started_at >= $1)
   and not exists (
         select
           from delivery_attempt success
          where success.delivery_id = delivery.delivery_id
            and success.epoch = delivery.epoch
            and success.outcome in ('delivered', 'not-needed')
       )
 limit $2`
  },
  {
    id: 'I6',
    title: 'every claim has left its attempt',
    of: 'delivery',
    sql: `
select delivery.delivery_id as id
  from delivery
 where delivery.delivery_id in (select delivery_id from delivery_attempt where started_at >= $1)
   and delivery.epoch <> (
         select count(*)
           from delivery_attempt attempt
          where attempt.delivery_id = delivery.delivery_id
       )
 limit $2`
  },
  {
    id: 'I7',
    title: 'what has ended is not sent again',
    of: 'delivery',
    sql: `
select distinct delivery.delivery_id as id
  from delivery_attempt attempt
  join delivery using (delivery_id)
 where attempt.started_at >= $1
   and delivery.finished_at < attempt.started_at
 limit $2`
  },
  {
    id: 'I8',
    title: 'behind an open breaker only probes are sent',
    of: 'delivery',
    // What was claimed while the opening was being recorded is no fault.
    sql: `
select distinct attempt.delivery_id as id
  from destination
  join delivery on delivery.destination = destination.destination
  join delivery_attempt attempt on attempt.delivery_id = delivery.delivery_id
 where destination.breaker_opened_at is not null
   and attempt.started_at >= $1
   and attempt.started_at > destination.breaker_opened_at + interval '5 seconds'
   and attempt.triggered_by <> 'probe'
 limit $2`
  },
  {
    id: 'I9',
    title: 'a replay says who, why and with what result',
    of: 'replay',
    sql: `
select replay.replay_id as id
  from replay
 where replay.created_at >= $1
   and (
         replay.actor = ''
         or replay.reason = ''
         or (
           replay.state = 'done'
           and exists (
             select from replay_item item where item.replay_id = replay.replay_id and item.result is null
           )
         )
       )
 limit $2`
  }
]

export const INVARIANTS: readonly Invariant[] = INVARIANT_CHECKS.map(({ id, title, of }) => ({ id, title, of }))

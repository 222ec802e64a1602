// How each destination is doing, and which errors it gives.
import type { Sql } from './sql.js'

export interface DestinationHealth {
  destination: string
  state: 'active' | 'paused'
  /** Nothing is sent before this moment: a limit, or an open breaker. */
  resumeAt: Date | null
  resumeReason: string | null
  consecutiveFailures: number
  breakerOpenedAt: Date | null
  lastDeliveredAt: Date | null
  /** When the oldest delivery that has not ended was planned. */
  oldestUndeliveredAt: Date | null
  /** Ready, and its moment has come. */
  due: number
  /** Ready for a later moment: a retry. */
  retrying: number
  blocked: number
  queued: number
  inFlight: number
  verify: number
  held: number
  /** Since the moment asked for. */
  delivered: number
  errors: number
}

/** Attempts that ended alike: same destination, class, status and wording (ids and numbers apart). */
export interface ErrorGroup {
  destination: string
  class: string
  status: number | null
  fingerprint: string
  /** Of the latest attempt in the group. */
  message: string | null
  count: number
  firstAt: Date
  lastAt: Date
  sampleDeliveryId: string
}

export interface OpsHealthQueries {
  /** One per destination that was ever configured or delivered to, by name. */
  readDestinationHealth(at: { now: Date; since: Date }): Promise<DestinationHealth[]>
  /** Undefined for a destination that was never configured. */
  findDestinationState(destination: string): Promise<'active' | 'paused' | undefined>
  /** Most frequent first. */
  findErrorGroups(wanted: { destination?: string; since: Date; until: Date; limit: number }): Promise<ErrorGroup[]>
}

const DONE = ['delivered', 'not-needed']
/** Not an error of anybody: our own process was told to stop. */
const NO_ERROR = [...DONE, 'stopped']

export function createOpsHealthQueries(sql: Sql): OpsHealthQueries {
  return {
    async readDestinationHealth({ now, since }) {
      const { rows } = await sql.query<DestinationHealth>(READ_HEALTH, [now, since, DONE, NO_ERROR])
      return rows
    },

    async findDestinationState(destination) {
      const { rows } = await sql.query<{ state: 'active' | 'paused' }>(
        'select state from destination where destination = $1',
        [destination]
      )
      return rows[0]?.state
    },

    async findErrorGroups({ destination, since, until, limit }) {
      const values = [since, until, NO_ERROR, destination ?? null, limit]
      const { rows } = await sql.query<ErrorGroup>(FIND_ERRORS, values)
      return rows
    }
  }
}

// The oldest undelivered is always a head: what is blocked was planned after its head, so the partial index
// delivery_one_head_key is enough for it.
const READ_HEALTH = `
with head as (
  select destination,
         min(created_at) as oldest_at,
         count(*) filter (where state = 'ready' and due_at <= $1) as due,
         count(*) filter (where state = 'ready' and due_at > $1) as retrying,
         count(*) filter (where state = 'queued') as queued,
         count(*) filter (where state = 'in_flight') as in_flight,
         count(*) filter (where state = 'verify') as verify,
         count(*) filter (where state = 'held') as held
    from delivery
   where state in ('ready', 'queued', 'in_flight', 'verify', 'held')
   group by destination
), behind as (
  select destination, count(*) as blocked
    from delivery
   where state = 'blocked'
   group by destination
), lately as (
  select delivery.destination,
         count(*) filter (where attempt.outcome = any ($3)) as delivered,
         count(*) filter (where attempt.outcome <> all ($4)) as errors
    from delivery_attempt attempt
    join delivery using (delivery_id)
   where attempt.started_at >= $2
   group by delivery.destination
), known as (
  select destination from destination
   union
  select destination from head
   union
  select destination from lately
)
select known.destination,
       coalesce(settings.state, 'active') as state,
       settings.resume_at as "resumeAt",
       settings.resume_reason as "resumeReason",
       coalesce(settings.consecutive_failures, 0) as "consecutiveFailures",
       settings.breaker_opened_at as "breakerOpenedAt",
       settings.last_delivered_at as "lastDeliveredAt",
       head.oldest_at as "oldestUndeliveredAt",
       coalesce(head.due, 0)::integer as due,
       coalesce(head.retrying, 0)::integer as retrying,
       coalesce(behind.blocked, 0)::integer as blocked,
       coalesce(head.queued, 0)::integer as queued,
       coalesce(head.in_flight, 0)::integer as "inFlight",
       coalesce(head.verify, 0)::integer as verify,
       coalesce(head.held, 0)::integer as held,
       coalesce(lately.delivered, 0)::integer as delivered,
       coalesce(lately.errors, 0)::integer as errors
  from known
  left join destination settings using (destination)
  left join head using (destination)
  left join behind using (destination)
  left join lately using (destination)
 order by known.destination`

// Ids first, then any other number: two refusals that differ in what they name are one error.
const FIND_ERRORS = `
with failed as (
  select delivery.destination, attempt.delivery_id, attempt.outcome, attempt.http_status, attempt.message,
         attempt.ended_at,
         regexp_replace(
           regexp_replace(
             lower(coalesce(attempt.message, '')),
             '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '#', 'g'
           ),
           '[0-9]+', '#', 'g'
         ) as wording
    from delivery_attempt attempt
    join delivery using (delivery_id)
   where attempt.started_at >= $1
     and attempt.started_at < $2
     and attempt.ended_at is not null
     and attempt.outcome <> all ($3)
     and ($4::text is null or delivery.destination = $4)
)
select destination,
       outcome as class,
       http_status as status,
       left(md5(wording), 8) as fingerprint,
       (array_agg(message order by ended_at desc, delivery_id desc))[1] as message,
       count(*)::integer as count,
       min(ended_at) as "firstAt",
       max(ended_at) as "lastAt",
       (array_agg(delivery_id order by ended_at desc, delivery_id desc))[1] as "sampleDeliveryId"
  from failed
 group by destination, outcome, http_status, wording
 order by count(*) desc, max(ended_at) desc, destination, wording
 limit $5`

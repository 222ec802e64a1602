// Deliveries as ops staff look at them: counted, listed, one with its attempts.
import type { Sql } from './sql.js'

export const DELIVERY_STATES = [
  'held',
  'verify',
  'ready',
  'queued',
  'in_flight',
  'blocked',
  'delivered',
  'superseded',
  'cancelled'
] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

export interface DeliveryFilter {
  destination?: string
  /** Any of these; all when absent. */
  states?: readonly DeliveryState[]
  /** Class of the last attempt: `refused`, `unavailable`, … */
  class?: string
  /** Planned at or after. */
  since?: Date
  /** Planned before. */
  until?: Date
  recordId?: string
}

export interface DeliveryLine {
  deliveryId: string
  destination: string
  recordId: string
  version: number
  operation: string
  kind: string
  state: DeliveryState
  /** How the last attempt ended; null before the first. */
  class: string | null
  status: number | null
  message: string | null
  /** Attempts in the current series. */
  tries: number
  createdAt: Date
  dueAt: Date
  finishedAt: Date | null
}

export interface DeliveryAttempt {
  epoch: number
  series: number
  attempt: number
  triggeredBy: string
  worker: string
  startedAt: Date
  /** Null while it runs, or for ever where its process died. */
  endedAt: Date | null
  outcome: string | null
  status: number | null
  message: string | null
}

export interface DeliveryStory extends DeliveryLine {
  series: number
  crashCount: number
  outcomeUnknown: boolean
  supplier: string
  requestId: string | null
  queuedAt: Date | null
  leaseUntil: Date | null
  /** Newest first, the newest 200. */
  attempts: DeliveryAttempt[]
}

/** Counting stops here: `atLeast` then says that there are more. */
export const COUNT_LIMIT = 100_000

export interface StateCount {
  state: DeliveryState
  count: number
  atLeast: boolean
}

export interface OpsDeliveryQueries {
  /** States in which there is something, in the order of {@link DELIVERY_STATES}. */
  countDeliveries(filter: DeliveryFilter): Promise<StateCount[]>
  /** Newest planned first, those after the delivery `after` (exclusive). */
  listDeliveries(filter: DeliveryFilter, page: { after?: string; limit: number }): Promise<DeliveryLine[]>
  findDelivery(deliveryId: string): Promise<DeliveryStory | undefined>
}

export function createOpsDeliveryQueries(sql: Sql): OpsDeliveryQueries {
  return {
    async countDeliveries(filter) {
      const states = filter.states ?? DELIVERY_STATES
      // One bounded count per state, with the state in the text: only so does a partial index serve it.
      const counts = states.map(
        (state) => `select '${state}' as state, count(*)::integer as count
           from (select 1 from delivery where state = '${state}' and ${FILTER} limit ${COUNT_LIMIT + 1}) as counted`
      )
      if (counts.length === 0) return []
      const { rows } = await sql.query<{ state: DeliveryState; count: number }>(
        counts.join('\n union all\n'),
        filterValues(filter)
      )
      return DELIVERY_STATES.flatMap((state) => {
        const count = rows.find((row) => row.state === state)?.count ?? 0
        return count === 0 ? [] : [{ state, count: Math.min(count, COUNT_LIMIT), atLeast: count > COUNT_LIMIT }]
      })
    },

    async listDeliveries(filter, { after, limit }) {
      // Delivery ids are UUIDv7: their order is the order of planning.
      const { rows } = await sql.query<DeliveryLine>(
        `select ${LINE}
           from delivery
          where ${FILTER}
            and ($6::text[] is null or state = any ($6))
            and ($7::uuid is null or delivery_id < $7)
          order by delivery_id desc
          limit $8`,
        [...filterValues(filter), filter.states ?? null, after ?? null, limit]
      )
      return rows
    },

    async findDelivery(deliveryId) {
      const { rows } = await sql.query<Omit<DeliveryStory, 'attempts'>>(
        `select ${LINE},
                delivery.series,
                delivery.crash_count as "crashCount",
                delivery.outcome_unknown as "outcomeUnknown",
                version.supplier,
                version.request_id as "requestId",
                delivery.queued_at as "queuedAt",
                delivery.lease_until as "leaseUntil"
           from delivery
           join record_version version using (record_id, version)
          where delivery_id = $1`,
        [deliveryId]
      )
      const delivery = rows[0]
      if (delivery === undefined) return undefined
      const attempts = await sql.query<DeliveryAttempt>(
        `select epoch, series, attempt, worker, outcome, message,
                triggered_by as "triggeredBy",
                started_at as "startedAt",
                ended_at as "endedAt",
                http_status as status
           from delivery_attempt
          where delivery_id = $1
          order by epoch desc
          limit 200`,
        [deliveryId]
      )
      return { ...delivery, attempts: attempts.rows }
    }
  }
}

const LINE = `delivery_id as "deliveryId",
                delivery.destination,
                record_id as "recordId",
                version,
                delivery.operation,
                delivery.kind,
                delivery.state,
                delivery.last_class as class,
                delivery.last_status as status,
                delivery.last_message as message,
                delivery.tries,
                delivery.created_at as "createdAt",
                delivery.due_at as "dueAt",
                delivery.finished_at as "finishedAt"`

const FILTER = `($1::text is null or destination = $1)
            and ($2::text is null or last_class = $2)
            and ($3::timestamptz is null or created_at >= $3)
            and ($4::timestamptz is null or created_at < $4)
            and ($5::uuid is null or record_id = $5)`

function filterValues(filter: DeliveryFilter): unknown[] {
  return [
    filter.destination ?? null,
    filter.class ?? null,
    filter.since ?? null,
    filter.until ?? null,
    filter.recordId ?? null
  ]
}

// Attempts as they begin and end, for whoever watches.
import type { Sql } from './sql.js'

export interface AttemptLine {
  deliveryId: string
  epoch: number
  destination: string
  recordId: string
  version: number
  operation: string
  triggeredBy: string
  worker: string
  startedAt: Date
  endedAt: Date
  outcome: string
  status: number | null
  message: string | null
}

export interface OpsAttemptQueries {
  /**
   * Attempts that ended after the moment, in the order in which they ended. What is committed late may come after what
   * ended later: ask again from a little before the last one, and leave out those that are known.
   */
  listEndedAttempts(after: Date, filter: { destination?: string; limit: number }): Promise<AttemptLine[]>
}

export function createOpsAttemptQueries(sql: Sql): OpsAttemptQueries {
  return {
    async listEndedAttempts(after, { destination, limit }) {
      // No attempt takes longer than a quarter of an hour: the longest timeout is ten minutes.
      const { rows } = await sql.query<AttemptLine>(
        `select attempt.delivery_id as "deliveryId", attempt.epoch, delivery.destination,
                delivery.record_id as "recordId", delivery.version, delivery.operation,
                attempt.triggered_by as "triggeredBy", attempt.worker,
                attempt.started_at as "startedAt", attempt.ended_at as "endedAt",
                attempt.outcome, attempt.http_status as status, attempt.message
           from delivery_attempt attempt
           join delivery using (delivery_id)
          where attempt.started_at >= $1::timestamptz - interval '15 minutes'
            and attempt.ended_at > $1
            and ($2::text is null or delivery.destination = $2)
          order by attempt.ended_at, attempt.delivery_id
          limit $3`,
        [after, destination ?? null, limit]
      )
      return rows
    }
  }
}

// Limits of a destination that operations staff set, below those of the destinations file. Null: as the file says.
import type { Sql } from './sql.js'

export interface LimitsByHand {
  destination: string
  ratePerSecond: number | null
  concurrency: number | null
}

export interface DestinationLimits {
  /** Of destinations where something was set. */
  list(): Promise<LimitsByHand[]>
  /** False for a destination that was never configured. */
  set(limits: LimitsByHand): Promise<boolean>
}

export function createDestinationLimits(sql: Sql): DestinationLimits {
  return {
    async list() {
      const { rows } = await sql.query<LimitsByHand>(
        `select destination, rate_limit as "ratePerSecond", concurrency_limit as concurrency
           from destination
          where rate_limit is not null
             or concurrency_limit is not null`
      )
      return rows
    },
    async set({ destination, ratePerSecond, concurrency }) {
      const { rowCount } = await sql.query(
        `update destination
            set rate_limit = $2, concurrency_limit = $3
          where destination = $1`,
        [destination, ratePerSecond, concurrency]
      )
      return rowCount === 1
    }
  }
}

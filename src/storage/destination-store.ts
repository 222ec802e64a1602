// Health of a destination, shared by every process: paused, waiting for a limit to pass, breaker, rate.
import type { Sql } from './sql.js'

/** Why nothing is sent before resume_at. */
export type ClosedReason = 'limited' | 'unavailable' | 'credentials' | 'by-hand'

/** Whether a destination may be sent to, as of the database's clock. */
export interface Door {
  paused: boolean
  /** 0 when nothing holds it back (a paused destination aside). */
  closedForMs: number
  breakerOpen: boolean
  /** Waits since the breaker opened; kept after it closed, until the destination has proven itself. */
  breakerWaits: number
  consecutiveFailures: number
  /** Deliveries that may be queued and in flight at once after the breaker closed; null: the window of the queue. */
  slowStart: number | null
  /** Attempts since a failure, within the last minute; zeros where there was none. */
  sample: { tries: number; unavailable: number }
  /** How far into the future requests are already promised, where there is a rate. */
  rateAheadMs: number
}

/** What is written of a destination's health. `breaker`: null leaves it as it is. */
export interface HealthChange extends Pick<Door, 'consecutiveFailures' | 'breakerWaits' | 'slowStart' | 'sample'> {
  breaker: { kind: 'closed' } | { kind: 'open'; waitMs: number; reason: ClosedReason } | null
}

export interface DestinationStore {
  /** Adds rows for destinations that are new in the configuration. */
  ensure(destinations: readonly string[]): Promise<void>
  readDoor(destination: string): Promise<Door>
  /** The same, and nobody else may change it before the transaction ends. */
  lockDoor(destination: string): Promise<Door>
  /** Promises the next `requests` moments of the rate to the caller, who holds the lock. */
  reserveRate(destination: string, requests: number, ratePerSecond: number): Promise<void>
  /** Promises the next moment of the rate to the caller; gives how far ahead it is, in milliseconds. */
  reserveMoment(destination: string, ratePerSecond: number): Promise<number>
  /** Keeps the door closed while a probe is under way; when its process dies, the next probe goes after this time. */
  reserveProbe(destination: string, forMs: number): Promise<void>
  recordHealth(destination: string, change: HealthChange): Promise<void>
  /** The receiver asked for a rest: nothing is sent for so long. Never shortens a wait. */
  closeFor(destination: string, waitMs: number): Promise<void>
  /** Written at most once a second: the row is hot. */
  recordDelivered(destination: string): Promise<void>
  /** By a person. What is in flight ends; a resumed destination starts with a closed breaker. */
  setPaused(destination: string, paused: boolean): Promise<void>
}

export function createDestinationStore(sql: Sql): DestinationStore {
  const findDoor = async (destination: string, lock: '' | 'for no key update'): Promise<Door> => {
    const { rows } = await sql.query<Door>(`${READ_DOOR} ${lock}`, [destination])
    const door = rows[0]
    if (!door) throw new Error(`destination "${destination}" has no row: ensure() was not called for it at start`)
    return door
  }
  return {
    async ensure(destinations) {
      await sql.query(
        `insert into destination (destination)
         select unnest($1::text[])
         on conflict (destination) do nothing`,
        [destinations]
      )
    },
    readDoor: (destination) => findDoor(destination, ''),
    lockDoor: (destination) => findDoor(destination, 'for no key update'),

    async reserveRate(destination, requests, ratePerSecond) {
      await sql.query(
        `update destination
            set rate_next_at = greatest(rate_next_at, clock_timestamp()) + $2 * interval '1 second'
          where destination = $1`,
        [destination, requests / ratePerSecond]
      )
    },
    async reserveMoment(destination, ratePerSecond) {
      const { rows } = await sql.query<{ aheadMs: number }>(RESERVE_MOMENT, [destination, 1 / ratePerSecond])
      return Math.max(rows[0]?.aheadMs ?? 0, 0)
    },
    async reserveProbe(destination, forMs) {
      await sql.query(
        `update destination
            set resume_at = now() + $2 * interval '1 millisecond'
          where destination = $1`,
        [destination, forMs]
      )
    },

    async recordHealth(destination, { consecutiveFailures, breakerWaits, slowStart, sample, breaker }) {
      await sql.query(RECORD_HEALTH, [
        destination,
        consecutiveFailures,
        breakerWaits,
        slowStart,
        sample.tries,
        sample.unavailable
      ])
      if (breaker?.kind === 'open') await sql.query(OPEN_BREAKER, [destination, breaker.waitMs, breaker.reason])
      else if (breaker?.kind === 'closed') await sql.query(CLOSE_BREAKER, [destination])
    },

    async closeFor(destination, waitMs) {
      await sql.query(
        `update destination
            set resume_at = greatest(resume_at, now() + $2 * interval '1 millisecond'), resume_reason = 'limited'
          where destination = $1`,
        [destination, waitMs]
      )
    },
    async recordDelivered(destination) {
      await sql.query(
        `update destination
            set last_delivered_at = now()
          where destination = $1
            and (last_delivered_at is null or last_delivered_at < now() - interval '1 second')`,
        [destination]
      )
    },
    async setPaused(destination, paused) {
      if (paused) await sql.query(`update destination set state = 'paused' where destination = $1`, [destination])
      else await sql.query(RESUME, [destination])
    }
  }
}

const RESERVE_MOMENT = `
update destination
   set rate_next_at = greatest(rate_next_at, clock_timestamp()) + $2 * interval '1 second'
 where destination = $1
returning (extract(epoch from rate_next_at - $2 * interval '1 second' - clock_timestamp()) * 1000)::double precision
          as "aheadMs"`

const READ_DOOR = `
select state = 'paused' as paused,
       greatest(extract(epoch from resume_at - clock_timestamp()) * 1000, 0)::double precision as "closedForMs",
       breaker_opened_at is not null as "breakerOpen",
       breaker_waits as "breakerWaits",
       consecutive_failures as "consecutiveFailures",
       slow_start as "slowStart",
       case
         when sample_since > clock_timestamp() - interval '1 minute'
           then json_build_object('tries', sample_tries, 'unavailable', sample_unavailable)
         else json_build_object('tries', 0, 'unavailable', 0)
       end as sample,
       greatest(extract(epoch from rate_next_at - clock_timestamp()) * 1000, 0)::double precision as "rateAheadMs"
  from destination
 where destination = $1`

// A sample begins with its first failure, and is over a minute later, whatever came in between.
const RECORD_HEALTH = `
update destination
   set consecutive_failures = $2,
       breaker_waits = $3,
       slow_start = $4,
       sample_tries = $5,
       sample_unavailable = $6,
       sample_since = case
         when sample_unavailable > 0 and sample_since > clock_timestamp() - interval '1 minute' then sample_since
         else clock_timestamp()
       end
 where destination = $1`

const OPEN_BREAKER = `
update destination
   set breaker_opened_at = coalesce(breaker_opened_at, now()),
       resume_at = greatest(
         case when resume_reason = 'limited' then resume_at end,
         now() + $2 * interval '1 millisecond'
       ),
       resume_reason = $3
 where destination = $1`

// A limit outlives the breaker: the receiver answered, but asked for a rest.
const CLOSE_BREAKER = `
update destination
   set breaker_opened_at = null,
       resume_at = case when resume_reason = 'limited' then resume_at end,
       resume_reason = case when resume_reason = 'limited' then resume_reason end
 where destination = $1`

const RESUME = `
update destination
   set state = 'active', consecutive_failures = 0, breaker_opened_at = null, breaker_waits = 0,
       slow_start = null, sample_tries = 0, sample_unavailable = 0, sample_since = null,
       resume_at = null, resume_reason = null
 where destination = $1`

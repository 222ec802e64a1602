// How fast and how wide a destination is sent to: as the destinations file says, or less, where operations staff said so.
// What they said is a row of the database, read by every process about once a second.
import type { Database } from '../storage/database.js'
import type { LimitsByHand } from '../storage/destination-limits.js'
import type { Destination } from './destination.js'

export interface FollowedLimits {
  /** The same destinations, whose concurrency and rate are what is in force. */
  destinations: readonly Destination[]
  /** Reads what is said now. A database that does not answer leaves things as they are. */
  refresh(): Promise<void>
  stop(): void
}

const EVERY_MS = 1_000

export function followLimits(destinations: readonly Destination[], database: Database): FollowedLimits {
  let byHand = new Map<string, LimitsByHand>()
  const refresh = async (): Promise<void> => {
    const limits = await database.stores.destinationLimits.list().catch(() => undefined)
    if (limits !== undefined) byHand = new Map(limits.map((limit) => [limit.destination, limit]))
  }
  const timer = setInterval(() => void refresh(), EVERY_MS)
  timer.unref()
  return {
    destinations: destinations.map((destination) => withLimits(destination, () => byHand.get(destination.name))),
    refresh,
    stop() {
      clearInterval(timer)
    }
  }
}

/** What is in force: never more than the file allows. */
export function limitsInForce(
  { concurrency, ratePerSecond }: Pick<Destination, 'concurrency' | 'ratePerSecond'>,
  byHand: Pick<LimitsByHand, 'concurrency' | 'ratePerSecond'> | undefined
): { concurrency: number; ratePerSecond?: number } {
  const rate = Math.min(ratePerSecond ?? Infinity, byHand?.ratePerSecond ?? Infinity)
  return {
    concurrency: Math.min(concurrency, byHand?.concurrency ?? Infinity),
    ...(rate === Infinity ? {} : { ratePerSecond: rate })
  }
}

function withLimits(destination: Destination, byHand: () => LimitsByHand | undefined): Destination {
  return Object.create(destination, {
    concurrency: { enumerable: true, get: () => limitsInForce(destination, byHand()).concurrency },
    ratePerSecond: { enumerable: true, get: () => limitsInForce(destination, byHand()).ratePerSecond }
  }) as Destination
}

// What a person sets of a destination for the whole fleet, beside pausing it: limits below those of the destinations file,
// and its breaker. Said why, and audited in the same transaction.
import type { Database, Stores } from '../storage/database.js'
import type { LimitsByHand } from '../storage/destination-limits.js'
import type { HealthChange } from '../storage/destination-store.js'
import type { Destination } from './destination.js'
import { limitsInForce } from './limits.js'

interface Limits {
  ratePerSecond: number | null
  concurrency: number
}

export interface ShownLimits {
  destination: string
  /** Of the destinations file: no more than this. */
  file: Limits
  /** By a person; null: as the file says. */
  byHand: { ratePerSecond: number | null; concurrency: number | null }
  inForce: Limits
}

interface Act {
  destination: string
  actor: string
  reason: string
}

export interface DestinationTuning {
  /** Undefined for a destination that is not configured. */
  showLimits(destination: string): Promise<ShownLimits | undefined>
  /** What is left out stays as it is; `reset` takes everything back first. `above-file`: more than the file allows. */
  setLimits(
    act: Act & { ratePerSecond?: number; concurrency?: number; reset?: boolean }
  ): Promise<ShownLimits | undefined | 'above-file'>
  /** Open: nothing goes for so long, then one probe decides. False for a destination that is not configured. */
  setBreaker(act: Act & ({ state: 'closed' } | { state: 'open'; forMs: number })): Promise<boolean>
}

export interface TuningDeps {
  database: Database
  destinations: readonly Pick<Destination, 'name' | 'concurrency' | 'ratePerSecond'>[]
  auditChainId: string
  now: () => Date
}

/** As a resumed destination starts: everything goes, and nothing is held against it. */
const CLOSED: HealthChange = {
  consecutiveFailures: 0,
  breakerWaits: 0,
  slowStart: null,
  sample: { tries: 0, unavailable: 0 },
  breaker: { kind: 'closed' }
}

export function createDestinationTuning(deps: TuningDeps): DestinationTuning {
  const { database, destinations } = deps
  const findConfigured = (name: string) => destinations.find((destination) => destination.name === name)
  const show = async (stores: Stores, destination: (typeof destinations)[number]): Promise<ShownLimits> => {
    const limits = await stores.destinationLimits.list()
    return shownOf(
      destination,
      limits.find((limit) => limit.destination === destination.name)
    )
  }
  const audit = (stores: Stores, action: string, { actor, reason, destination }: Act, detail: object): Promise<void> =>
    stores.audit.append(deps.auditChainId, [
      { at: deps.now(), actor, action, detail: { destination, ...detail, reason } }
    ])
  return {
    async showLimits(name) {
      const destination = findConfigured(name)
      return destination === undefined ? undefined : show(database.stores, destination)
    },
    async setLimits({ ratePerSecond, concurrency, reset = false, ...act }) {
      const destination = findConfigured(act.destination)
      if (destination === undefined) return undefined
      if ((ratePerSecond ?? 0) > (destination.ratePerSecond ?? Infinity)) return 'above-file'
      if ((concurrency ?? 0) > destination.concurrency) return 'above-file'
      return database.transaction(async (stores) => {
        await stores.destinations.lockDoor(act.destination)
        const { byHand: before } = await show(stores, destination)
        const kept = reset ? { ratePerSecond: null, concurrency: null } : before
        const byHand = {
          ratePerSecond: ratePerSecond ?? kept.ratePerSecond,
          concurrency: concurrency ?? kept.concurrency
        }
        await stores.destinationLimits.set({ destination: act.destination, ...byHand })
        await audit(stores, 'destination.limits', act, { before, after: byHand })
        return show(stores, destination)
      })
    },
    async setBreaker(act) {
      if (findConfigured(act.destination) === undefined) return false
      return database.transaction(async (stores) => {
        const { breakerOpen, ...door } = await stores.destinations.lockDoor(act.destination)
        await stores.destinations.recordHealth(
          act.destination,
          act.state === 'open'
            ? { ...door, breakerWaits: 1, breaker: { kind: 'open', waitMs: act.forMs, reason: 'by-hand' } }
            : CLOSED
        )
        const forSeconds = act.state === 'open' ? { forSeconds: act.forMs / 1_000 } : {}
        await audit(stores, `destination.breaker-${act.state}`, act, {
          before: breakerOpen ? 'open' : 'closed',
          ...forSeconds
        })
        return true
      })
    }
  }
}

function shownOf(
  { name, concurrency, ratePerSecond }: Pick<Destination, 'name' | 'concurrency' | 'ratePerSecond'>,
  byHand: LimitsByHand | undefined
): ShownLimits {
  const inForce = limitsInForce({ concurrency, ...(ratePerSecond === undefined ? {} : { ratePerSecond }) }, byHand)
  return {
    destination: name,
    file: { ratePerSecond: ratePerSecond ?? null, concurrency },
    byHand: { ratePerSecond: byHand?.ratePerSecond ?? null, concurrency: byHand?.concurrency ?? null },
    inForce: { ratePerSecond: inForce.ratePerSecond ?? null, concurrency: inForce.concurrency }
  }
}

// Taking deliveries for a destination, as its door allows: free, at a rate, one as a probe, or not at all.
import type { Database, Stores } from '../storage/database.js'
import type { Delivery, Destination } from './destination.js'
import type { DeliveryPolicy } from './policy.js'
import { planTurn, RATE_HORIZON_MS } from './rate.js'

export type ClaimTurn =
  | {
      kind: 'claimed'
      /** Of the ids asked for, those that were tried to be taken: what is not among `deliveries` somebody else has. */
      asked: readonly string[]
      deliveries: Delivery[]
      /** When the first may be sent, and how long after it each later one. */
      startInMs: number
      gapMs: number
      /** Of performance.now(): what begins later may outlast its lease, and is not to be sent. */
      startBefore: number
      isProbe: boolean
    }
  /** The rate is used up. */
  | { kind: 'wait'; waitMs: number }
  /** Paused, resting after a limit, or behind an open breaker. */
  | { kind: 'closed' }

export interface ClaimDeps {
  database: Database
  destination: Pick<Destination, 'name' | 'timeoutMs' | 'ratePerSecond'>
  /** Name of this worker, for the lease and the attempt. */
  worker: string
  policy: Pick<DeliveryPolicy, 'attempt'>
}

export async function claimTurn(deps: ClaimDeps, deliveryIds: readonly string[]): Promise<ClaimTurn> {
  const { database, destination } = deps
  // Taken before anything is asked: the lease begins later, whenever its answer is heard.
  const startBefore = performance.now() + slackMs(deps)
  if (destination.ratePerSecond === undefined) {
    const deliveries = await claim(deps, database.stores, deliveryIds)
    if (deliveries.length > 0) return free(deliveryIds, deliveries, startBefore)
    const door = await database.stores.destinations.readDoor(destination.name)
    if (door.paused || door.closedForMs > 0) return { kind: 'closed' }
    if (!door.breakerOpen) return free(deliveryIds, [], startBefore)
  }
  return database.transaction((stores) => claimInTurn(deps, stores, deliveryIds, startBefore))
}

/** One claimer at a time in the fleet: a rate and a probe are shared by all. */
async function claimInTurn(
  deps: ClaimDeps,
  stores: Stores,
  deliveryIds: readonly string[],
  startBefore: number
): Promise<ClaimTurn> {
  const { name, ratePerSecond } = deps.destination
  const door = await stores.destinations.lockDoor(name)
  if (door.paused || door.closedForMs > 0) return { kind: 'closed' }

  const wanted = door.breakerOpen ? 1 : deliveryIds.length
  const turn =
    ratePerSecond === undefined
      ? { kind: 'go' as const, requests: wanted, startInMs: 0, gapMs: 0 }
      : planTurn(door.rateAheadMs, ratePerSecond, wanted)
  if (turn.kind === 'wait') return turn

  const asked = deliveryIds.slice(0, turn.requests)
  const deliveries = await claim(deps, stores, asked, { probe: door.breakerOpen })
  if (deliveries.length > 0) {
    if (ratePerSecond !== undefined) await stores.destinations.reserveRate(name, deliveries.length, ratePerSecond)
    if (door.breakerOpen) await stores.destinations.reserveProbe(name, leaseMs(deps))
  }
  const { startInMs, gapMs } = turn
  return { kind: 'claimed', asked, deliveries, startInMs, gapMs, startBefore, isProbe: door.breakerOpen }
}

function claim(
  deps: ClaimDeps,
  stores: Stores,
  deliveryIds: readonly string[],
  inTurn?: { probe: boolean }
): Promise<Delivery[]> {
  return stores.deliveries.claim({
    destination: deps.destination.name,
    deliveryIds,
    worker: deps.worker,
    leaseMs: leaseMs(deps),
    ...(inTurn === undefined ? {} : { inTurn })
  })
}

/** From the claim to the finish: waiting for its moment, the attempt itself, giving up, recording. */
function leaseMs(deps: ClaimDeps): number {
  return slackMs(deps) + deps.destination.timeoutMs + deps.policy.attempt.abortGraceMs
}

/** How much later than the claim an attempt may begin and still end within its lease. */
function slackMs({ destination, policy }: ClaimDeps): number {
  const waitsMs = destination.ratePerSecond === undefined ? 0 : RATE_HORIZON_MS
  return waitsMs + policy.attempt.leaseMarginMs
}

function free(asked: readonly string[], deliveries: Delivery[], startBefore: number): ClaimTurn {
  return { kind: 'claimed', asked, deliveries, startInMs: 0, gapMs: 0, startBefore, isProbe: false }
}

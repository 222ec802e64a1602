// A person sends one delivery through an open breaker or a paused door, at once and in this process, to see what the
// receiver says now. It is an attempt as any other: leased, recorded, and what it tells of the destination counts.
import type { Log } from '../queue/log.js'
import type { Database, Stores } from '../storage/database.js'
import type { Delivery, Destination } from './destination.js'
import { judgeOutcome } from './judge-outcome.js'
import type { DeliveryPolicy } from './policy.js'
import { recordEnds } from './record-ends.js'
import { sendOnce } from './send-once.js'

export interface ProbeResult {
  destination: string
  deliveryId: string
  recordId: string
  /** Class of the attempt: delivered, refused, unavailable, … */
  outcome: string
  status: number | null
  message: string | null
  durationMs: number
  /** Afterwards. */
  state: 'active' | 'paused'
  breaker: 'open' | 'closed'
}

export type ProbeRefusal =
  'unknown-destination' | 'door-open' | 'destination-resting' | 'probe-under-way' | 'nothing-waits'

export type ProbeAnswer =
  { kind: 'probed'; result: ProbeResult } | { kind: 'refused'; why: ProbeRefusal; message: string }

export interface ProbeDeps {
  database: Database
  destinations: readonly Destination[]
  policy: Pick<DeliveryPolicy, 'attempt' | 'retry' | 'breaker' | 'limit'>
  /** Shown in the attempt. */
  worker: string
  auditChainId: string
  now: () => Date
  log: Log
  random: () => number
}

export type ProbeDestination = (wanted: { destination: string; actor: string; reason: string }) => Promise<ProbeAnswer>

type Claimed = { kind: 'claimed'; delivery: Delivery; startInMs: number } | Extract<ProbeAnswer, { kind: 'refused' }>

export function createProbe(deps: ProbeDeps): ProbeDestination {
  return async (wanted) => {
    const destination = deps.destinations.find(({ name }) => name === wanted.destination)
    if (destination === undefined) return refused('unknown-destination', `${wanted.destination} is not configured here`)
    // Taken before the claim: the lease begins later, whenever its answer is heard.
    const startBefore = performance.now() + deps.policy.attempt.leaseMarginMs
    const claimed = await deps.database.transaction((stores) => claimProbe(deps, stores, destination, wanted))
    if (claimed.kind === 'refused') return claimed
    return { kind: 'probed', result: await send(deps, destination, claimed, startBefore) }
  }
}

async function claimProbe(
  deps: ProbeDeps,
  stores: Stores,
  { name, timeoutMs, ratePerSecond }: Destination,
  { actor, reason }: { actor: string; reason: string }
): Promise<Claimed> {
  const door = await stores.destinations.lockDoor(name)
  if (!door.paused && !door.breakerOpen)
    return refused('door-open', `nothing holds ${name} back: its deliveries go by themselves`)
  if (!door.breakerOpen && door.closedForMs > 0)
    return refused('destination-resting', `${name} asked for a rest of ${Math.ceil(door.closedForMs / 1000)} s more`)
  if (await stores.deliveryProbes.isProbeUnderWay(name))
    return refused('probe-under-way', `a probe of ${name} is under way; look again with imms status`)
  const deliveryId = await stores.deliveryProbes.pickProbe(name)
  if (deliveryId === undefined) return refused('nothing-waits', `nothing that could be sent waits for ${name}`)

  const startInMs = ratePerSecond === undefined ? 0 : door.rateAheadMs
  const { abortGraceMs, leaseMarginMs } = deps.policy.attempt
  const leaseMs = startInMs + timeoutMs + abortGraceMs + leaseMarginMs
  const claim = { destination: name, deliveryIds: [deliveryId], worker: deps.worker, leaseMs, inTurn: { probe: true } }
  const [delivery] = await stores.deliveries.claim(claim)
  if (delivery === undefined) return refused('nothing-waits', `nothing that could be sent waits for ${name}`)
  if (ratePerSecond !== undefined) await stores.destinations.reserveRate(name, 1, ratePerSecond)
  if (door.breakerOpen) await stores.destinations.reserveProbe(name, leaseMs)
  await stores.audit.append(deps.auditChainId, [
    { at: deps.now(), actor, action: 'destination.probe', detail: { destination: name, deliveryId, reason } }
  ])
  return { kind: 'claimed', delivery, startInMs }
}

async function send(
  deps: ProbeDeps,
  destination: Destination,
  { delivery, startInMs }: Extract<Claimed, { kind: 'claimed' }>,
  startBefore: number
): Promise<ProbeResult> {
  const { abortGraceMs } = deps.policy.attempt
  const startsAt = performance.now() + startInMs
  const outcome = await sendOnce(destination, delivery, {
    startInMs,
    startBefore: startBefore + startInMs,
    stop: new AbortController().signal,
    abortGraceMs
  })
  const durationMs = Math.max(Math.round(performance.now() - startsAt), 0)
  const judgement = judgeOutcome(delivery, outcome, deps.policy, deps.random())
  await recordEnds({ ...deps, destination }, [{ delivery, judgement, isProbe: true, durationMs }])
  const door = await deps.database.stores.destinations.readDoor(destination.name)
  return {
    destination: destination.name,
    deliveryId: delivery.deliveryId,
    recordId: delivery.recordId,
    outcome: judgement.end.class,
    status: judgement.end.status ?? null,
    message: judgement.end.message ?? null,
    durationMs,
    state: door.paused ? 'paused' : 'active',
    breaker: door.breakerOpen ? 'open' : 'closed'
  }
}

function refused(why: ProbeRefusal, message: string): Extract<ProbeAnswer, { kind: 'refused' }> {
  return { kind: 'refused', why, message }
}

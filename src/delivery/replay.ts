// Sending again, by a person, in two steps: a plan that changes nothing and says what would happen, and a start that
// repeats the count. Retrying in place is always safe for the order: what is held is the head of its lane, and what came
// later waits behind it.
import { uuidv7 } from 'uuidv7'
import type { AuditEntry } from '../storage/audit-store.js'
import type { Database, Stores } from '../storage/database.js'
import type { ReplayItem, ReplayProgress } from '../storage/replay-items.js'
import type { PlannedReplay, Replay, ReplayFilter } from '../storage/replay-store.js'
import type { Destination } from './destination.js'
import type { DeliveryPolicy } from './policy.js'

export interface ReplayPlan extends PlannedReplay {
  /** At the share of the rate that a replay takes, if the destination answers. */
  estimatedSeconds: number
}

export type ReplayRefusal =
  'unknown-destination' | 'unknown-replay' | 'not-planned' | 'count-differs' | 'another-runs' | 'not-held'

/** `message`: what is so, and what to do. */
export interface Refused {
  kind: 'refused'
  why: ReplayRefusal
  message: string
}

export type PlanAnswer = { kind: 'planned'; plan: ReplayPlan } | Refused
export type StartAnswer = { kind: 'started'; requeued: number; skipped: number } | Refused
export type CancelAnswer = { kind: 'cancelled' } | Refused
export type SkipAnswer = { kind: 'skipped'; promoted: boolean } | Refused

export interface ShownReplay extends Replay {
  progress: ReplayProgress
  /** The first thousand. */
  items: ReplayItem[]
}

export interface Replays {
  plan(wanted: ReplayFilter & { actor: string; reason: string }): Promise<PlanAnswer>
  start(replayId: string, by: { actor: string; confirmCount: number }): Promise<StartAnswer>
  /** Only before it starts: what runs is stopped by pausing the destination. */
  cancel(replayId: string, by: { actor: string }): Promise<CancelAnswer>
  /** Newest first. */
  list(limit: number): Promise<Replay[]>
  show(replayId: string): Promise<ShownReplay | undefined>
  /** Gives up one held delivery, so that what waits behind it goes: an explicit gap at the receiver. */
  skip(deliveryId: string, by: { actor: string; reason: string }): Promise<SkipAnswer>
}

export interface ReplayDeps {
  database: Database
  destinations: readonly Pick<Destination, 'name' | 'ratePerSecond'>[]
  policy: Pick<DeliveryPolicy, 'replay' | 'attempt'>
  now: () => Date
  /** Of this process: every act is audited in its own transaction. */
  auditChainId: string
  /** Deliveries became due: a relay in this process need not wait for its next look. */
  onRequeued?: () => void
}

const ITEMS_SHOWN = 1_000

export function createReplays(deps: ReplayDeps): Replays {
  const { database } = deps
  return {
    plan: (wanted) => planReplay(deps, wanted),
    start: (replayId, by) => startReplay(deps, replayId, by),
    cancel: (replayId, by) => cancelReplay(deps, replayId, by),
    list: (limit) => database.stores.replays.list(limit),
    async show(replayId) {
      const { replays } = database.stores
      const replay = await replays.find(replayId)
      if (!replay) return undefined
      const progress = await replays.readProgress(replayId)
      return { ...replay, progress, items: await replays.listItems(replayId, ITEMS_SHOWN) }
    },
    skip: (deliveryId, by) => skipHeld(deps, deliveryId, by)
  }
}

async function planReplay(
  deps: ReplayDeps,
  { actor, reason, ...filter }: ReplayFilter & { actor: string; reason: string }
): Promise<PlanAnswer> {
  const gapMs = gapFor(deps, filter.destination)
  if (gapMs === undefined) {
    const known = deps.destinations.map((destination) => destination.name).join(', ')
    return refuse('unknown-destination', `There is no destination "${filter.destination}"; known are ${known}`)
  }
  const planned = await deps.database.transaction(async (stores) => {
    const plan = await stores.replays.plan({ replayId: uuidv7(), actor, reason, filter })
    const detail = { replayId: plan.replayId, destination: filter.destination, planned: plan.planned, reason }
    await audit(deps, stores, { actor, action: 'replay.plan', detail })
    return plan
  })
  return { kind: 'planned', plan: { ...planned, estimatedSeconds: Math.ceil((planned.planned * gapMs) / 1_000) } }
}

async function startReplay(
  deps: ReplayDeps,
  replayId: string,
  { actor, confirmCount }: { actor: string; confirmCount: number }
): Promise<StartAnswer> {
  const answer = await deps.database.transaction(async (stores): Promise<StartAnswer> => {
    const replay = await stores.replays.lock(replayId)
    const refusal = checkStart(replay, replayId, confirmCount)
    if (!replay || refusal) return refusal ?? unknownReplay(replayId)
    const running = await stores.replays.findRunning(replay.destination)
    if (running) {
      const message = `Replay ${running.replayId} of ${replay.destination} runs: wait until it is done`
      return refuse('another-runs', message)
    }
    await stores.replays.setState(replayId, 'running')
    const gapMs = gapFor(deps, replay.destination) ?? 1_000 / deps.policy.replay.perSecond
    const moved = await stores.replays.requeue(replayId, gapMs, deps.policy.attempt.verifyAfterMs)
    const detail = { replayId, destination: replay.destination, planned: replay.planned, ...moved }
    await audit(deps, stores, { actor, action: 'replay.start', detail })
    return { kind: 'started', ...moved }
  })
  if (answer.kind === 'started') deps.onRequeued?.()
  return answer
}

function checkStart(replay: Replay | undefined, replayId: string, confirmCount: number): Refused | undefined {
  if (!replay) return unknownReplay(replayId)
  if (replay.state !== 'planned') return notPlanned(replay)
  if (replay.planned === confirmCount) return undefined
  const message = `The plan has ${replay.planned} deliveries, ${confirmCount} were confirmed: repeat the count of the plan`
  return refuse('count-differs', message)
}

async function cancelReplay(deps: ReplayDeps, replayId: string, { actor }: { actor: string }): Promise<CancelAnswer> {
  return deps.database.transaction(async (stores): Promise<CancelAnswer> => {
    const replay = await stores.replays.lock(replayId)
    if (!replay) return unknownReplay(replayId)
    if (replay.state !== 'planned') return notPlanned(replay)
    await stores.replays.setState(replayId, 'cancelled')
    const detail = { replayId, destination: replay.destination, planned: replay.planned }
    await audit(deps, stores, { actor, action: 'replay.cancel', detail })
    return { kind: 'cancelled' }
  })
}

async function skipHeld(
  deps: ReplayDeps,
  deliveryId: string,
  { actor, reason }: { actor: string; reason: string }
): Promise<SkipAnswer> {
  const answer = await deps.database.transaction(async (stores): Promise<SkipAnswer> => {
    const cancelled = await stores.deliveries.cancelHeld([deliveryId])
    const lane = cancelled.lanes[0]
    if (!lane) {
      return refuse('not-held', `Delivery ${deliveryId} is not held: only what is held can be skipped`)
    }
    const detail = { deliveryId, destination: lane.destination, reason, promoted: cancelled.promoted }
    const { recordId } = lane
    await audit(deps, stores, { actor, action: 'delivery.skip', recordId, detail })
    return { kind: 'skipped', promoted: cancelled.promoted > 0 }
  })
  if (answer.kind === 'skipped') deps.onRequeued?.()
  return answer
}

function audit(deps: ReplayDeps, stores: Stores, entry: Omit<AuditEntry, 'at'>): Promise<void> {
  return stores.audit.append(deps.auditChainId, [{ at: deps.now(), ...entry }])
}

/** Milliseconds between two deliveries of a replay; undefined for a destination that is not configured. */
function gapFor({ destinations, policy }: ReplayDeps, name: string): number | undefined {
  const destination = destinations.find((candidate) => candidate.name === name)
  if (!destination) return undefined
  const { ratePerSecond } = destination
  return 1_000 / (ratePerSecond === undefined ? policy.replay.perSecond : ratePerSecond * policy.replay.share)
}

function unknownReplay(replayId: string): Refused {
  return refuse('unknown-replay', `There is no replay ${replayId}`)
}

function notPlanned(replay: Replay): Refused {
  return refuse('not-planned', `Replay ${replay.replayId} is ${replay.state}: plan a new one`)
}

function refuse(why: ReplayRefusal, message: string): Refused {
  return { kind: 'refused', why, message }
}

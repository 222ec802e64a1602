// From a plan to a replay that runs: approved by a second person where that is needed, and confirmed by its count.
import type { Stores } from '../storage/database.js'
import type { LockedReplay } from '../storage/replay-store.js'
import {
  auditReplay,
  type Acting,
  type ActingFor,
  type ApproveAnswer,
  type ReplayDeps,
  type StartAnswer
} from './replay-acts.js'
import { choosePace, type WantedPace } from './replay-pace.js'
import { notPlanned, refuseReplay, unknownReplay, type Refused } from './replay-refusal.js'

type Starting = Acting & WantedPace & { confirmCount: number; queueOnly?: boolean }

export async function startReplay(deps: ReplayDeps, replayId: string, by: Starting): Promise<StartAnswer> {
  const answer = await deps.database.transaction(async (stores): Promise<StartAnswer> => {
    const replay = await stores.replays.lock(replayId)
    if (replay === undefined) return unknownReplay(replayId)
    const refusal =
      checkPlan(replay, by.confirmCount) ?? (await checkDestination(stores, replay, by.queueOnly === true))
    if (refusal !== undefined) return refusal
    const { destination: name, planned, mode } = replay
    const destination = deps.destinations.find((candidate) => candidate.name === name)
    if (destination === undefined)
      return refuseReplay('unknown-destination', `The destination "${name}" is not configured any more`)
    const pace = choosePace(destination, by, deps.policy.replay)
    if (pace.kind === 'refused') return pace
    const { ratePerSecond } = pace
    await stores.replays.start(replayId, ratePerSecond)
    const { approvedBy } = replay
    const queueOnly = by.queueOnly === true
    const detail = { replayId, destination: name, mode, planned, ratePerSecond, approvedBy, queueOnly }
    await auditReplay(deps, stores, { actor: by.actor, action: 'replay.start', detail })
    return { kind: 'started', planned, ratePerSecond }
  })
  if (answer.kind === 'started') deps.onRequeued?.()
  return answer
}

export function approveReplay(
  deps: ReplayDeps,
  replayId: string,
  { actor, reason }: ActingFor
): Promise<ApproveAnswer> {
  const { planValidMs } = deps.policy.replay
  return deps.database.transaction(async (stores): Promise<ApproveAnswer> => {
    const replay = await stores.replays.lock(replayId)
    if (replay === undefined) return unknownReplay(replayId)
    const refusal = checkApproval(replay, actor)
    if (refusal !== undefined) return refusal
    await stores.replays.approve(replayId, actor, planValidMs)
    const { destination, planned, approvalNeeded } = replay
    const detail = { replayId, destination, planned, approvalNeeded, plannedBy: replay.actor, reason }
    await auditReplay(deps, stores, { actor, action: 'replay.approve', detail })
    const approved = await stores.replays.find(replayId)
    return { kind: 'approved', expiresAt: approved?.expiresAt ?? deps.now() }
  })
}

function checkApproval(replay: LockedReplay, actor: string): Refused | undefined {
  const { replayId } = replay
  if (replay.state !== 'planned') return notPlanned(replay)
  if (replay.isExpired) return expired(replayId)
  if (replay.approvalNeeded === null)
    return refuseReplay('approval-needless', `Replay ${replayId} needs no approval: start it`)
  if (replay.actor === actor)
    return refuseReplay('same-person', `${actor} planned replay ${replayId}: another person must approve it`)
  return undefined
}

function checkPlan(replay: LockedReplay, confirmCount: number): Refused | undefined {
  const { replayId, planned, approvalNeeded } = replay
  if (replay.state !== 'planned') return notPlanned(replay)
  if (replay.isExpired) return expired(replayId)
  if (planned !== confirmCount) {
    const message = `The plan has ${planned} deliveries, ${confirmCount} were confirmed: repeat the count of the plan`
    return refuseReplay('count-differs', message)
  }
  if (approvalNeeded === null || replay.approvedBy !== null) return undefined
  const why = approvalNeeded === 'many' ? `It has ${planned} deliveries` : 'It sends an older version over a newer one'
  return refuseReplay(
    'approval-needed',
    `${why}: a second person must approve it first, imms replay approve ${replayId}`
  )
}

async function checkDestination(
  { replays, destinations }: Stores,
  { replayId, destination }: LockedReplay,
  queueOnly: boolean
): Promise<Refused | undefined> {
  const open = await replays.findOpen({ replayId, destination })
  if (open !== undefined) {
    const which = open.isSamePlan ? 'The same plan is being sent already: replay' : 'Replay'
    const message = `${which} ${open.replayId} of ${destination} has not ended: wait until it is done, or cancel it`
    return refuseReplay('another-runs', message)
  }
  if (queueOnly) return undefined
  const door = await destinations.readDoor(destination)
  if (!door.breakerOpen && !door.paused) return undefined
  const why = door.breakerOpen ? 'the breaker is open' : 'the destination is paused'
  return refuseReplay(
    'destination-closed',
    `${destination} takes nothing now (${why}): mend that first, or start with queue only, and it begins by itself once it opens`
  )
}

function expired(replayId: string): Refused {
  return refuseReplay('plan-expired', `The plan ${replayId} is too old to be started: plan a new one`)
}

// A replay that runs is paused, resumed or cancelled. The relay that releases for it holds the same lock: a release is
// over when it stops, and what was not released is as it was.
import type { Stores } from '../storage/database.js'
import type { LockedReplay } from '../storage/replay-store.js'
import {
  auditReplay,
  type Acting,
  type ActingFor,
  type CancelAnswer,
  type PauseAnswer,
  type ReplayDeps,
  type ResumeAnswer
} from './replay-acts.js'
import { choosePace, countTried, type WantedPace } from './replay-pace.js'
import { refuseReplay, unknownReplay, type Refused } from './replay-refusal.js'

type Move<Answer> = (stores: Stores, replay: LockedReplay) => Promise<Answer | Refused>

export function pauseReplay(deps: ReplayDeps, replayId: string, { actor, reason }: ActingFor): Promise<PauseAnswer> {
  return withReplay<PauseAnswer>(deps, replayId, async (stores, replay) => {
    if (replay.state !== 'running')
      return refuseReplay('not-running', `Replay ${replayId} is ${replay.state}: only one that runs can be paused`)
    await stores.replays.pause(replayId, `${actor}: ${reason}`)
    await auditMove(deps, stores, replay, { actor, action: 'replay.pause', reason })
    return { kind: 'paused' }
  })
}

export async function resumeReplay(
  deps: ReplayDeps,
  replayId: string,
  { actor, reason, ...wanted }: ActingFor & WantedPace
): Promise<ResumeAnswer> {
  const answer = await withReplay<ResumeAnswer>(deps, replayId, async (stores, replay) => {
    if (replay.state !== 'paused')
      return refuseReplay('not-paused', `Replay ${replayId} is ${replay.state}: only one that is paused can be resumed`)
    const isSameRate = wanted.ratePerSecond === undefined && wanted.share === undefined
    const destination = deps.destinations.find(({ name }) => name === replay.destination) ?? {
      name: replay.destination
    }
    const pace = choosePace(
      destination,
      isSameRate && replay.ratePerSecond !== null ? { ratePerSecond: replay.ratePerSecond } : wanted,
      deps.policy.replay
    )
    if (pace.kind === 'refused') return pace
    const { ratePerSecond } = pace
    await stores.replays.resume(replayId, ratePerSecond, countTried(await stores.replays.readProgress(replayId)))
    await auditMove(deps, stores, replay, { actor, action: 'replay.resume', reason, ratePerSecond })
    return { kind: 'resumed', ratePerSecond }
  })
  if (answer.kind === 'resumed') deps.onRequeued?.()
  return answer
}

export function cancelReplay(
  deps: ReplayDeps,
  replayId: string,
  { actor, reason }: Acting & { reason?: string }
): Promise<CancelAnswer> {
  return withReplay<CancelAnswer>(deps, replayId, async (stores, replay) => {
    if (replay.state === 'done' || replay.state === 'cancelled')
      return refuseReplay('replay-ended', `Replay ${replayId} is ${replay.state}: there is nothing to cancel`)
    if (replay.state !== 'planned' && reason === undefined)
      return refuseReplay('reason-needed', `Replay ${replayId} is ${replay.state}: say why it is cancelled`)
    const { left } = await stores.replays.readProgress(replayId)
    await stores.replays.end(replayId, 'cancelled')
    await auditMove(deps, stores, replay, { actor, action: 'replay.cancel', left, ...(reason ? { reason } : {}) })
    return { kind: 'cancelled', left }
  })
}

function withReplay<Answer>(deps: ReplayDeps, replayId: string, move: Move<Answer>): Promise<Answer | Refused> {
  return deps.database.transaction(async (stores) => {
    const replay = await stores.replays.lock(replayId)
    return replay === undefined ? unknownReplay(replayId) : move(stores, replay)
  })
}

function auditMove(
  deps: ReplayDeps,
  stores: Stores,
  { replayId, destination, state: before, planned }: LockedReplay,
  { actor, action, ...said }: Acting & { action: string } & Record<string, unknown>
): Promise<void> {
  return auditReplay(deps, stores, { actor, action, detail: { replayId, destination, planned, before, ...said } })
}

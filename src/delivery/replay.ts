// Sending again, by a person, in two steps: a plan that changes nothing and says what would happen, and a start that
// repeats the count. What follows is the relay's work (replay-runner.ts), and can be paused, resumed and cancelled.
import type { Replay, ReplayFilter, ReplayItem, ReplayProgress } from '../storage/replay.js'
import type { ItemsPage } from '../storage/replay-items.js'
import { planReplay } from './plan-replay.js'
import type {
  Acting,
  ActingFor,
  ApproveAnswer,
  CancelAnswer,
  PauseAnswer,
  PlanAnswer,
  ReplayDeps,
  ResumeAnswer,
  SkipAnswer,
  StartAnswer
} from './replay-acts.js'
import { mostPerSecond, secondsLeft, usualPerSecond, type WantedPace } from './replay-pace.js'
import { skipHeld } from './skip-held.js'
import { approveReplay, startReplay } from './start-replay.js'
import { cancelReplay, pauseReplay, resumeReplay } from './steer-replay.js'

export interface ShownReplay extends Replay {
  progress: ReplayProgress
  /** Until all is attempted; null while nothing goes. */
  secondsLeft: number | null
  items: ReplayItem[]
  /** Of its destination: what a start takes unless it asks for another, and all there is; null when it is configured no more. */
  pace: { usualPerSecond: number; mostPerSecond: number } | null
}

export interface Replays {
  plan(wanted: ReplayFilter & ActingFor): Promise<PlanAnswer>
  /** By a second person, where a plan needs one. */
  approve(replayId: string, by: ActingFor): Promise<ApproveAnswer>
  /** `queueOnly`: also at a destination that is paused or behind an open breaker; nothing is released until it opens. */
  start(replayId: string, by: Acting & WantedPace & { confirmCount: number; queueOnly?: boolean }): Promise<StartAnswer>
  pause(replayId: string, by: ActingFor): Promise<PauseAnswer>
  /** At the rate it had, unless another is asked for. Failures before count no more. */
  resume(replayId: string, by: ActingFor & WantedPace): Promise<ResumeAnswer>
  /** What is released goes on; what is left stays as it was. Once it has started, a reason is needed. */
  cancel(replayId: string, by: Acting & { reason?: string }): Promise<CancelAnswer>
  /** Newest first. */
  list(limit: number): Promise<Replay[]>
  show(replayId: string, items?: Partial<ItemsPage>): Promise<ShownReplay | undefined>
  /** Gives up one held delivery, so that what waits behind it goes: an explicit gap at the receiver. */
  skip(deliveryId: string, by: ActingFor): Promise<SkipAnswer>
}

const ITEMS_SHOWN = 1_000

export function createReplays(deps: ReplayDeps): Replays {
  const { database } = deps
  return {
    plan: (wanted) => planReplay(deps, wanted),
    approve: (replayId, by) => approveReplay(deps, replayId, by),
    start: (replayId, by) => startReplay(deps, replayId, by),
    pause: (replayId, by) => pauseReplay(deps, replayId, by),
    resume: (replayId, by) => resumeReplay(deps, replayId, by),
    cancel: (replayId, by) => cancelReplay(deps, replayId, by),
    list: (limit) => database.stores.replays.list(limit),
    async show(replayId, page = {}) {
      const { replays } = database.stores
      const replay = await replays.find(replayId)
      if (!replay) return undefined
      const progress = await replays.readProgress(replayId)
      const items = await replays.listItems(replayId, { limit: ITEMS_SHOWN, ...page })
      const left = timeLeft(replay, progress, deps.now())
      return { ...replay, progress, secondsLeft: left, items, pace: paceAt(deps, replay.destination) }
    },
    skip: (deliveryId, by) => skipHeld(deps, deliveryId, by)
  }
}

function paceAt({ destinations, policy }: ReplayDeps, name: string): ShownReplay['pace'] {
  const destination = destinations.find((candidate) => candidate.name === name)
  if (destination === undefined) return null
  const { ratePerSecond } = destination
  return {
    usualPerSecond: usualPerSecond(ratePerSecond, policy.replay),
    mostPerSecond: mostPerSecond(ratePerSecond, policy.replay)
  }
}

function timeLeft({ state, ratePerSecond, startedAt }: Replay, progress: ReplayProgress, now: Date): number | null {
  if (state !== 'running' || ratePerSecond === null || startedAt === null) return null
  return secondsLeft(progress, ratePerSecond, (now.getTime() - startedAt.getTime()) / 1_000)
}

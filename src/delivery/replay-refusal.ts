// Why a replay is not planned, started or moved.
import type { Replay } from '../storage/replay.js'

export type ReplayRefusal =
  | 'unknown-destination'
  | 'unknown-replay'
  | 'unknown-delivery'
  | 'not-delivered'
  | 'stale-version'
  | 'not-planned'
  | 'not-running'
  | 'not-paused'
  | 'replay-ended'
  | 'plan-expired'
  | 'count-differs'
  | 'another-runs'
  | 'destination-closed'
  | 'approval-needed'
  | 'approval-needless'
  | 'same-person'
  | 'rate-too-high'
  | 'rate-unknown'
  | 'reason-needed'
  | 'not-held'

/** `message`: what is so, and what to do. */
export interface Refused {
  kind: 'refused'
  why: ReplayRefusal
  message: string
}

export function refuseReplay(why: ReplayRefusal, message: string): Refused {
  return { kind: 'refused', why, message }
}

export function unknownReplay(replayId: string): Refused {
  return refuseReplay('unknown-replay', `There is no replay ${replayId}`)
}

export function notPlanned(replay: Pick<Replay, 'replayId' | 'state'>): Refused {
  return refuseReplay('not-planned', `Replay ${replay.replayId} is ${replay.state}: plan a new one`)
}

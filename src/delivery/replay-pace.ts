// How fast a replay goes, and when it had better stop. Pure: the relay asks, with what it read in its transaction.
import type { ReplayProgress } from '../storage/replay.js'
import type { ReplayTurn, Spacing } from '../storage/replay-release.js'
import type { JudgedFrom } from '../storage/replay-store.js'
import type { Destination } from './destination.js'
import type { DeliveryPolicy } from './policy.js'
import { refuseReplay, type Refused } from './replay-refusal.js'

export type ReplayPolicy = DeliveryPolicy['replay']

/** What whoever starts a replay asks for: at most one of the two. */
export interface WantedPace {
  ratePerSecond?: number
  /** Part of the destination's rate. */
  share?: number
}

export type Pace = { kind: 'pace'; ratePerSecond: number } | Refused

/** The pace between nothing and all that the destination takes. */
export function choosePace(
  { name, ratePerSecond: rate }: Pick<Destination, 'name' | 'ratePerSecond'>,
  wanted: WantedPace,
  policy: ReplayPolicy
): Pace {
  if (wanted.share !== undefined) {
    if (rate !== undefined) return { kind: 'pace', ratePerSecond: rate * wanted.share }
    return refuseReplay('rate-unknown', `${name} has no rate that a share could be taken of: say how many a second`)
  }
  if (wanted.ratePerSecond === undefined) return { kind: 'pace', ratePerSecond: usualPerSecond(rate, policy) }
  const most = mostPerSecond(rate, policy)
  if (wanted.ratePerSecond <= most) return { kind: 'pace', ratePerSecond: wanted.ratePerSecond }
  return refuseReplay('rate-too-high', `${name} takes ${most} a second at most, ${wanted.ratePerSecond} were asked for`)
}

/** What leaves room for others. */
export function usualPerSecond(rate: number | undefined, policy: ReplayPolicy): number {
  return rate === undefined ? policy.perSecond : rate * policy.share
}

export function mostPerSecond(rate: number | undefined, policy: ReplayPolicy): number {
  return rate ?? policy.mostPerSecond
}

/**
 * What to release now: the moments of the pace that lie less than `aheadMs` ahead. Moments that have passed are lost,
 * so that a relay that comes back releases no burst; and while what was released is not taken, nothing is added.
 */
export function planRelease(turn: ReplayTurn, policy: ReplayPolicy): Spacing & { items: number } {
  const gapMs = 1_000 / turn.ratePerSecond
  const inMs = Math.max(turn.aheadMs, 0)
  const isHeldBack = !turn.isOpen || (turn.mode === 'backfill' && turn.isLiveLate)
  const moments = Math.ceil((policy.aheadMs - inMs) / gapMs)
  const room = Math.max(1, Math.floor((turn.ratePerSecond * policy.waitingMs) / 1_000)) - turn.waiting
  return { inMs, gapMs, items: isHeldBack ? 0 : Math.max(0, Math.min(moments, room)) }
}

/** By the rate asked for, or by what really ends where that is less. Null while nothing goes. */
export function secondsLeft(
  { left, waiting, endedPerSecond }: ReplayProgress,
  ratePerSecond: number,
  ranForSeconds: number
): number | null {
  if (left + waiting === 0) return 0
  // In its first half minute it has not been counted for half a minute.
  const ended = endedPerSecond * Math.max(1, 30 / Math.max(ranForSeconds, 1))
  const perSecond = ranForSeconds < 5 ? ratePerSecond : Math.min(ratePerSecond, ended)
  return perSecond <= 0 ? null : Math.ceil((left + waiting) / perSecond)
}

/** What was attempted so far, and how much of it without success. */
export function countTried({ delivered, failed, retrying }: ReplayProgress): JudgedFrom {
  return { tried: delivered + failed + retrying, failing: failed + retrying }
}

/** Why it must be paused; undefined while it may go on. */
export function judgeFailures(progress: ReplayProgress, from: JudgedFrom, policy: ReplayPolicy): string | undefined {
  const now = countTried(progress)
  const tried = now.tried - from.tried
  const failing = now.failing - from.failing
  if (tried < policy.pauseAfter || failing <= tried * policy.pauseShare) return undefined
  return `${failing} of the last ${tried} failed`
}

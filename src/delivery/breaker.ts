// When a destination is left alone. Closed: everything goes. Open: nothing goes until the wait is over, then one delivery
// goes as a probe. A probe that is answered closes it, one that is not doubles the wait. What is closed again is not
// trusted at once: one delivery may be under way, and each answer adds one (1, 2, 4 ... at a time), so that a receiver
// that has just come back is not knocked over by what waited for it; a failure within the first answers opens it again,
// for twice as long. Pure: the state is a row of the database, shared by all processes.
import type { Door, HealthChange } from '../storage/destination-store.js'
import type { BreakerPolicy } from './policy.js'

/** What an attempt says about the destination (not about the delivery): any answer, even a refusal, is a sign of life. */
export interface Sign {
  kind: 'answered' | 'unavailable' | 'credentials'
  /** The one attempt that was let through an open breaker. What else fails then was under way before: it adds nothing. */
  isProbe: boolean
}

export type KnownHealth = Pick<Door, 'consecutiveFailures' | 'breakerOpen' | 'breakerWaits' | 'slowStart' | 'sample'>

/** The change that attempts bring about. `signs`: in the order in which they ended. */
export function judgeSigns(known: KnownHealth, signs: readonly Sign[], policy: BreakerPolicy): HealthChange {
  let change: HealthChange = {
    consecutiveFailures: known.consecutiveFailures,
    breakerWaits: known.breakerWaits,
    slowStart: known.slowStart,
    sample: known.sample,
    breaker: null
  }
  for (const sign of signs) {
    const isOpen = change.breaker === null ? known.breakerOpen : change.breaker.kind === 'open'
    change = sign.kind === 'answered' ? afterAnswer(change, isOpen, policy) : afterFailure(change, sign, isOpen, policy)
  }
  return change
}

/** Whether these signs leave a healthy row as it is, so that nothing need be written. */
export function changesNothing(known: KnownHealth, signs: readonly Sign[]): boolean {
  const isWell =
    known.consecutiveFailures === 0 && !known.breakerOpen && known.slowStart === null && known.sample.unavailable === 0
  return isWell && signs.every((sign) => sign.kind === 'answered')
}

function afterAnswer(change: HealthChange, isOpen: boolean, policy: BreakerPolicy): HealthChange {
  if (isOpen)
    return { ...change, consecutiveFailures: 0, slowStart: 1, sample: NOTHING_SEEN, breaker: { kind: 'closed' } }
  const { tries, unavailable } = change.sample
  const slowStart = change.slowStart === null ? null : change.slowStart + 1
  return {
    ...change,
    consecutiveFailures: 0,
    breakerWaits: isOnTrial(slowStart, policy) ? change.breakerWaits : 0,
    slowStart: slowStart !== null && slowStart < policy.trustedAt ? slowStart : null,
    // Answers are counted from the first failure on: a destination without any is not written to.
    sample: unavailable === 0 ? NOTHING_SEEN : { tries: tries + 1, unavailable }
  }
}

function afterFailure(
  before: HealthChange,
  { kind, isProbe }: Sign,
  isOpen: boolean,
  policy: BreakerPolicy
): HealthChange {
  const reason = kind === 'credentials' ? 'credentials' : 'unavailable'
  const change = {
    ...before,
    consecutiveFailures: before.consecutiveFailures + 1,
    sample: { tries: before.sample.tries + 1, unavailable: before.sample.unavailable + 1 }
  }
  if (isOpen) return isProbe ? openAgain(change, reason, policy) : change
  if (isOnTrial(change.slowStart, policy)) return openAgain(change, reason, policy)
  const isIll =
    reason === 'credentials' || change.consecutiveFailures >= policy.failuresToOpen || fails(change.sample, policy)
  return isIll ? openAgain({ ...change, breakerWaits: 0 }, reason, policy) : change
}

function isOnTrial(slowStart: number | null, policy: BreakerPolicy): boolean {
  return slowStart !== null && slowStart <= policy.trialAnswers
}

/** Failures between answers: none of them need stand beside another. */
function fails({ tries, unavailable }: Door['sample'], { sample }: BreakerPolicy): boolean {
  return tries >= sample.leastTries && unavailable / tries >= sample.failingShare
}

function openAgain(change: HealthChange, reason: 'unavailable' | 'credentials', policy: BreakerPolicy): HealthChange {
  const breakerWaits = change.breakerWaits + 1
  const waitMs = Math.min(policy.firstWaitMs * 2 ** (breakerWaits - 1), policy.longestWaitMs)
  return { ...change, breakerWaits, slowStart: null, sample: NOTHING_SEEN, breaker: { kind: 'open', waitMs, reason } }
}

const NOTHING_SEEN: Door['sample'] = { tries: 0, unavailable: 0 }

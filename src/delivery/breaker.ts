// When a destination is left alone. Closed: everything goes. Open: nothing goes until the wait is over, then one delivery
// goes as a probe. A probe that is answered closes it; one that is not doubles the wait. Pure: the state is a row of the
// database, shared by all processes.
import type { Door, HealthChange } from '../storage/destination-store.js'
import type { BreakerPolicy } from './policy.js'

/** What an attempt says about the destination (not about the delivery): any answer, even a refusal, is a sign of life. */
export interface Sign {
  kind: 'answered' | 'unavailable' | 'credentials'
  /** The one attempt that was let through an open breaker. What else fails then was under way before: it adds nothing. */
  isProbe: boolean
}

/** The change that attempts bring about. `signs`: in the order in which they ended. */
export function judgeSigns(
  door: Pick<Door, 'consecutiveFailures' | 'breakerOpen' | 'breakerWaits'>,
  signs: readonly Sign[],
  policy: BreakerPolicy
): HealthChange {
  let failures = door.consecutiveFailures
  let breaker: HealthChange['breaker'] = null
  for (const { kind, isProbe } of signs) {
    if (kind === 'answered') {
      failures = 0
      if (door.breakerOpen || breaker !== null) breaker = { kind: 'closed' }
      continue
    }
    failures += 1
    const isOpen = breaker === null ? door.breakerOpen : breaker.kind === 'open'
    const opens = kind === 'credentials' || failures >= policy.failuresToOpen
    if (!isOpen && opens) breaker = openFor(1, kind, policy)
    else if (isOpen && isProbe) breaker = openFor(door.breakerWaits + 1, kind, policy)
  }
  return { consecutiveFailures: failures, breaker }
}

/** Whether these signs leave a healthy row as it is, so that nothing need be written. */
export function changesNothing(
  door: Pick<Door, 'consecutiveFailures' | 'breakerOpen'>,
  signs: readonly Sign[]
): boolean {
  return door.consecutiveFailures === 0 && !door.breakerOpen && signs.every((sign) => sign.kind === 'answered')
}

function openFor(waits: number, reason: 'unavailable' | 'credentials', policy: BreakerPolicy): HealthChange['breaker'] {
  const waitMs = Math.min(policy.firstWaitMs * 2 ** (waits - 1), policy.longestWaitMs)
  return { kind: 'open', waits, waitMs, reason }
}

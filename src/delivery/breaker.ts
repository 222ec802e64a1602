// When a destination is left alone. Closed: everything goes. Open: nothing goes until the wait is over, then one delivery
// goes as a probe. A probe that is answered closes it; one that is not doubles the wait. Pure: the state is a row of the
// database, shared by all processes.
import type { Door, HealthChange } from '../storage/destination-store.js'
import type { BreakerPolicy } from './policy.js'

/** What an attempt says about the destination (not about the delivery): any answer, even a refusal, is a sign of life. */
export type Sign = 'answered' | 'unavailable' | 'credentials'

/**
 * The change that attempts bring about. `signs`: in the order in which they ended. `isProbe`: the one attempt that was
 * let through an open breaker; what else fails then was under way before, and adds nothing.
 */
export function judgeSigns(
  door: Pick<Door, 'consecutiveFailures' | 'breakerOpen' | 'breakerWaits'>,
  signs: readonly Sign[],
  isProbe: boolean,
  policy: BreakerPolicy
): HealthChange {
  let failures = door.consecutiveFailures
  let breaker: HealthChange['breaker'] = null
  for (const sign of signs) {
    if (sign === 'answered') {
      failures = 0
      if (door.breakerOpen || breaker !== null) breaker = { kind: 'closed' }
      continue
    }
    failures += 1
    const isOpen = breaker === null ? door.breakerOpen : breaker.kind === 'open'
    const opens = sign === 'credentials' || failures >= policy.failuresToOpen
    if (!isOpen && opens) breaker = openFor(1, sign, policy)
    else if (isOpen && isProbe) breaker = openFor(door.breakerWaits + 1, sign, policy)
  }
  return { consecutiveFailures: failures, breaker }
}

/** Whether these signs leave a healthy row as it is, so that nothing need be written. */
export function changesNothing(
  door: Pick<Door, 'consecutiveFailures' | 'breakerOpen'>,
  signs: readonly Sign[]
): boolean {
  return door.consecutiveFailures === 0 && !door.breakerOpen && signs.every((sign) => sign === 'answered')
}

function openFor(waits: number, reason: 'unavailable' | 'credentials', policy: BreakerPolicy): HealthChange['breaker'] {
  const waitMs = Math.min(policy.firstWaitMs * 2 ** (waits - 1), policy.longestWaitMs)
  return { kind: 'open', waits, waitMs, reason }
}

// When a version takes back what a destination may have been told.
import type { DeliveryCandidate } from './destination.js'

/**
 * True for a deletion, and for a correction that says the immunisation did not happen or was never meant to be recorded.
 * Whether anything was delivered before is not known when deliveries are planned: the destination finds out.
 */
export function isWithdrawal(candidate: DeliveryCandidate): boolean {
  if (candidate.operation === 'delete') return true
  return candidate.operation === 'update' && candidate.facts.status !== 'completed'
}

// When a version takes back what a destination may have been told.
import type { Immunization } from 'fhir/r4.js'
import type { Delivery, DeliveryCandidate } from './destination.js'

/**
 * True for a deletion, and for a correction that says the immunisation did not happen or was never meant to be recorded.
 * Whether anything was delivered before is not known when deliveries are planned: the destination finds out.
 */
export function isWithdrawal(candidate: DeliveryCandidate): boolean {
  if (candidate.operation === 'delete') return true
  return candidate.operation === 'update' && candidate.facts.status !== 'completed'
}

/** The same of a version that is being delivered. */
export function isWithdrawn(delivery: Pick<Delivery, 'operation'>, { status }: Immunization): boolean {
  return delivery.operation === 'delete' || status !== 'completed'
}

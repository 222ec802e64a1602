// When a version takes back what a destination may have been told.
import type { Immunization } from 'fhir/r4.js'
import type { Delivery } from './destination.js'

/** True for a deletion, and for a correction that says the immunisation did not happen or was never meant to be recorded. */
export function isWithdrawn(delivery: Pick<Delivery, 'operation'>, { status }: Immunization): boolean {
  return delivery.operation === 'delete' || status !== 'completed'
}

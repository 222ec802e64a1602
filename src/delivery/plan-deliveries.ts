// Which destinations a new version goes to. Pure; called inside the accepting transaction.
import type { DeliveryCandidate, DeliveryOperation, Destination } from './destination.js'

/** The part of a Destination that planning needs. */
export type Wanting = Pick<Destination, 'name' | 'wants'>

export interface PlannedDelivery {
  destination: string
  operation: DeliveryOperation
}

/**
 * One planned delivery per destination that wants the version. `lanes` names the destinations that an earlier version
 * of this record went to: they get every later version, so that no receiver is left with a stale one. A destination
 * that has never heard of the record is sent a create, whatever the version is here, and no delete.
 */
export function planDeliveries(
  candidate: DeliveryCandidate,
  destinations: readonly Wanting[],
  lanes: ReadonlySet<string>
): PlannedDelivery[] {
  const asNew: DeliveryCandidate = { ...candidate, operation: 'create' }
  return destinations.flatMap((destination) => {
    if (lanes.has(destination.name)) return [{ destination: destination.name, operation: candidate.operation }]
    const isNews = candidate.operation !== 'delete' && destination.wants(asNew)
    return isNews ? [{ destination: destination.name, operation: 'create' as const }] : []
  })
}

// Which destinations a new version goes to. Pure; called inside the accepting transaction.
import type { ImmunizationFacts } from '../fhir/immunization.js'
import type { DeliveryCandidate, DeliveryOperation, Destination } from './destination.js'

/** The part of a Destination that planning needs. */
export type Wanting = Pick<Destination, 'name' | 'wants' | 'followsPatient'>

export interface PlannedDelivery {
  destination: string
  operation: DeliveryOperation
}

/**
 * One planned delivery per destination that wants the version. `lanes` names the destinations that an earlier version
 * of this record went to: they get every later version, so that no receiver is left with a stale one. A destination
 * that has never heard of the record is sent a create, whatever the version is here; a delete has no facts and goes to the
 * lanes only.
 */
export function planDeliveries(
  candidate: Omit<DeliveryCandidate, 'facts'> & { facts?: ImmunizationFacts },
  destinations: readonly Wanting[],
  lanes: ReadonlySet<string>
): PlannedDelivery[] {
  const { facts, operation } = candidate
  return destinations.flatMap((destination): PlannedDelivery[] => {
    if (lanes.has(destination.name)) return [{ destination: destination.name, operation }]
    const isNews = facts !== undefined && destination.wants({ ...candidate, facts, operation: 'create' })
    return isNews ? [{ destination: destination.name, operation: 'create' }] : []
  })
}

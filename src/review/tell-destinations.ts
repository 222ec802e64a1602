// What destinations are told when records were put together or parted: new survivors, as after any regrouping, and
// totals, by those that count per patient.
import type { Immunization } from 'fhir/r4.js'
import { planDeliveries, type Wanting } from '../delivery/plan-deliveries.js'
import { readImmunizationFacts } from '../fhir/immunization.js'
import { deliverNewSurvivors } from '../ingest/deliver-survivors.js'
import type { WorkingSet } from '../ingest/working-set.js'
import type { KnownEvent } from '../storage/event-store.js'

export interface Regrouping {
  before: readonly KnownEvent[]
  after: readonly KnownEvent[]
  /** The patients whose totals may have changed. */
  patientKeys: readonly string[]
}

interface Deps {
  destinations: readonly Wanting[]
  newId: () => string
}

/** Plans the deliveries; gives how many. */
export async function tellDestinations(regrouping: Regrouping, set: WorkingSet, deps: Deps): Promise<number> {
  let planned = 0
  const counting: WorkingSet = {
    ...set,
    addDeliveries(deliveries) {
      planned += deliveries.length
      set.addDeliveries(deliveries)
    }
  }
  await deliverNewSurvivors(regrouping, counting, deps)
  const perPatient = deps.destinations.filter(({ followsPatient }) => followsPatient === true)
  if (perPatient.length > 0)
    for (const patientKey of regrouping.patientKeys)
      await tellTotals(patientKey, regrouping.after, counting, perPatient, deps)
  return planned
}

// One record of each vaccine type carries the news. Where the patient has none left of a type, one that was parted from
// it does: the destination reads the totals of the patient it is told of, whoever the record belongs to.
async function tellTotals(
  patientKey: string,
  events: readonly KnownEvent[],
  set: WorkingSet,
  destinations: readonly Wanting[],
  { newId }: Deps
): Promise<void> {
  const counted = events.filter(({ isSurvivor }) => isSurvivor)
  const own = counted.filter((event) => event.patientKey === patientKey)
  const carriers = new Map([...counted, ...own].map((event) => [event.vaccineType, event.recordId]))
  for (const [vaccineType, recordId] of carriers) {
    const head = await set.lockAlso(recordId)
    const body = await set.currentBody(recordId)
    if (head === undefined || body === undefined) continue
    const facts = readImmunizationFacts(JSON.parse(body) as Immunization)
    const wanted = planDeliveries(
      { operation: 'create', vaccineType, isSurvivor: true, facts },
      destinations,
      new Set()
    )
    set.addDeliveries(
      wanted.map(({ destination }) => ({
        destination,
        operation: 'update',
        deliveryId: newId(),
        recordId,
        version: head.version,
        patientKey,
        isAgain: true
      }))
    )
  }
}

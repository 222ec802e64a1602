// What destinations are told when records were put together or parted: new survivors, as after any regrouping, and
// totals, by those that count per patient.
import type { Immunization } from 'fhir/r4.js'
import { placeOf, type Wanting } from '../delivery/plan-deliveries.js'
import { readImmunizationFacts } from '../fhir/immunization.js'
import { fanOut } from '../ingest/fan-out.js'
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
  let planned = await fanOut(regrouping, set, deps)
  const perPatient = deps.destinations.filter(({ followsPatient }) => followsPatient === true)
  if (perPatient.length > 0)
    for (const patientKey of regrouping.patientKeys)
      planned += await tellTotals(patientKey, regrouping.after, set, perPatient, deps)
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
): Promise<number> {
  let planned = 0
  const counted = events.filter(({ isSurvivor }) => isSurvivor)
  const own = counted.filter((event) => event.patientKey === patientKey)
  const carriers = new Map([...counted, ...own].map((event) => [event.vaccineType, event.recordId]))
  for (const [vaccineType, recordId] of carriers) {
    const head = await set.lockAlso(recordId)
    const body = await set.currentBody(recordId)
    if (head === undefined || body === undefined) continue
    const candidate = { facts: readImmunizationFacts(JSON.parse(body) as Immunization), vaccineType }
    for (const destination of destinations) {
      if (placeOf({ isSurvivor: true, candidate }, destination) !== 'present') continue
      const { version } = head
      const again = { operation: 'update', isAgain: true, version } as const
      set.deliveries.add({ ...again, destination: destination.name, deliveryId: newId(), recordId, patientKey })
      planned++
    }
  }
  return planned
}

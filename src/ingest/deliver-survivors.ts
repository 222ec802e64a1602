// When a record stops counting, another of its event group takes over: destinations that want survivors only have never
// heard of that one, and must, or the vaccination would vanish there with the first record's deletion.
import type { Immunization } from 'fhir/r4.js'
import { planDeliveries, type Wanting } from '../delivery/plan-deliveries.js'
import { readImmunizationFacts } from '../fhir/immunization.js'
import type { KnownEvent } from '../storage/event-store.js'
import type { WorkingSet } from './working-set.js'

export interface Succession {
  /** The record whose new version regrouped the patient, where it was one: its deliveries are planned elsewhere. */
  touchedId?: string
  before: readonly KnownEvent[]
  after: readonly KnownEvent[]
}

/** Plans the present version of every record that has become a survivor, for destinations that do not have it yet. */
export async function deliverNewSurvivors(
  { touchedId, before, after }: Succession,
  set: WorkingSet,
  deps: { destinations: readonly Wanting[]; newId: () => string }
): Promise<void> {
  const survivedBefore = new Set(before.filter((event) => event.isSurvivor).map((event) => event.recordId))
  for (const { recordId, isSurvivor } of after) {
    if (!isSurvivor || recordId === touchedId || survivedBefore.has(recordId)) continue
    const head = await set.lockAlso(recordId)
    const body = await set.currentBody(recordId)
    if (head === undefined || body === undefined) continue
    const { version, patientKey, vaccineType } = head
    const facts = readImmunizationFacts(JSON.parse(body) as Immunization)
    const lanes = set.lanesOf(recordId)
    const planned = planDeliveries(
      { operation: 'create', vaccineType, isSurvivor, facts },
      deps.destinations,
      new Set()
    )
    set.addDeliveries(
      planned
        .filter(({ destination }) => !lanes.has(destination))
        .map((delivery) => ({ ...delivery, deliveryId: deps.newId(), recordId, version, patientKey }))
    )
  }
}

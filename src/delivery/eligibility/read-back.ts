// Whether the eligibility store holds the totals that follow from the patient's present event groups. Writes nothing.
import type { Immunization } from 'fhir/r4.js'
import type { VaccineType } from '../../fhir/vaccine-types.js'
import type { CountedPossibleDuplicates, Delivery, DestinationServices, ReadBack } from '../destination.js'
import { createRedactor } from '../transport/receiver-text.js'
import { outcomeOfError, type ItemStore } from './item-store.js'
import { typesOfTarget } from './options.js'
import { patientItemKey, toTargetFields } from './target-item.js'

export interface ReadBackDeps {
  store: ItemStore
  hashSecret: string
  targets: Partial<Record<VaccineType, string>>
  possibleDuplicates: CountedPossibleDuplicates
  services: DestinationServices
}

export async function readBackTotals(delivery: Delivery, deps: ReadBackDeps, signal: AbortSignal): Promise<ReadBack> {
  const target = deps.targets[delivery.vaccineType]
  if (target === undefined) return { kind: 'same' }
  try {
    const totals = await deps.services.readEligibilityTotals(
      delivery.patientKey,
      typesOfTarget(target, deps.targets),
      deps.possibleDuplicates
    )
    if (totals.nhsNumber === undefined) return { kind: 'same' }
    const patientItem = patientItemKey(totals.nhsNumber, deps.hashSecret)
    if (!(await deps.store.hasPerson(patientItem, delivery.deliveryId, signal))) return { kind: 'same' }
    const held = await deps.store.findTarget({ patientItem, target }, delivery.deliveryId, signal)
    if (held === undefined) return { kind: 'missing', message: `the store has no item for ${target}` }
    const expected = toTargetFields(totals)
    // Newer totals are on their way to it, or came by another record.
    if (held.sourceVersion > expected.sourceVersion) return { kind: 'same' }
    const isSame =
      held.lastSuccessfulDate === expected.lastSuccessfulDate &&
      held.successfulProcedureCount === expected.successfulProcedureCount
    return isSame ? { kind: 'same' } : { kind: 'differs', message: `the item for ${target} holds other totals` }
  } catch (error) {
    const redact = createRedactor(JSON.parse(delivery.body) as Immunization)
    const outcome = outcomeOfError(error, false, redact, deps.services.now())
    return { kind: 'unknown', message: outcome.message ?? 'the store did not answer' }
  }
}

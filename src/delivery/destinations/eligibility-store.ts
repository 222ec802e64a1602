// An eligibility store in DynamoDB: when a patient was last vaccinated against a target, and how often.
// What is written follows from the patient's present event groups, never from the one version being delivered.
import type { Immunization } from 'fhir/r4.js'
import type { VaccineType } from '../../fhir/vaccine-types.js'
import type {
  CountedPossibleDuplicates,
  Delivery,
  DeliveryOutcome,
  Destination,
  DestinationKind,
  DestinationServices,
  DestinationSettings,
  EligibilityTotals
} from '../destination.js'
import { createItemStore, outcomeOfError, type ItemStore } from '../eligibility/item-store.js'
import { readBackTotals } from '../eligibility/read-back.js'
import {
  DEFAULT_TARGETS,
  eligibilityOptionsSchema,
  typesOfTarget,
  type EligibilityOptions
} from '../eligibility/options.js'
import { patientItemKey, toTargetFields } from '../eligibility/target-item.js'
import { createRedactor, type Redact } from '../transport/receiver-text.js'
import { readSecretOption } from '../transport/secret-option.js'

export const destinationKind: DestinationKind = {
  kind: 'eligibility-store',
  description: 'Eligibility store in DynamoDB: last date and number of doses per patient and target.',
  optionsSchema: eligibilityOptionsSchema,
  defaults: { concurrency: 8, timeoutMs: 5_000, sends: 'all', versions: 'latest' },
  create
}

interface Deps {
  store: ItemStore
  hashSecret: string
  targets: Partial<Record<VaccineType, string>>
  possibleDuplicates: CountedPossibleDuplicates
  services: DestinationServices
}

function create(
  settings: DestinationSettings,
  given: Record<string, unknown>,
  services: DestinationServices
): Destination {
  // Checked against optionsSchema when the configuration was read.
  const options = given as unknown as EligibilityOptions
  const secret = (property: string): string =>
    readSecretOption(settings.name, given, { file: `${property}File`, literal: property })
  const { tableName, region, endpoint } = options
  const store = createItemStore({
    tableName,
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    accessKeyId: secret('accessKeyId'),
    secretAccessKey: secret('secretAccessKey'),
    maxSockets: settings.concurrency
  })
  const targets = options.targets ?? DEFAULT_TARGETS
  const { possibleDuplicates = 'once' } = options
  const deps: Deps = { store, hashSecret: secret('hashSecret'), targets, possibleDuplicates, services }
  const { vaccineTypes, ...fixed } = settings
  return {
    ...fixed,
    followsPatient: true,
    // Any change of such a record may move the totals; a new one that does not count cannot.
    wants: (candidate) =>
      targets[candidate.vaccineType] !== undefined &&
      (vaccineTypes?.includes(candidate.vaccineType) ?? true) &&
      candidate.facts.status === 'completed',
    deliver: (delivery, signal) => deliver(delivery, deps, signal),
    readBack: (delivery, signal) => readBackTotals(delivery, deps, signal),
    close() {
      store.close()
      return Promise.resolve()
    }
  }
}

/** Asking first is not needed after an unknown outcome: the same totals are written again, or newer ones stand there. */
async function deliver(delivery: Delivery, deps: Deps, signal: AbortSignal): Promise<DeliveryOutcome> {
  const redact = createRedactor(JSON.parse(delivery.body) as Immunization)
  const target = deps.targets[delivery.vaccineType]
  if (target === undefined) return { kind: 'not-needed', message: `no item for ${delivery.vaccineType}` }
  const totals = await readTotals(delivery, deps, typesOfTarget(target, deps.targets))
  if (totals === undefined) return unreadableLedger
  if (totals.nhsNumber === undefined)
    return { kind: 'not-needed', message: 'no-nhs-number: the store knows no other key' }
  const ended: DeliveryOutcome[] = []
  // Whoever asks by a superseded number must not read that there was nothing.
  for (const number of [totals.nhsNumber, ...(totals.supersededNumbers ?? [])]) {
    const outcome = await setTotals(
      patientItemKey(number, deps.hashSecret),
      target,
      { totals, delivery, redact },
      deps,
      signal
    )
    if (outcome.kind !== 'delivered' && outcome.kind !== 'not-needed') return outcome
    ended.push(outcome)
  }
  return ended.find(({ kind }) => kind === 'delivered') ?? noPerson
}

const noPerson: DeliveryOutcome = { kind: 'not-needed', message: 'no-person: the store does not know this patient' }

async function setTotals(
  patientItem: string,
  target: string,
  { totals, delivery, redact }: { totals: EligibilityTotals; delivery: Delivery; redact: Redact },
  deps: Deps,
  signal: AbortSignal
): Promise<DeliveryOutcome> {
  try {
    if (!(await deps.store.hasPerson(patientItem, delivery.deliveryId, signal))) return noPerson
  } catch (error) {
    return outcomeOfError(error, false, redact, deps.services.now())
  }
  const remote = { id: `${patientItem.slice(0, 16)}/${target}`, version: String(totals.sourceVersion) }
  try {
    const key = { patientItem, target }
    const isWritten = await deps.store.setTarget(key, toTargetFields(totals), delivery.deliveryId, signal)
    if (isWritten) return { kind: 'delivered', status: 200, remote }
    return { kind: 'delivered', status: 200, remote, message: 'the store holds these totals, or newer ones, already' }
  } catch (error) {
    return outcomeOfError(error, true, redact, deps.services.now())
  }
}

const unreadableLedger: DeliveryOutcome = {
  kind: 'unavailable',
  ambiguous: false,
  message: 'our own event groups could not be read; nothing was sent'
}

// A database that is away for a moment is no reason to hold the delivery, as a rejection would.
async function readTotals(
  delivery: Delivery,
  { services, possibleDuplicates }: Deps,
  types: readonly VaccineType[]
): Promise<EligibilityTotals | undefined> {
  try {
    return await services.readEligibilityTotals(delivery.patientKey, types, possibleDuplicates)
  } catch {
    return undefined
  }
}

// The NHS England Immunisation FHIR API. What is sent and how answers are read: docs/destinations.md.
import { randomUUID } from 'node:crypto'
import type { Immunization } from 'fhir/r4.js'
import type {
  Delivery,
  DeliveryCandidate,
  DeliveryOutcome,
  Destination,
  DestinationKind,
  DestinationServices,
  DestinationSettings
} from '../destination.js'
import { openApplicationTokens } from '../nhs/application-tokens.js'
import { findRecords } from '../nhs/find-records.js'
import { createImmunizationApi } from '../nhs/immunization-api.js'
import { nhsOptionsSchema, type NhsOptions } from '../nhs/options.js'
import { toOutboundImmunization } from '../nhs/outbound-immunization.js'
import { readBackRecord } from '../nhs/read-back.js'
import { sendVersion, withdrawRecord, type SendDeps } from '../nhs/send-version.js'
import { openHttpDestination, PAID_BY } from '../transport/http-destination.js'
import { createRedactor } from '../transport/receiver-text.js'

export const destinationKind: DestinationKind = {
  kind: 'nhs-immunisation-api',
  description: 'NHS England Immunisation FHIR API: completed Immunizations, one record for each survivor.',
  optionsSchema: nhsOptionsSchema,
  // 20 requests a second is the share of one application; the API's own limit on an answer is 6 seconds.
  defaults: { concurrency: 8, ratePerSecond: 20, timeoutMs: 10_000, sends: 'survivors', versions: 'latest' },
  create
}

function create(
  settings: DestinationSettings,
  given: Record<string, unknown>,
  services: DestinationServices
): Destination {
  // Checked against optionsSchema when the configuration was read.
  const options = given as unknown as NhsOptions
  const { base, transport, now, openTrace } = openHttpDestination(settings, services)
  const tokens = openApplicationTokens(settings, options, transport, services)
  const api = createImmunizationApi(options.baseUrl, transport, tokens)
  return {
    ...base,
    wants: (candidate) => base.wants(candidate) && isPermitted(options.permissions, candidate),
    async deliver(delivery, signal) {
      const stored = JSON.parse(delivery.body) as Immunization
      const trace = openTrace(delivery, PAID_BY.claim, signal)
      return deliver(delivery, stored, { api, trace, redact: createRedactor(stored), now })
    },
    findRecords: (asked, signal) => {
      const { permissions } = options
      const trace = openTrace({ deliveryId: randomUUID(), recordId: randomUUID() }, PAID_BY.lookUp, signal)
      return findRecords(asked, { api, trace, now, ...(permissions === undefined ? {} : { permissions }) })
    },
    readBack: (delivery, signal) =>
      readBackRecord(delivery, { api, trace: openTrace(delivery, PAID_BY.readBack, signal) })
  }
}

async function deliver(delivery: Delivery, stored: Immunization, deps: SendDeps): Promise<DeliveryOutcome> {
  const { remote } = delivery
  if (delivery.operation === 'delete' || stored.status !== 'completed') {
    if (remote === undefined) return { kind: 'not-needed', message: 'nothing to withdraw: it was never delivered here' }
    return withdrawRecord(deps, remote)
  }
  const { resource, notes } = toOutboundImmunization(stored)
  const known = { isOutcomeUnknown: delivery.outcomeUnknown, ...(remote === undefined ? {} : { remote }) }
  const outcome = await sendVersion(deps, resource, known)
  if (outcome.kind !== 'delivered' || notes.length === 0) return outcome
  return { ...outcome, message: [outcome.message, ...notes].filter((note) => note !== undefined).join('; ') }
}

/** Sending needs C or U, by what the API has, which is not known here: either will do. */
function isPermitted(permissions: readonly string[] | undefined, candidate: DeliveryCandidate): boolean {
  if (permissions === undefined) return true
  const granted = permissions.find((entry) => entry.startsWith(`${candidate.vaccineType}.`))?.split('.')[1] ?? ''
  return granted.includes('C') || granted.includes('U')
}

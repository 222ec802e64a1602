// Any FHIR R4 server that takes a conditional update. What is sent and how answers are read: docs/destinations.md.
import type { Immunization } from 'fhir/r4.js'
import type {
  Delivery,
  DeliveryOutcome,
  Destination,
  DestinationKind,
  DestinationServices,
  DestinationSettings
} from '../destination.js'
import { fhirRestOptionsSchema } from '../fhir-server/options.js'
import { toOutbound } from '../fhir-server/outbound.js'
import { putVersion, removeRecord, type PutDeps } from '../fhir-server/put-version.js'
import { readBackFromServer } from '../fhir-server/read-back.js'
import { readServerAccess } from '../fhir-server/server-access.js'
import { createServerApi } from '../fhir-server/server-api.js'
import { openHttpDestination, PAID_BY } from '../transport/http-destination.js'
import { createRedactor } from '../transport/receiver-text.js'

export const destinationKind: DestinationKind = {
  kind: 'fhir-rest',
  description: 'Any FHIR R4 server: one Immunization for each survivor, kept under its business identifier.',
  optionsSchema: fhirRestOptionsSchema,
  defaults: { concurrency: 8, timeoutMs: 10_000, sends: 'survivors', versions: 'every' },
  create
}

function create(
  settings: DestinationSettings,
  given: Record<string, unknown>,
  services: DestinationServices
): Destination {
  const { base, transport, now, openTrace } = openHttpDestination(settings, services)
  const api = createServerApi(readServerAccess(settings, given, transport, now), transport)
  return {
    ...base,
    async deliver(delivery, signal) {
      const stored = JSON.parse(delivery.body) as Immunization
      const trace = openTrace(delivery, PAID_BY.claim, signal)
      return deliver(delivery, stored, { api, trace, redact: createRedactor(stored), now })
    },
    readBack: (delivery, signal) =>
      readBackFromServer(delivery, { api, trace: openTrace(delivery, PAID_BY.readBack, signal) })
  }
}

async function deliver(delivery: Delivery, stored: Immunization, deps: PutDeps): Promise<DeliveryOutcome> {
  const { remote, operation } = delivery
  const isDeletion = operation === 'delete'
  // A correction to entered-in-error is a version like any other to a FHIR server, if it has the record.
  if (remote === undefined && (isDeletion || stored.status !== 'completed'))
    return { kind: 'not-needed', message: 'nothing to withdraw: it was never delivered here' }
  if (isDeletion && remote !== undefined) return removeRecord(deps, remote)
  // What was deleted there may have lost its id: the identifier finds or makes it.
  const isKnown = remote !== undefined && operation !== 'reinstate'
  // Claimed before: an earlier attempt, finished or not, may have written this version.
  const ask = delivery.outcomeUnknown || delivery.epoch > 1
  return putVersion(deps, toOutbound(stored), { ask, ...(isKnown ? { remote } : {}) })
}

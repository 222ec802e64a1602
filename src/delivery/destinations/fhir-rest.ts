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
import { putVersion, removeRecord, type PutDeps } from '../fhir-server/put-version.js'
import { readServerAccess } from '../fhir-server/server-access.js'
import { createServerApi } from '../fhir-server/server-api.js'
import { createHttpTransport } from '../transport/http-transport.js'
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
  const transport = createHttpTransport({ maxSockets: settings.concurrency })
  const now = (): Date => services.now()
  const api = createServerApi(readServerAccess(settings, given, transport, now), transport)
  const { vaccineTypes, ...fixed } = settings
  return {
    ...fixed,
    wants: (candidate) =>
      (vaccineTypes?.includes(candidate.vaccineType) ?? true) && candidate.facts.status === 'completed',
    async deliver(delivery, signal) {
      const stored = JSON.parse(delivery.body) as Immunization
      const trace = { requestId: delivery.deliveryId, correlationId: delivery.recordId, signal }
      return deliver(delivery, stored, { api, trace, redact: createRedactor(stored), now })
    },
    close() {
      transport.close()
      return Promise.resolve()
    }
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

/** The Immunization as it was stored, without what is the server's own to say. */
function toOutbound({ id: _id, meta, ...resource }: Immunization): Immunization {
  const { profile, security, tag } = meta ?? {}
  const kept = {
    ...(profile === undefined ? {} : { profile }),
    ...(security === undefined ? {} : { security }),
    ...(tag === undefined ? {} : { tag })
  }
  return { ...resource, ...(Object.keys(kept).length === 0 ? {} : { meta: kept }) }
}

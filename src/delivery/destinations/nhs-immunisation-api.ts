// The NHS England Immunisation FHIR API. What is sent and how answers are read: docs/destinations.md.
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
import { findRecords } from '../nhs/find-records.js'
import { createImmunizationApi } from '../nhs/immunization-api.js'
import { nhsOptionsSchema, type NhsOptions } from '../nhs/options.js'
import { toOutboundImmunization } from '../nhs/outbound-immunization.js'
import { paceCalls } from '../nhs/paced-api.js'
import { readBackRecord } from '../nhs/read-back.js'
import { sendVersion, withdrawRecord, type SendDeps } from '../nhs/send-version.js'
import { shareTokens } from '../nhs/shared-tokens.js'
import { createTokenSource } from '../nhs/token-source.js'
import { createHttpTransport } from '../transport/http-transport.js'
import { createRedactor } from '../transport/receiver-text.js'
import { readSecretOption } from '../transport/secret-option.js'

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
  const privateKeyPem = readSecretOption(settings.name, given, { file: 'privateKeyFile', literal: 'privateKeyPem' })
  const transport = createHttpTransport({ maxSockets: settings.concurrency })
  const now = (): Date => services.now()
  const client = { ...options, privateKeyPem, timeoutMs: settings.timeoutMs }
  const own = createTokenSource(client, transport, now)
  const { accessTokens } = services
  const tokens = accessTokens === undefined ? own : shareTokens(own, accessTokens, client, now)
  const api = createImmunizationApi(options.baseUrl, transport, tokens)
  const { vaccineTypes, ...fixed } = settings
  return {
    ...fixed,
    wants: (candidate) =>
      (vaccineTypes?.includes(candidate.vaccineType) ?? true) &&
      isPermitted(options.permissions, candidate) &&
      candidate.facts.status === 'completed',
    async deliver(delivery, signal) {
      const stored = JSON.parse(delivery.body) as Immunization
      const trace = { requestId: delivery.deliveryId, correlationId: delivery.recordId, signal }
      const paced = paceCalls(api, (stop) => awaitMoment(settings, services, stop))
      return deliver(delivery, stored, { api: paced, trace, redact: createRedactor(stored), now })
    },
    findRecords: (asked, signal) => {
      const { permissions } = options
      return findRecords(asked, { api, signal, now, ...(permissions === undefined ? {} : { permissions }) })
    },
    readBack(delivery, signal) {
      const trace = { requestId: delivery.deliveryId, correlationId: delivery.recordId, signal }
      return readBackRecord(delivery, { api, trace })
    },
    close() {
      transport.close()
      return Promise.resolve()
    }
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

async function awaitMoment(
  { name, ratePerSecond }: DestinationSettings,
  services: DestinationServices,
  signal: AbortSignal
): Promise<void> {
  if (ratePerSecond !== undefined) await services.awaitMoment?.(name, ratePerSecond, signal)
}

/** Sending needs C or U, by what the API has, which is not known here: either will do. */
function isPermitted(permissions: readonly string[] | undefined, candidate: DeliveryCandidate): boolean {
  if (permissions === undefined) return true
  const granted = permissions.find((entry) => entry.startsWith(`${candidate.vaccineType}.`))?.split('.')[1] ?? ''
  return granted.includes('C') || granted.includes('U')
}

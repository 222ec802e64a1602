// The national notification service: one CloudEvent for each change. What is sent: docs/destinations.md.
import type { Immunization } from 'fhir/r4.js'
import type {
  Delivery,
  DeliveryOutcome,
  Destination,
  DestinationKind,
  DestinationServices,
  DestinationSettings
} from '../destination.js'
import { toChangeEvent } from '../mns/change-event.js'
import { mnsOptionsSchema, type MnsOptions } from '../mns/options.js'
import { callWithToken } from '../nhs/call-with-token.js'
import { createTokenSource, type TokenSource } from '../nhs/token-source.js'
import { outcomeOfFault } from '../transport/answer-outcome.js'
import { createHttpTransport, type HttpTransport } from '../transport/http-transport.js'
import { outcomeOfNotice } from '../transport/notice-outcome.js'
import { readSecretOption } from '../transport/secret-option.js'
import { isWithdrawn } from '../withdrawal.js'

export const destinationKind: DestinationKind = {
  kind: 'mns-event',
  description: 'NHS Multicast Notification Service: a CloudEvent for each change of a survivor.',
  optionsSchema: mnsOptionsSchema,
  // The national publisher gives the service 10 to 15 seconds.
  defaults: { concurrency: 8, timeoutMs: 15_000, sends: 'survivors', versions: 'every' },
  create
}

interface Deps {
  options: MnsOptions
  transport: HttpTransport
  tokens: TokenSource
  now: () => Date
}

function create(
  settings: DestinationSettings,
  given: Record<string, unknown>,
  services: DestinationServices
): Destination {
  // Checked against optionsSchema when the configuration was read.
  const options = given as unknown as MnsOptions
  const privateKeyPem = readSecretOption(settings.name, given, { file: 'privateKeyFile', literal: 'privateKeyPem' })
  const transport = createHttpTransport({ maxSockets: settings.concurrency })
  const now = (): Date => services.now()
  const { tokenUrl, apiKey, keyId } = options
  const client = { tokenUrl, apiKey, keyId, privateKeyPem, timeoutMs: settings.timeoutMs }
  const deps: Deps = { options, transport, tokens: createTokenSource(client, transport, now), now }
  const { vaccineTypes, ...fixed } = settings
  return {
    ...fixed,
    wants: (candidate) =>
      (vaccineTypes?.includes(candidate.vaccineType) ?? true) && candidate.facts.status === 'completed',
    deliver: (delivery, signal) => deliver(delivery, deps, signal),
    close() {
      transport.close()
      return Promise.resolve()
    }
  }
}

/** The service cannot be asked what it has: after an unknown outcome the same event goes again, under the same id. */
async function deliver(delivery: Delivery, deps: Deps, signal: AbortSignal): Promise<DeliveryOutcome> {
  const resource = JSON.parse(delivery.body) as Immunization
  const { remote, deliveryId } = delivery
  if (isWithdrawn(delivery, resource) && remote === undefined)
    return { kind: 'not-needed', message: 'nothing to withdraw: it was never told here' }
  const event = toChangeEvent(delivery, resource, deps.options)
  if (event === undefined) return { kind: 'not-needed', message: 'no-nhs-number: an event has no other subject' }
  const result = await callWithToken(deps.tokens, signal, (authorization) =>
    deps.transport.send({
      method: 'POST',
      url: `${deps.options.baseUrl}/events`,
      headers: {
        Authorization: authorization,
        'Content-Type': 'application/cloudevents+json',
        Accept: 'application/json',
        'X-Request-ID': deliveryId,
        'X-Correlation-ID': delivery.recordId
      },
      body: JSON.stringify(event),
      signal
    })
  )
  if (result.kind === 'no-token') return result.outcome
  if (result.kind === 'fault') return outcomeOfFault(result.fault, true)
  return outcomeOfNotice(result.answer, delivery, resource, deps.now())
}

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
import { openApplicationTokens } from '../nhs/application-tokens.js'
import { callWithToken } from '../nhs/call-with-token.js'
import type { TokenSource } from '../nhs/token-source.js'
import { outcomeOfFault } from '../transport/answer-outcome.js'
import { openHttpDestination, PAID_BY, type HttpDestination } from '../transport/http-destination.js'
import { outcomeOfNotice } from '../transport/notice-outcome.js'
import { isWithdrawn } from '../withdrawal.js'

export const destinationKind: DestinationKind = {
  kind: 'mns-event',
  description: 'NHS Multicast Notification Service: a CloudEvent for each change of a survivor.',
  optionsSchema: mnsOptionsSchema,
  // The national publisher gives the service 10 to 15 seconds.
  defaults: { concurrency: 8, timeoutMs: 15_000, sends: 'survivors', versions: 'every' },
  create
}

interface Deps extends Pick<HttpDestination, 'transport' | 'now' | 'openTrace'> {
  options: MnsOptions
  tokens: TokenSource
}

function create(
  settings: DestinationSettings,
  given: Record<string, unknown>,
  services: DestinationServices
): Destination {
  // Checked against optionsSchema when the configuration was read.
  const options = given as unknown as MnsOptions
  const { base, ...http } = openHttpDestination(settings, services)
  const tokens = openApplicationTokens(settings, options, http.transport, services)
  return { ...base, deliver: (delivery, signal) => deliver(delivery, { ...http, options, tokens }, signal) }
}

/** The service cannot be asked what it has: after an unknown outcome the same event goes again, under the same id. */
async function deliver(delivery: Delivery, deps: Deps, signal: AbortSignal): Promise<DeliveryOutcome> {
  const resource = JSON.parse(delivery.body) as Immunization
  const { remote } = delivery
  if (isWithdrawn(delivery, resource) && remote === undefined)
    return { kind: 'not-needed', message: 'nothing to withdraw: it was never told here' }
  const event = toChangeEvent(delivery, resource, deps.options)
  if (event === undefined) return { kind: 'not-needed', message: 'no-nhs-number: an event has no other subject' }
  const trace = deps.openTrace(delivery, PAID_BY.claim, signal)
  const result = await callWithToken(deps.tokens, trace, (authorization) =>
    deps.transport.send({
      method: 'POST',
      url: `${deps.options.baseUrl}/events`,
      headers: {
        Authorization: authorization,
        'Content-Type': 'application/cloudevents+json',
        Accept: 'application/json',
        'X-Request-ID': trace.requestId,
        'X-Correlation-ID': trace.correlationId
      },
      body: JSON.stringify(event),
      signal
    })
  )
  if (result.kind === 'no-token') return result.outcome
  if (result.kind === 'fault') return outcomeOfFault(result.fault, true)
  return outcomeOfNotice(result.answer, delivery, resource, deps.now())
}

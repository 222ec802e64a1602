// A signed webhook, as Standard Webhooks has it. What is sent: docs/destinations.md.
import type { Immunization } from 'fhir/r4.js'
import type {
  Delivery,
  DeliveryOutcome,
  Destination,
  DestinationKind,
  DestinationServices,
  DestinationSettings
} from '../destination.js'
import { outcomeOfFault } from '../transport/answer-outcome.js'
import { openHttpDestination } from '../transport/http-destination.js'
import { TransportFault, type HttpAnswer, type HttpTransport } from '../transport/http-transport.js'
import { outcomeOfNotice } from '../transport/notice-outcome.js'
import { createPublicLookup, isPublicAddress, literalAddress } from '../transport/public-lookup.js'
import { readSecretOption } from '../transport/secret-option.js'
import { webhookOptionsSchema, type WebhookOptions } from '../webhook/options.js'
import { parseSecrets, signWebhook } from '../webhook/signature.js'
import { toWebhookBody } from '../webhook/webhook-body.js'
import { isWithdrawn } from '../withdrawal.js'

export const destinationKind: DestinationKind = {
  kind: 'webhook',
  description: 'A signed webhook (Standard Webhooks) for each change of a survivor.',
  optionsSchema: webhookOptionsSchema,
  defaults: { concurrency: 8, timeoutMs: 15_000, sends: 'survivors', versions: 'every' },
  create
}

interface Deps {
  url: string
  content: 'notification' | 'resource'
  secrets: Buffer[]
  transport: HttpTransport
  now: () => Date
}

function create(
  settings: DestinationSettings,
  given: Record<string, unknown>,
  services: DestinationServices
): Destination {
  // Checked against optionsSchema when the configuration was read.
  const { url, content = 'notification', allowPrivateAddresses = false } = given as unknown as WebhookOptions
  const secret = readSecretOption(settings.name, given, { file: 'secretFile', literal: 'secret' })
  if (!allowPrivateAddresses) checkIsPublic(settings.name, url)
  const sockets = allowPrivateAddresses ? {} : { lookup: createPublicLookup() }
  const { base, transport, now } = openHttpDestination(settings, services, sockets)
  const deps: Deps = { url, content, secrets: parseSecrets(settings.name, secret), transport, now }
  return { ...base, deliver: (delivery, signal) => deliver(delivery, deps, signal) }
}

/** A socket asks for no lookup where the URL gives an address. @throws Error naming the destination and the option */
function checkIsPublic(name: string, given: string): void {
  const url = new URL(given)
  if (url.protocol !== 'https:')
    throw new Error(`destination "${name}": options.url must be https, unless options.allowPrivateAddresses is true`)
  const address = literalAddress(url)
  if (address !== undefined && !isPublicAddress(address))
    throw new Error(`destination "${name}": options.url is no public address, and allowPrivateAddresses is not true`)
}

/** A receiver cannot be asked what it has: after an unknown outcome the same message goes again, under the same id. */
async function deliver(delivery: Delivery, deps: Deps, signal: AbortSignal): Promise<DeliveryOutcome> {
  const resource = JSON.parse(delivery.body) as Immunization
  if (isWithdrawn(delivery, resource) && delivery.remote === undefined)
    return { kind: 'not-needed', message: 'nothing to withdraw: it was never told here' }
  const answer = await send(delivery, deps, signal)
  if (answer instanceof TransportFault) return outcomeOfFault(answer, true)
  return outcomeOfNotice(answer, delivery, resource, deps.now())
}

async function send(delivery: Delivery, deps: Deps, signal: AbortSignal): Promise<HttpAnswer | TransportFault> {
  const body = toWebhookBody(delivery, deps.content)
  const id = delivery.deliveryId
  const timestampSeconds = Math.floor(deps.now().getTime() / 1000)
  try {
    return await deps.transport.send({
      method: 'POST',
      url: deps.url,
      headers: {
        'Content-Type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestampSeconds),
        'webhook-signature': signWebhook({ id, timestampSeconds, body }, deps.secrets)
      },
      body,
      signal
    })
  } catch (error) {
    if (error instanceof TransportFault) return error
    throw error
  }
}

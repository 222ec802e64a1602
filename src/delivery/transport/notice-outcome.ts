// What the answer to a notice means: a receiver that is told once and cannot be asked, and of whom only the status counts.
import type { Immunization } from 'fhir/r4.js'
import type { Delivery, DeliveryOutcome } from '../destination.js'
import { outcomeOfAnswer } from './answer-outcome.js'
import type { HttpAnswer } from './http-transport.js'
import { createRedactor } from './receiver-text.js'

/** `remote` is the delivery: that something was told is what a later withdrawal must know. */
export function outcomeOfNotice(
  { status, headers, text }: HttpAnswer,
  { deliveryId, version }: Delivery,
  resource: Immunization,
  now: Date
): DeliveryOutcome {
  if (status >= 200 && status < 300)
    return { kind: 'delivered', status, remote: { id: deliveryId, version: String(version) } }
  const said = createRedactor(resource)(text)
  return outcomeOfAnswer({ status, retryAfter: headers['retry-after'], said }, true, now)
}

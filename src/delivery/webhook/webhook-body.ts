// What a webhook says: which record changed and how, and the Immunization itself where the receiver is to have it.
import type { Delivery } from '../destination.js'

const EVENT_TYPES: Record<Delivery['operation'], string> = {
  create: 'immunization.created',
  update: 'immunization.updated',
  delete: 'immunization.deleted',
  reinstate: 'immunization.reinstated'
}

/** The body is pure of the delivery: the same on every attempt, as its signature covers it. */
export function toWebhookBody(delivery: Delivery, content: 'notification' | 'resource'): string {
  const { recordId, version, operation } = delivery
  const data = { id: recordId, version, reference: `Immunization/${recordId}/_history/${version}` }
  const message = { type: EVENT_TYPES[operation], timestamp: delivery.changedAt.toISOString(), data }
  // What was deleted is not sent once more.
  if (content === 'notification' || operation === 'delete') return JSON.stringify(message)
  // The stored text is put in as it is: written anew, a quantity of 0.50 would become 0.5.
  return JSON.stringify(message).replace(/\}\}$/, () => `,"resource":${delivery.body}}}`)
}

// The GP record: an ITK3 message with a STU3 document, sent over MESH to the practice where the patient is registered.
// Delivered means that MESH took it; what the practice answers comes later, through the inbox (../inbox/).
import type { Immunization } from 'fhir/r4.js'
import type { Destination, DestinationKind, DestinationServices, DestinationSettings } from '../destination.js'
import { acknowledgementLimitMs, createGpInbox } from '../gp/gp-inbox.js'
import { gpOptionsSchema, type GpOptions } from '../gp/options.js'
import { editionOf, planGpMessage } from '../gp/plan-gp-message.js'
import { createMailbox } from '../mesh/mailbox.js'
import { sendOnce } from '../mesh/send-once.js'
import { credentialsOf } from '../transport/certificate-expiry.js'
import { openHttpDestination } from '../transport/http-destination.js'
import type { TlsOptions } from '../transport/http-transport.js'
import { createRedactor } from '../transport/receiver-text.js'
import { findFileOption, readSecretOption } from '../transport/secret-option.js'

export const destinationKind: DestinationKind = {
  kind: 'gp-record',
  description: 'The record at the GP practice: an ITK3 FHIR message over MESH for each completed survivor.',
  optionsSchema: gpOptionsSchema,
  defaults: { concurrency: 4, timeoutMs: 15_000, sends: 'survivors', versions: 'latest' },
  create
}

function create(
  settings: DestinationSettings,
  given: Record<string, unknown>,
  services: DestinationServices
): Destination {
  // Checked against optionsSchema when the configuration was read.
  const options = given as unknown as GpOptions
  const { name } = settings
  const credentials = {
    mailboxId: options.mailboxId,
    mailboxPassword: readSecretOption(name, given, { file: 'mailboxPasswordFile', literal: 'mailboxPassword' }),
    sharedKey: readSecretOption(name, given, { file: 'sharedKeyFile', literal: 'sharedKey' })
  }
  const tls = readTls(name, given)
  const { base, transport, now } = openHttpDestination(settings, services, { tls })
  const mailbox = createMailbox(options.baseUrl, credentials, transport, now)
  const answerWithinMs = acknowledgementLimitMs(options)
  return {
    ...base,
    credentials: credentialsOf(tls),
    inbox: createGpInbox(mailbox, options, settings.timeoutMs),
    replaces: true,
    async deliver(delivery, signal) {
      const resource = JSON.parse(delivery.body) as Immunization
      const planned = planGpMessage(delivery, resource, options, now())
      if ('kind' in planned) return planned
      const redact = createRedactor(resource)
      // Claimed before: an earlier attempt, finished or not, may have left the message in the outbox.
      const askFirst = delivery.outcomeUnknown || delivery.epoch > 1
      const outcome = await sendOnce({ mailbox, redact, now }, planned, askFirst, signal)
      if (outcome.kind !== 'delivered' || outcome.remote === undefined) return outcome
      // The document sent last is what a later one replaces.
      return { ...outcome, remote: { ...outcome.remote, version: editionOf(delivery) }, answerWithinMs }
    }
  }
}

function readTls(name: string, options: Record<string, unknown>): TlsOptions {
  const cert = findFileOption(name, options, 'clientCertificateFile')
  const key = findFileOption(name, options, 'clientKeyFile')
  const ca = findFileOption(name, options, 'certificateAuthorityFile')
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca })
  }
}

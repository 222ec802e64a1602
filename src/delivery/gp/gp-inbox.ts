// Our MESH inbox as the place where practices, and MESH itself, answer what we sent.
import type { Inbox } from '../inbox/inbox.js'
import type { Mailbox } from '../mesh/mailbox.js'
import { DEFAULT_ACKNOWLEDGEMENT_HOURS, DEFAULT_INBOX_SECONDS, type GpOptions } from './options.js'
import { readAnswer } from './read-answer.js'

/** MESH asks for it every 24 hours; an hour earlier leaves time to try again. */
const VALIDATE_EVERY_MS = 23 * 3_600_000

export function createGpInbox(
  { inbox }: Mailbox,
  { inboxSeconds = DEFAULT_INBOX_SECONDS }: Pick<GpOptions, 'inboxSeconds'>,
  timeoutMs: number
): Inbox {
  return {
    lookEveryMs: inboxSeconds * 1_000,
    validateEveryMs: VALIDATE_EVERY_MS,
    timeoutMs,
    validate: (signal) => inbox.validate(signal),
    list: (signal, after) => inbox.list(signal, after),
    async fetch(messageId, signal) {
      const fetched = await inbox.fetch(messageId, signal)
      if (fetched.kind !== 'fetched') return fetched
      const { message } = fetched
      const { workflowId, sender, content } = message
      return { kind: 'message', workflowId, sender, content, says: readAnswer(message) }
    },
    acknowledge: (messageId, signal) => inbox.acknowledge(messageId, signal)
  }
}

/** How long a practice may take until its silence is told to a person. */
export function acknowledgementLimitMs({
  acknowledgementHours = DEFAULT_ACKNOWLEDGEMENT_HOURS
}: Pick<GpOptions, 'acknowledgementHours'>): number {
  return acknowledgementHours * 3_600_000
}

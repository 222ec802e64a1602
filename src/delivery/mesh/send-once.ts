// Puts a message into the outbox once, however often it is tried.
import type { DeliveryOutcome } from '../destination.js'
import { outcomeOfAnswer, outcomeOfFault } from '../transport/answer-outcome.js'
import type { Redact } from '../transport/receiver-text.js'
import { readMessageId, wasGivenUp, type Mailbox, type MeshMessage } from './mailbox.js'
import { readRefusal, type MeshResult } from './mesh-answer.js'

export interface SendOnceDeps {
  mailbox: Mailbox
  redact: Redact
  now: () => Date
}

/** With `askFirst`, MESH is asked for our local id before anything is sent; what it has is not sent again. */
export async function sendOnce(
  deps: SendOnceDeps,
  message: MeshMessage,
  askFirst: boolean,
  signal: AbortSignal
): Promise<DeliveryOutcome> {
  if (askFirst) {
    const tracked = await deps.mailbox.track(message.localId, signal)
    const known = outcomeOfTracking(tracked, message.localId, deps)
    if (known !== undefined) return known
  }
  const sent = await deps.mailbox.send(message, signal)
  if (sent.kind === 'fault') return outcomeOfFault(sent.fault, true)
  const { answer } = sent
  if (answer.status < 200 || answer.status > 299) return failed(sent, true, deps)
  // Taken, even where the answer that names the message was cut short: the local id finds it as well.
  return { kind: 'delivered', status: answer.status, remote: { id: readMessageId(answer) ?? message.localId } }
}

/** Undefined when the message is not there, or was given up by MESH: it must be sent. */
function outcomeOfTracking(result: MeshResult, localId: string, deps: SendOnceDeps): DeliveryOutcome | undefined {
  if (result.kind === 'fault') return outcomeOfFault(result.fault, false)
  const { answer } = result
  if (answer.status === 404) return undefined
  if (answer.status === 300) {
    return { kind: 'delivered', status: 300, remote: { id: localId }, message: 'MESH has this message more than once' }
  }
  if (answer.status !== 200) return failed(result, false, deps)
  if (wasGivenUp(answer)) return undefined
  const id = readMessageId(answer)
  // A gateway's own page under a 200 must not pass for a message that MESH has.
  if (id === undefined)
    return { kind: 'unavailable', ambiguous: false, status: 200, message: 'answered 200 without a message id' }
  return { kind: 'delivered', status: 200, remote: { id }, message: 'MESH had this message already' }
}

function failed(result: MeshResult & { kind: 'answer' }, isWrite: boolean, deps: SendOnceDeps): DeliveryOutcome {
  const { status, headers } = result.answer
  const said = deps.redact(readRefusal(result.answer))
  return outcomeOfAnswer({ status, retryAfter: headers['retry-after'], said }, isWrite, deps.now())
}

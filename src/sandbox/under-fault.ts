// What becomes of one request under a fault.
import { setTimeout as delay } from 'node:timers/promises'
import type { ControlSetting } from './control-setting.js'
import type { Receiver, SandboxAnswer, SandboxReply, SandboxRequest } from './receiver.js'

/** What the receiver did, in order, and what the caller gets. */
export interface UnderFault {
  /** One, but two where the request came twice. */
  answers: SandboxAnswer[]
  reply: SandboxReply
}

export async function answerUnderFault(
  fault: ControlSetting,
  receiver: Receiver,
  request: SandboxRequest,
  env: { closed: AbortSignal; now: Date }
): Promise<UnderFault> {
  if (fault.mode === 'limited') return given({ ...receiver.fail('limited'), ...retryAfter(fault, receiver, env.now) })
  if (fault.mode === 'down' || fault.mode === 'refuse' || fault.mode === 'credentials')
    return given(receiver.fail(fault.mode))
  if (fault.mode === 'slow' && fault.when === 'before') await pause(fault.delayMs, env.closed)
  // Somebody else changed what the request is about, or ended the tokens; what follows from it the receiver says itself.
  if (fault.mode === 'conflict') receiver.touch?.(request)
  if (fault.mode === 'expired') receiver.expire?.()
  const isLeftUndone = fault.when === 'before' && ['reset', 'half', 'garbled', 'error-body'].includes(fault.mode)
  const answer = isLeftUndone ? receiver.fail('down') : await receiver.answer(request)
  if (fault.mode !== 'duplicate') return { answers: [answer], reply: disguise(fault, receiver, answer) }
  // As when a gateway repeats a request: the caller hears what the second one met.
  const second = await receiver.answer(request)
  return { answers: [answer, second], reply: second }
}

function given(answer: SandboxAnswer): UnderFault {
  return { answers: [answer], reply: answer }
}

/** What was done stays done; what the caller hears of it differs. */
function disguise(fault: ControlSetting, receiver: Receiver, answer: SandboxAnswer): SandboxReply {
  if (fault.mode === 'reset') return { ...answer, status: 0, ending: 'reset' }
  if (fault.mode === 'half') return { ...answer, ending: 'half' }
  if (fault.mode === 'error-body') return { ...receiver.fail('down'), status: 200 }
  if (fault.mode !== 'garbled') return answer
  return { ...answer, headers: { ...answer.headers, 'Content-Type': 'application/json' }, body: '{"resourceType":"Par' }
}

function retryAfter(fault: ControlSetting, receiver: Receiver, now: Date): Pick<SandboxAnswer, 'headers'> {
  const { headers = {} } = receiver.fail('limited')
  const written = writeRetryAfter(fault, now)
  return { headers: written === undefined ? headers : { ...headers, 'Retry-After': written } }
}

function writeRetryAfter({ retryAfter: form, retryAfterSeconds }: ControlSetting, now: Date): string | undefined {
  if (form === 'none') return undefined
  if (form === 'garbage') return 'in a while'
  if (form === 'huge') return '9'.repeat(40)
  if (form === 'date') return new Date(now.getTime() + retryAfterSeconds * 1000).toUTCString()
  return String(retryAfterSeconds)
}

/** Waits, or until the caller has gone. */
export async function pause(delayMs: number, closed: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal: closed }).catch(() => undefined)
}

// What an HTTP status, or the lack of one, means for a delivery. Classes: design section 7.
import type { DeliveryOutcome } from '../destination.js'
import type { TransportFault } from './http-transport.js'
import { parseRetryAfter } from './retry-after.js'

export interface FailedAnswer {
  status: number
  retryAfter: string | undefined
  /** What the receiver said, redacted. */
  said: string
}

/**
 * The outcome of an answer that is not a success. `isWrite` tells whether the request could have changed the receiver:
 * a gateway's 5xx may hide a write that was done, a read never leaves doubt.
 */
export function outcomeOfAnswer(answer: FailedAnswer, isWrite: boolean, now: Date): DeliveryOutcome {
  const { status } = answer
  const message = answer.said === '' ? `answered ${status}` : `answered ${status}: ${answer.said}`
  const retryAfterMs = parseRetryAfter(answer.retryAfter, now)
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (status === 429) return { kind: 'limited', status, ...wait, message }
  if (status === 401 || status === 403) return { kind: 'credentials', status, message }
  if (status === 501) return { kind: 'refused', status, message }
  if (status === 408 || status >= 500) return { kind: 'unavailable', ambiguous: isWrite, status, ...wait, message }
  // Too early, or sent elsewhere: nothing was taken. Redirects are never followed, they could carry a patient away.
  if (status === 425 || status < 400) return { kind: 'unavailable', ambiguous: false, status, ...wait, message }
  return { kind: 'refused', status, message }
}

export function outcomeOfFault(fault: TransportFault, isWrite: boolean): DeliveryOutcome {
  return { kind: 'unavailable', ambiguous: isWrite && fault.mayHaveArrived, message: fault.message }
}

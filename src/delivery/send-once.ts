// One attempt through an adapter, which may answer, hang, throw, or be told to stop.
import { isOver, setEnd } from './attempt-signal.js'
import type { Delivery, Destination } from './destination.js'
import type { AttemptOutcome } from './judge-outcome.js'

interface Sending {
  /** From now: the moment that the rate gives to this attempt. */
  startInMs: number
  /** Of performance.now(): begun later, it might still be under way when the lease is over. */
  startBefore: number
  /** Aborted when the worker gives up what is under way. */
  stop: AbortSignal
  abortGraceMs: number
}

/**
 * Never rejects. Ends at the latest `timeoutMs` of the destination plus the grace after it began to send: an adapter
 * that does not heed its signal is left behind, and what it did is unknown.
 */
export async function sendOnce(
  destination: Destination,
  delivery: Delivery,
  { startInMs, startBefore, stop, abortGraceMs }: Sending
): Promise<AttemptOutcome> {
  if (startInMs > 0) await pause(startInMs, stop)
  if (hasStopped(stop) || performance.now() > startBefore) return { kind: 'stopped', sent: false }

  const abort = new AbortController()
  setEnd(abort.signal, destination.timeoutMs)
  const timers: NodeJS.Timeout[] = []
  // Of our own, instead of AbortSignal.any: that one keeps a reference on the long-lived signal (Node 20).
  const onStop = (): void => {
    abort.abort(stop.reason)
  }
  stop.addEventListener('abort', onStop, { once: true })
  timers.push(
    setTimeout(() => {
      abort.abort(new DOMException('The attempt took too long', 'TimeoutError'))
    }, destination.timeoutMs)
  )
  const leftBehind = new Promise<AttemptOutcome>((resolve) => {
    abort.signal.addEventListener('abort', () => {
      const message = `no answer within ${destination.timeoutMs} ms`
      timers.push(setTimeout(resolve, abortGraceMs, { kind: 'unavailable', ambiguous: true, message }))
    })
  })
  try {
    const outcome = await Promise.race([deliver(destination, delivery, abort.signal), leftBehind])
    // Cut off by us, so the receiver is not to blame.
    return hasStopped(stop) && outcome.kind === 'unavailable' ? { kind: 'stopped', sent: outcome.ambiguous } : outcome
  } finally {
    stop.removeEventListener('abort', onStop)
    for (const timer of timers) clearTimeout(timer)
  }
}

/** A call, because the compiler takes a property for settled once it was looked at. */
function hasStopped(stop: AbortSignal): boolean {
  return stop.aborted
}

async function deliver(destination: Destination, delivery: Delivery, signal: AbortSignal): Promise<AttemptOutcome> {
  try {
    return await destination.deliver(delivery, signal)
  } catch (error) {
    // Rejecting is how most clients take a signal, so that alone is no fault.
    if (isOver(signal))
      return { kind: 'unavailable', ambiguous: true, message: `cut off after ${destination.timeoutMs} ms` }
    return { kind: 'fault', place: placeOf(error) }
  }
}

/** `a TypeError at outbound-people.ts:42`. What the error says is left out: it may hold a patient's data. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no Error'
  const frame = /^\s+at .*?([^/\\(\s]+:\d+):\d+\)?$/m.exec(error.stack ?? '')?.[1]
  return frame === undefined ? `a ${error.name}` : `a ${error.name} at ${frame}`
}

function pause(delayMs: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      stop.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, delayMs)
    stop.addEventListener('abort', end, { once: true })
    if (stop.aborted) end()
  })
}

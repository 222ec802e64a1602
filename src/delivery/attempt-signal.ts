// The signal of one attempt, and how long it holds. A timer alone is not enough: a process that was frozen (stopped, or
// starved of its processor) hears the answers that came meanwhile before its timers, and would send the next request of
// a conversation although the attempt is long over and the delivery is somebody else's.

const ends = new WeakMap<AbortSignal, number>()

/** `signal` belongs to an attempt that ends in `timeoutMs`, whether or not a timer has said so. */
export function setEnd(signal: AbortSignal, timeoutMs: number): void {
  ends.set(signal, performance.now() + timeoutMs)
}

/** Nothing may be sent under this signal any more. To be asked right before each request. */
export function isOver(signal: AbortSignal): boolean {
  return signal.aborted || performance.now() >= (ends.get(signal) ?? Infinity)
}

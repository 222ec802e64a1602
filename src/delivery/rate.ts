// A rate that holds for the whole fleet: every claim is promised the next free moments of the destination, and sends at
// them. Nothing bursts, and nobody counts for himself. BullMQ's limiter counts jobs, which are chunks here.

/** Moments are promised this far ahead, at most: a worker that dies wastes no more of the rate. */
export const RATE_HORIZON_MS = 1_000
/** When all are promised: let some become free, so that they are claimed together. */
const GATHER_MS = 50

export type Turn =
  /** Claim up to `requests`; the first may start in `startInMs`, each later one `gapMs` after it. */
  { kind: 'go'; requests: number; startInMs: number; gapMs: number } | { kind: 'wait'; waitMs: number }

/** `aheadMs`: how far into the future moments are promised already. `wanted`: at least 1. */
export function planTurn(aheadMs: number, ratePerSecond: number, wanted: number): Turn {
  const gapMs = 1_000 / ratePerSecond
  if (aheadMs >= RATE_HORIZON_MS) return { kind: 'wait', waitMs: aheadMs - RATE_HORIZON_MS + GATHER_MS }
  const free = Math.max(1, Math.floor((RATE_HORIZON_MS - aheadMs) / gapMs))
  return { kind: 'go', requests: Math.min(wanted, free), startInMs: aheadMs, gapMs }
}

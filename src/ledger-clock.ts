// The time of this process, set right by PostgreSQL's where it is plainly wrong: tokens that we issue to receivers, and
// those that we are shown, end by a clock, and a machine whose own is off must not stop deliveries or turn clients away.

export interface LedgerClock {
  now: () => Date
  /** How far this process is ahead of PostgreSQL, and how long it took to ask. */
  tell: (skewMs: number, askingMs: number) => void
}

/** Less is left as it is: nothing here depends on it, and corrections would make time jump. */
const TOLERATED_MS = 1_000
/** What was asked for so long tells little. */
const ASKED_WITHIN_MS = 2_000

/** @param ownMs milliseconds of Unix time by the clock of this process */
export function createLedgerClock(ownMs: () => number): LedgerClock {
  let offMs = 0
  return {
    now: () => new Date(ownMs() - offMs),
    tell(skewMs, askingMs) {
      if (askingMs > ASKED_WITHIN_MS) return
      offMs = Math.abs(skewMs) > TOLERATED_MS ? skewMs : 0
    }
  }
}

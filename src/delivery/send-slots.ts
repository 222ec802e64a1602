// How many deliveries of a destination a pump may hold, and which of them are being sent. A claim and a record cost
// about the same for one delivery and for sixty, so a pump takes some more than it sends at once, where the receiver is
// fast. What is taken ahead goes back as soon as the receiver fails: then the breaker says who goes next.

export interface SendSlots {
  /** Deliveries that may be claimed and not yet recorded. */
  room(): number
  /** Resolves when fewer than `concurrency` are being sent, in the order of the calls; false: give it back unsent. */
  enter(): Promise<boolean>
  /** What was entered has ended. */
  leave(): void
  /** An attempt was answered after so long. */
  answered(durationMs: number): void
  /** What waits to enter is given back, and nothing is taken ahead until the receiver has shown again that it is fast. */
  giveBack(): void
}

export interface SlotLimits {
  /** Sent at once. */
  concurrency: number
  timeoutMs: number
  /** What is claimed ahead should be sent within this time. 0: nothing is claimed ahead. */
  aheadMs: number
}

/** Claimed ahead at most, in times of `concurrency`. */
const MOST_AHEAD = 3
/** Part of the newest answer in the average. */
const WEIGHT = 0.1

export function createSendSlots({ concurrency, timeoutMs, aheadMs }: SlotLimits): SendSlots {
  const waiting: ((mayGo: boolean) => void)[] = []
  let sending = 0
  // Nothing is known yet: as slow as it may be.
  let averageMs = timeoutMs

  return {
    room() {
      const ahead = Math.floor((concurrency * aheadMs) / Math.max(averageMs, 1))
      return concurrency + Math.min(ahead, MOST_AHEAD * concurrency)
    },
    async enter() {
      if (sending >= concurrency) return new Promise((resolve) => waiting.push(resolve))
      sending++
      return true
    },
    leave() {
      const next = waiting.shift()
      // The slot is handed on, so that nobody comes between.
      if (next === undefined) sending--
      else next(true)
    },
    answered(durationMs) {
      averageMs += WEIGHT * (durationMs - averageMs)
    },
    giveBack() {
      averageMs = timeoutMs
      for (const resolve of waiting.splice(0)) resolve(false)
    }
  }
}

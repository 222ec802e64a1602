// Leaves a server alone that does not answer. Each process judges for itself: what is lost is one wait, never a question.
import { type TerminologyPolicy, waitAfter } from './policy.js'

export interface Outage {
  /** 0 when the server may be asked. */
  remainingMs(): number
  answered(): void
  /** True when this failure began a wait. */
  failed(retryAfterMs?: number): boolean
}

/** `clock` in milliseconds, for waits: it never goes back. */
export function createOutage(policy: TerminologyPolicy['outage'], clock: () => number, random: () => number): Outage {
  let failures = 0
  let resumeAt = 0
  return {
    remainingMs: () => Math.max(0, resumeAt - clock()),
    answered() {
      failures = 0
    },
    failed(retryAfterMs) {
      failures += 1
      // Questions that were under way together fail together: that is one wait.
      if (resumeAt > clock() || (failures < policy.failuresToOpen && retryAfterMs === undefined)) return false
      const times = Math.max(0, failures - policy.failuresToOpen)
      const waitMs = waitAfter(times, { firstMs: policy.firstWaitMs, longestMs: policy.longestWaitMs }, random)
      resumeAt = clock() + Math.max(waitMs, retryAfterMs ?? 0)
      return true
    }
  }
}

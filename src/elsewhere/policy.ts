// The numbers of looking elsewhere, in one place. Tests hand in small ones.
import { TERMINOLOGY_POLICY, type TerminologyPolicy } from '../terminology/policy.js'

export interface ElsewherePolicy extends Pick<TerminologyPolicy, 'busyMs' | 'idleMs' | 'retry' | 'outage'> {
  /** Look-ups under way in the same moment, of one process. */
  atOnce: number
  /** A lease lasts for the question and this. */
  leaseMarginMs: number
  /** How long a register may take. */
  timeoutMs: number
  /** The longest rest that a register may ask for. */
  longestRestMs: number
}

export const ELSEWHERE_POLICY: ElsewherePolicy = {
  busyMs: TERMINOLOGY_POLICY.busyMs,
  idleMs: TERMINOLOGY_POLICY.idleMs,
  atOnce: 4,
  leaseMarginMs: 10_000,
  timeoutMs: 10_000,
  retry: { firstMs: 2_000, longestMs: 10 * 60_000 },
  outage: TERMINOLOGY_POLICY.outage,
  longestRestMs: 5 * 60_000
}

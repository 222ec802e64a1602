// The numbers of asking a terminology server, in one place. Tests hand in small ones.

export interface TerminologyPolicy {
  /** Between two looks while there is work, and the longest rest while there is none. */
  busyMs: number
  idleMs: number
  /** Records in one look, questions in one look, and questions under way in the same moment: of one process. */
  checks: number
  questions: number
  atOnce: number
  /** A lease lasts for everything that is to be done under it and this. */
  leaseMarginMs: number
  keep: {
    /** Code lists only grow, but codes are retired. */
    memberMs: number
    /** A new product is in the next edition: dm+d has one each week. */
    notMemberMs: number
    unknownMs: number
  }
  /** Before a question is asked again, and before a record is looked at again: doubled each time. */
  retry: { firstMs: number; longestMs: number }
  outage: {
    /** Failures of the server in a row. */
    failuresToOpen: number
    firstWaitMs: number
    longestWaitMs: number
  }
  /** Larger answers are not read. */
  answerBytes: number
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const TERMINOLOGY_POLICY: TerminologyPolicy = {
  busyMs: 250,
  idleMs: 2 * SECOND,
  checks: 100,
  questions: 32,
  atOnce: 4,
  leaseMarginMs: 10 * SECOND,
  keep: { memberMs: 7 * DAY, notMemberMs: DAY, unknownMs: 6 * HOUR },
  retry: { firstMs: SECOND, longestMs: 5 * MINUTE },
  outage: { failuresToOpen: 3, firstWaitMs: SECOND, longestWaitMs: MINUTE },
  answerBytes: 256 * 1024
}

/** Doubled with each time before; the last quarter by chance, so that processes do not come back together. */
export function waitAfter(
  times: number,
  { firstMs, longestMs }: TerminologyPolicy['retry'],
  random: () => number
): number {
  const fullMs = Math.min(firstMs * 2 ** Math.min(times, 30), longestMs)
  return fullMs * (0.75 + random() * 0.25)
}

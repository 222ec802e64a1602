// The numbers of delivering, in one place. Tests hand in small ones.

export interface DeliveryPolicy {
  ring: {
    /** Deliveries per destination that may be in the queue; the rest waits in PostgreSQL, where it can be seen. */
    window: number
    /** Deliveries in one job, at most. */
    chunk: number
  }
  relay: {
    /** Between two looks while there is work, and while there is none. */
    busyMs: number
    idleMs: number
    /** After ringing, before the next look, even when woken: what comes together is rung together. */
    gatherMs: number
    /** Between two rounds of sweeps: leases, probes, replays. */
    sweepMs: number
    /** Between two looks whether the queue has lost all its jobs. */
    epochMs: number
    /** Between two looks whether it has lost some, and whether a lane has lost its head. */
    repairMs: number
    /** Between two sweeps of the keys of writes whose time is over. */
    keysMs: number
    /** Queued for longer than this, and than any job that still waits: the job is gone. Far above a window's drain. */
    staleQueuedMs: number
    /** The same while the queue is empty: no job can be underway to it. Above the time that a ring may take. */
    lostQueuedMs: number
    /** How long the relay leaves the queue alone after it failed. */
    faultPauseMs: number
  }
  attempt: {
    /** A claim lasts for the destination's timeout and this. */
    leaseMarginMs: number
    /** A worker claims more than it sends at once, if it will send them within this time. */
    aheadMs: number
    /** An adapter that has not given up this long after its signal is left behind: the outcome is unknown. */
    abortGraceMs: number
    /** After an unknown outcome the receiver is left this long to end what it may still be doing. */
    verifyAfterMs: number
    /** Between two tries to claim or finish while the database fails, and how many. */
    databaseRetryMs: number
    databaseTries: number
  }
  retry: {
    firstMs: number
    longestMs: number
    /** Held when nothing worked for so long. */
    maxAgeMs: number
    /** Crashes of a worker in a row, then held. */
    maxCrashes: number
  }
  breaker: BreakerPolicy
  limit: {
    /** Bounds of what a receiver may ask for, and what is taken when it says nothing. */
    shortestMs: number
    longestMs: number
    otherwiseMs: number
  }
  replay: {
    /** Part of a destination's rate that a replay may take, so that live traffic keeps flowing. */
    share: number
    /** Where the destination has no rate: unless said otherwise, and at most. */
    perSecond: number
    mostPerSecond: number
    /** Items are released so long before their moment. */
    aheadMs: number
    /** Items released and not yet attempted: no more than the pace makes in this time. Longer than `aheadMs`. */
    waitingMs: number
    /** Items in one replay. */
    mostItems: number
    /** More items than this need a second person. */
    approveAbove: number
    /** How long a plan may wait for its start (and its approval). */
    planValidMs: number
    /** It pauses by itself when more than this share fails, after so many attempts. */
    pauseShare: number
    pauseAfter: number
    /** Between two releases. */
    releaseMs: number
  }
}

export interface BreakerPolicy {
  /** Attempts in a row that the destination did not answer. */
  failuresToOpen: number
  /** Or so large a part of at least so many attempts, counted from a failure on for a minute. */
  sample: { leastTries: number; failingShare: number }
  /** After it closed: a failure within so many answers opens it again at once, for twice as long. */
  trialAnswers: number
  /** With so many answers as deliveries may be queued, nothing bounds what is under way any more. */
  trustedAt: number
  firstWaitMs: number
  longestWaitMs: number
}

const SECOND = 1_000
const MINUTE = 60 * SECOND

export const DELIVERY_POLICY: DeliveryPolicy = {
  ring: { window: 400, chunk: 50 },
  relay: {
    busyMs: 100,
    idleMs: 500,
    gatherMs: 10,
    sweepMs: SECOND,
    epochMs: 2 * SECOND,
    repairMs: 5 * SECOND,
    keysMs: MINUTE,
    staleQueuedMs: MINUTE,
    lostQueuedMs: 10 * SECOND,
    faultPauseMs: SECOND
  },
  attempt: {
    leaseMarginMs: 15 * SECOND,
    aheadMs: 250,
    abortGraceMs: SECOND,
    verifyAfterMs: 10 * SECOND,
    databaseRetryMs: SECOND,
    databaseTries: 10
  },
  retry: { firstMs: SECOND, longestMs: 15 * MINUTE, maxAgeMs: 14 * 24 * 60 * MINUTE, maxCrashes: 3 },
  breaker: {
    failuresToOpen: 5,
    sample: { leastTries: 10, failingShare: 0.7 },
    trialAnswers: 3,
    trustedAt: 400,
    firstWaitMs: 15 * SECOND,
    longestWaitMs: 5 * MINUTE
  },
  limit: { shortestMs: SECOND, longestMs: 15 * MINUTE, otherwiseMs: MINUTE },
  replay: {
    share: 0.25,
    perSecond: 100,
    mostPerSecond: 1_000,
    aheadMs: SECOND,
    waitingMs: 3 * SECOND,
    mostItems: 100_000,
    approveAbove: 10_000,
    planValidMs: 15 * MINUTE,
    pauseShare: 0.2,
    pauseAfter: 50,
    releaseMs: 200
  }
}

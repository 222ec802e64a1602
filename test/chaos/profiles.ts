// How hard a campaign is, and how fast: the full one runs the service with the waits of production, the quick one, for
// the tests, with waits of a second, so that leases run out and breakers close again within it.
import { DELIVERY_POLICY, type DeliveryPolicy } from '../../src/delivery/policy.js'
import type { Judged } from './judge.js'
import type { Role } from './plan-faults.js'

export interface Profile {
  name: 'full' | 'quick' | 'deploy'
  /** Nothing but rolls: then nothing may be sent twice, and no attempt be left open. */
  isDeployment: boolean
  /** Undefined: dist/main.js as it is. */
  policy?: DeliveryPolicy
  destinations: readonly Judged[]
  /** Those whose records somebody else changes too, and whose tokens end early. */
  contested: readonly Judged[]
  /** Of every destination. */
  timeoutMs: number
  /** Accepted writes. */
  perSecond: number
  /** Of the destination that has a rate. */
  ratePerSecond: number
  /** Between two faults, on average. */
  faultEveryMs: number
  /** How often each kind of kill comes for one of any other fault, and which roles are rolled. */
  kills: number
  rolls: readonly Role[]
  /** A frozen worker: longer than a lease. */
  freezeMs: number
  /** How long a server, a receiver or any other process is away: from, to. */
  outageMs: readonly [number, number]
  /** Once the faults have ended everything must arrive within this time. */
  drainWithinMs: number
}

const SECOND = 1_000

export const FULL: Profile = {
  name: 'full',
  isDeployment: false,
  destinations: ['nhs-immunisation-api', 'gp-record', 'eligibility-store', 'fhir-rest'],
  contested: ['nhs-immunisation-api', 'fhir-rest'],
  timeoutMs: 3 * SECOND,
  perSecond: 12,
  ratePerSecond: 60,
  faultEveryMs: 5 * SECOND,
  kills: 2,
  rolls: ['api', 'relay', 'worker'],
  freezeMs: 24 * SECOND,
  outageMs: [2 * SECOND, 25 * SECOND],
  drainWithinMs: 300 * SECOND
}

/** A release after the other, while everything else is well. */
export const DEPLOY: Profile = { ...FULL, name: 'deploy', isDeployment: true, kills: 0 }

const { ring, relay, attempt, retry, breaker, limit, replay } = DELIVERY_POLICY

export const QUICK: Profile = {
  name: 'quick',
  isDeployment: false,
  // Those of a development service: the time of the tests is short.
  destinations: ['nhs-immunisation-api', 'gp-record', 'eligibility-store'],
  contested: [],
  policy: {
    ring,
    relay: {
      ...relay,
      sweepMs: 500,
      epochMs: 500,
      repairMs: 1_000,
      staleQueuedMs: 4_000,
      lostQueuedMs: 2_000,
      faultPauseMs: 500
    },
    attempt: {
      leaseMarginMs: 2_000,
      aheadMs: attempt.aheadMs,
      abortGraceMs: 500,
      verifyAfterMs: 500,
      databaseRetryMs: 300,
      databaseTries: attempt.databaseTries
    },
    // In so short a time one delivery may meet more deaths than a payload that kills its workers would need.
    retry: { ...retry, firstMs: 200, longestMs: 2_000, maxCrashes: 20 },
    breaker: { ...breaker, firstWaitMs: 500, longestWaitMs: 2_000 },
    limit: { ...limit, shortestMs: 100, otherwiseMs: 1_000 },
    replay
  },
  timeoutMs: 1_500,
  perSecond: 10,
  ratePerSecond: 60,
  faultEveryMs: 560,
  // Starting a process costs two seconds of a processor.
  kills: 1,
  rolls: ['worker'],
  freezeMs: 5 * SECOND,
  outageMs: [300, 2_500],
  drainWithinMs: 75 * SECOND
}

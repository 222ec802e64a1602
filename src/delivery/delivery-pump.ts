// Delivers what jobs name, for one destination in one process. Jobs of one id and of fifty are the same to it: ids
// gather here, are claimed together as far as there is room, sent side by side, and recorded together as they end.
// While a claim or a record is under way the next one gathers, so that batches grow with the load and nothing waits when
// there is none.
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../queue/log.js'
import type { Database } from '../storage/database.js'
import { claimTurn, type ClaimTurn } from './claim-turn.js'
import type { Delivery, Destination } from './destination.js'
import { judgeOutcome, type AttemptOutcome } from './judge-outcome.js'
import { createOpenJobs } from './open-jobs.js'
import type { DeliveryPolicy } from './policy.js'
import { recordEnds, type EndedAttempt } from './record-ends.js'
import { sendOnce } from './send-once.js'
import { createSendSlots } from './send-slots.js'

export interface DeliveryPump {
  /**
   * Resolves once each delivery was attempted and recorded, was somebody else's, or went back to where the relay finds
   * it. Rejects when the database fails for long: the sweeps take the deliveries up again.
   */
  deliver(deliveryIds: readonly string[]): Promise<void>
  /** Begins nothing more and gives back what has not begun. Resolves when what is under way is recorded. */
  drain(): Promise<void>
  /** Cuts off what is under way; then drain() ends soon, and what may have been sent is verified by the next claim. */
  abort(): void
}

export interface PumpDeps {
  database: Database
  destination: Destination
  policy: Pick<DeliveryPolicy, 'attempt' | 'retry' | 'breaker' | 'limit'>
  /** Name of this worker, for leases and attempts. */
  worker: string
  log: Log
  /** From 0 up to 1: the jitter. */
  random: () => number
  /** Deliveries became ready behind others: a relay in this process need not wait for its next look. */
  onPromoted?: () => void
}

/** `claimMs`: how long it took, waiting for others included. */
type Claimed = Extract<ClaimTurn, { kind: 'claimed' }> & { claimMs: number }

export function createDeliveryPump(deps: PumpDeps): DeliveryPump {
  const { database, destination } = deps
  const jobs = createOpenJobs()
  const slots = createSendSlots({
    concurrency: destination.concurrency,
    timeoutMs: destination.timeoutMs,
    // A rate gives each attempt its moment when it is claimed.
    aheadMs: destination.ratePerSecond === undefined ? deps.policy.attempt.aheadMs : 0
  })
  const draining = new AbortController()
  const stop = new AbortController()
  // Every attempt under way listens to it; Node takes more than ten for a leak and says so.
  setMaxListeners(0, stop.signal)
  let ended: EndedAttempt[] = []
  // Set and cleared in the same tick as the loops look for work, so that no work is left between them.
  let isClaiming = false
  let isRecording = false

  const giveBack = async (): Promise<void> => {
    const ids = jobs.waiting()
    if (ids.length === 0) return
    const fault = await database.stores.deliveries.handBack(ids).then(
      () => undefined,
      (error: unknown) => error
    )
    for (const deliveryId of ids) jobs.settleWaiting(deliveryId, fault)
  }

  const claim = async (): Promise<void> => {
    if (isClaiming) return
    isClaiming = true
    try {
      for (;;) {
        const ids = jobs.waiting(Math.max(slots.room() - jobs.startedCount(), 0))
        if (ids.length === 0 || draining.signal.aborted) return
        const askedAt = performance.now()
        const turn = await patiently(deps, stop.signal, () => claimTurn(deps, ids))
        if (turn.kind === 'wait') await pause(turn.waitMs, draining.signal)
        else if (turn.kind === 'closed') await giveBack()
        else begin({ ...turn, claimMs: performance.now() - askedAt })
      }
    } catch (error) {
      for (const deliveryId of jobs.waiting()) jobs.settleWaiting(deliveryId, error)
    } finally {
      isClaiming = false
    }
  }

  const begin = (turn: Claimed): void => {
    turn.deliveries.forEach((delivery, place) => {
      jobs.start(delivery)
      void attempt(delivery, turn, turn.startInMs + place * turn.gapMs)
    })
    // What was asked for and not got is somebody else's, or done.
    for (const deliveryId of turn.asked) jobs.settleWaiting(deliveryId)
  }

  const attempt = async (delivery: Delivery, turn: Claimed, startInMs: number): Promise<void> => {
    if (await slots.enter()) {
      const startsAt = performance.now() + startInMs
      const { abortGraceMs } = deps.policy.attempt
      const sending = { startInMs, startBefore: turn.startBefore, stop: stop.signal, abortGraceMs }
      const outcome = await sendOnce(destination, delivery, sending)
      end(delivery, turn, outcome, Math.max(performance.now() - startsAt, 0))
      slots.leave()
    } else end(delivery, turn, { kind: 'stopped', sent: false }, 0)
    await record()
  }

  const end = (
    delivery: Delivery,
    { isProbe, claimMs }: Claimed,
    outcome: AttemptOutcome,
    durationMs: number
  ): void => {
    const judgement = judgeOutcome(delivery, outcome, deps.policy, deps.random())
    if (judgement.sign === 'answered' && judgement.restMs === undefined) slots.answered(durationMs)
    else if (judgement.sign !== undefined) slots.giveBack()
    ended.push({ delivery, judgement, isProbe, durationMs, claimMs })
  }

  const record = async (): Promise<void> => {
    if (isRecording) return
    isRecording = true
    while (ended.length > 0) {
      const attempts = ended
      ended = []
      const fault = await recordOrFault(attempts)
      for (const { delivery } of attempts) jobs.settleStarted(delivery, fault)
      void claim()
    }
    isRecording = false
  }

  /** An attempt that cannot be recorded keeps its lease until the sweep finds it. */
  const recordOrFault = async (attempts: readonly EndedAttempt[]): Promise<unknown> => {
    try {
      const { promoted } = await patiently(deps, stop.signal, () => recordEnds(deps, attempts))
      if (promoted > 0) deps.onPromoted?.()
      return undefined
    } catch (error) {
      return error
    }
  }

  return {
    deliver(deliveryIds) {
      const done = jobs.add(deliveryIds)
      void (draining.signal.aborted ? giveBack() : claim())
      return done
    },
    async drain() {
      draining.abort()
      slots.giveBack()
      while (isClaiming) await delay(5)
      await giveBack()
      while (jobs.startedCount() > 0) await delay(5)
    },
    abort() {
      draining.abort()
      stop.abort()
    }
  }
}

/** A database that restarts is no reason to let go of a claim, or to forget how an attempt ended. */
async function patiently<Result>(
  { policy, destination, log }: PumpDeps,
  stop: AbortSignal,
  work: () => Promise<Result>
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === policy.attempt.databaseTries || stop.aborted) throw error
      log.warn({ destination: destination.name, tries, err: error }, 'delivery.database_fault')
      await pause(policy.attempt.databaseRetryMs, stop)
    }
  }
}

function pause(delayMs: number, until: AbortSignal): Promise<void> {
  return delay(delayMs, undefined, { signal: until }).catch(() => undefined)
}

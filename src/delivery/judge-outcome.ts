// What the end of an attempt means: for the delivery, for the destination, for the next attempt. Pure.
import type { AttemptEnd } from '../storage/delivery-endings.js'
import { backoffMs } from './backoff.js'
import type { Sign } from './breaker.js'
import type { Delivery, DeliveryOutcome } from './destination.js'
import type { DeliveryPolicy } from './policy.js'

/** An adapter's outcome, or what befell the attempt on our side. */
export type AttemptOutcome =
  | DeliveryOutcome
  /** The adapter threw: our bug. `place`: where, without what it said, which may name a patient. */
  | { kind: 'fault'; place: string }
  /**
   * The worker stops, was held up until its lease had no time left for it, or gave it back since the destination had just
   * failed. `sent`: the request may have left.
   */
  | { kind: 'stopped'; sent: boolean }

export interface Judgement {
  end: AttemptEnd
  /** What it says about the destination; nothing when nothing was sent. */
  sign?: Sign['kind']
  /** The whole destination rests for so long. */
  restMs?: number
}

/** `random`: from 0 up to 1, the jitter of the backoff. */
export function judgeOutcome(
  delivery: Delivery,
  outcome: AttemptOutcome,
  policy: Pick<DeliveryPolicy, 'attempt' | 'retry' | 'limit'>,
  random: number
): Judgement {
  const { deliveryId, recordId, epoch } = delivery
  const base = { deliveryId, recordId, epoch, class: outcome.kind, dueInMs: 0, ...saidBy(outcome) }
  switch (outcome.kind) {
    case 'delivered': {
      const remote = outcome.remote === undefined ? {} : { remote: outcome.remote }
      const { answerWithinMs } = outcome
      const later = answerWithinMs === undefined ? {} : { answerWithinMs }
      return {
        end: { ...base, next: 'delivered', counts: true, outcome: 'known', ...remote, ...later },
        sign: 'answered'
      }
    }
    case 'not-needed':
      // Nothing was sent, so it says nothing about the destination.
      return { end: { ...base, next: 'delivered', counts: true, outcome: 'known' } }
    case 'refused':
      return { end: { ...base, next: 'held', counts: true, outcome: 'known' }, sign: 'answered' }
    case 'unavailable': {
      const dueInMs = backoffMs(delivery.attempt, policy.retry, random, quietMs(outcome, policy))
      const known = outcome.ambiguous ? 'unknown' : 'as-before'
      return { end: { ...base, next: 'retry', counts: true, outcome: known, dueInMs }, sign: 'unavailable' }
    }
    case 'limited':
      return {
        end: { ...base, next: 'retry', counts: false, outcome: 'as-before' },
        sign: 'answered',
        restMs: outcome.retryAfterMs === undefined ? policy.limit.otherwiseMs : bounded(outcome.retryAfterMs, policy)
      }
    case 'credentials':
      return { end: { ...base, next: 'retry', counts: false, outcome: 'as-before' }, sign: 'credentials' }
    case 'fault':
      // It may have been thrown after the request was sent.
      return { end: { ...base, next: 'held', counts: true, outcome: 'unknown' } }
    case 'stopped': {
      const dueInMs = outcome.sent ? policy.attempt.verifyAfterMs : 0
      const known = outcome.sent ? 'unknown' : 'as-before'
      return { end: { ...base, next: 'retry', counts: false, outcome: known, dueInMs } }
    }
  }
}

function quietMs(
  outcome: { ambiguous: boolean; retryAfterMs?: number },
  policy: Pick<DeliveryPolicy, 'attempt' | 'limit'>
): number {
  const asked = outcome.retryAfterMs === undefined ? 0 : bounded(outcome.retryAfterMs, policy)
  return Math.max(asked, outcome.ambiguous ? policy.attempt.verifyAfterMs : 0)
}

function bounded(waitMs: number, { limit }: Pick<DeliveryPolicy, 'limit'>): number {
  return Math.min(Math.max(waitMs, limit.shortestMs), limit.longestMs)
}

function saidBy(outcome: AttemptOutcome): { status?: number; message?: string } {
  switch (outcome.kind) {
    case 'fault':
      return { message: `The adapter threw ${outcome.place}: a fault of the Hub, not of the record's receiver` }
    case 'stopped':
      return {
        message: outcome.sent
          ? 'The worker stopped while it was sending'
          : 'Not sent: the worker stopped, was held up, or saw the destination fail for others'
      }
    case 'not-needed':
      return { message: outcome.message }
    case 'delivered':
    case 'unavailable':
    case 'limited':
    case 'credentials':
    case 'refused': {
      const status = outcome.status === undefined ? {} : { status: outcome.status }
      return outcome.message === undefined ? status : { ...status, message: outcome.message }
    }
  }
}

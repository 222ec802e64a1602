// What tests of delivering share: destinations that answer as a test says and remember what they got, small numbers
// for every wait, a log that can be looked into.
import { setTimeout as delay } from 'node:timers/promises'
import type { Delivery, DeliveryOutcome, Destination } from '../../src/delivery/destination.js'
import { DELIVERY_POLICY, type DeliveryPolicy } from '../../src/delivery/policy.js'
import type { Log } from '../../src/queue/log.js'
import type { HealthChange } from '../../src/storage/destination-store.js'
import type { Pool } from '../../src/storage/pool.js'
import { waitFor } from './wait-for.js'

export interface Received {
  recordId: string
  version: number
  deliveryId: string
  attempt: number
  outcomeUnknown: boolean
  /** Milliseconds, of performance.now(). */
  at: number
}

export interface ScriptedDestination extends Destination {
  readonly received: Received[]
  /** Most deliveries that were under way in the same moment. */
  busiest(): number
}

type Script = (delivery: Delivery, signal: AbortSignal) => DeliveryOutcome | Promise<DeliveryOutcome>

export const DELIVERED: DeliveryOutcome = { kind: 'delivered', status: 201 }
export const DOWN: DeliveryOutcome = { kind: 'unavailable', ambiguous: false, status: 503, message: 'answered 503' }

export function scriptDestination(
  settings: Partial<Pick<Destination, 'name' | 'concurrency' | 'ratePerSecond' | 'timeoutMs'>>,
  script: Script
): ScriptedDestination {
  const received: Received[] = []
  let busy = 0
  let busiest = 0
  return {
    name: 'gp',
    kind: 'scripted',
    concurrency: 4,
    timeoutMs: 5_000,
    ...settings,
    received,
    busiest: () => busiest,
    wants: () => true,
    async deliver(delivery, signal) {
      const { recordId, version, deliveryId, attempt, outcomeUnknown } = delivery
      received.push({ recordId, version, deliveryId, attempt, outcomeUnknown, at: performance.now() })
      busiest = Math.max(busiest, ++busy)
      try {
        return await script(delivery, signal)
      } finally {
        busy -= 1
      }
    },
    close: () => Promise.resolve()
  }
}

/** Answers after a moment, so that deliveries overlap. */
export function answerAfter(ms: number, outcome: DeliveryOutcome = DELIVERED): Script {
  return async () => {
    await delay(ms)
    return outcome
  }
}

type Parts = { [Part in keyof DeliveryPolicy]?: Partial<DeliveryPolicy[Part]> }

/** Waits of milliseconds where production has seconds. */
export function smallPolicy(changes: Parts = {}): DeliveryPolicy {
  const { ring, relay, attempt, retry, breaker, replay } = DELIVERY_POLICY
  return {
    ring: { ...ring, ...changes.ring },
    relay: {
      ...relay,
      busyMs: 10,
      idleMs: 30,
      gatherMs: 2,
      sweepMs: 30,
      epochMs: 50,
      repairMs: 100,
      faultPauseMs: 50,
      ...changes.relay
    },
    attempt: {
      ...attempt,
      leaseMarginMs: 5_000,
      abortGraceMs: 50,
      verifyAfterMs: 20,
      databaseRetryMs: 50,
      ...changes.attempt
    },
    retry: { ...retry, firstMs: 20, longestMs: 200, ...changes.retry },
    breaker: { ...breaker, firstWaitMs: 100, longestWaitMs: 400, ...changes.breaker },
    limit: { shortestMs: 10, longestMs: 1_000, otherwiseMs: 100, ...changes.limit },
    replay: { ...replay, perSecond: 1_000, ...changes.replay }
  }
}

const NO_SIGNS: Omit<HealthChange, 'breaker'> = {
  consecutiveFailures: 0,
  breakerWaits: 0,
  slowStart: null,
  sample: { tries: 0, unavailable: 0 }
}

/** The breaker opens for the first time, for so long. */
export function openedFor(waitMs: number): HealthChange {
  const breaker = { kind: 'open', waitMs, reason: 'unavailable' } as const
  return { ...NO_SIGNS, consecutiveFailures: 5, breakerWaits: 1, breaker }
}

/** The breaker closes, and the destination is trusted so far. */
export function closedAgain(slowStart: number | null = null): HealthChange {
  return { ...NO_SIGNS, slowStart, breaker: { kind: 'closed' } }
}

export interface LogLine {
  level: 'info' | 'warn' | 'error'
  line: string
  fields: Record<string, unknown>
}

export function createTestLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const keep = (level: LogLine['level']) => (fields: object, line: string) => {
    lines.push({ level, line, fields: { ...fields } })
  }
  return { lines, info: keep('info'), warn: keep('warn'), error: keep('error') }
}

/** Deliveries by state, as `{ delivered: 3, held: 1 }`. */
export async function countStates(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; count: number }>(
    'select state, count(*)::integer as count from delivery group by state order by state'
  )
  return Object.fromEntries(rows.map((row) => [row.state, row.count]))
}

export async function waitForStates(pool: Pool, states: Record<string, number>, withinMs = 20_000): Promise<void> {
  const wanted = JSON.stringify(states)
  let last = ''
  await waitFor(
    async () => {
      last = JSON.stringify(await countStates(pool))
      return last === wanted
    },
    `deliveries to be ${wanted}`,
    { withinMs }
  ).catch((cause: unknown) => {
    throw new Error(`Expected deliveries ${wanted}, found ${last}`, { cause })
  })
}

/** Versions of each record in the order in which a destination took them. */
export function versionsByRecord(received: readonly Received[]): Map<string, number[]> {
  const versions = new Map<string, number[]>()
  for (const { recordId, version } of received) versions.set(recordId, [...(versions.get(recordId) ?? []), version])
  return versions
}

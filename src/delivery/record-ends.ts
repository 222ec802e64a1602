// Writes down how attempts ended: the deliveries, those that waited behind them, and the health of the destination, in
// one transaction. What is logged is logged after the commit.
import type { Log } from '../queue/log.js'
import type { Database, Stores } from '../storage/database.js'
import type { FinishedDelivery } from '../storage/delivery-endings.js'
import { changesNothing, judgeSigns, type Sign } from './breaker.js'
import type { Delivery } from './destination.js'
import type { Judgement } from './judge-outcome.js'
import type { DeliveryPolicy } from './policy.js'

export interface EndedAttempt {
  delivery: Delivery
  judgement: Judgement
  isProbe: boolean
  durationMs: number
  /** How long it took to take the delivery, waiting for others included; undefined for a probe by hand. */
  claimMs?: number
}

export interface RecordDeps {
  database: Database
  destination: { readonly name: string }
  policy: Pick<DeliveryPolicy, 'retry' | 'breaker'>
  log: Log
}

/** All of one destination, in the order in which they ended. Gives how many deliveries became ready behind them. */
export async function recordEnds(deps: RecordDeps, attempts: readonly EndedAttempt[]): Promise<{ promoted: number }> {
  const recorded = await deps.database.transaction(async (stores) => {
    const ends = attempts.map((attempt) => attempt.judgement.end)
    const { finished, fenced, promoted } = await stores.deliveries.finish(ends, deps.policy.retry.maxAgeMs)
    return { finished, fenced, promoted, health: await recordHealth(deps, stores, attempts) }
  })
  logAttempts(deps.log, attempts, recorded.finished)
  logBreaker(deps, recorded.health)
  return { promoted: recorded.promoted }
}

type BreakerNews = 'opened' | 'closed' | 'probe-failed' | undefined

async function recordHealth(
  { destination: { name }, policy }: RecordDeps,
  { destinations }: Stores,
  attempts: readonly EndedAttempt[]
): Promise<BreakerNews> {
  const signs = attempts.flatMap(({ judgement: { sign }, isProbe }): Sign[] =>
    sign === undefined ? [] : [{ kind: sign, isProbe }]
  )
  const restMs = Math.max(0, ...attempts.map((attempt) => attempt.judgement.restMs ?? 0))
  if (attempts.some((attempt) => attempt.judgement.end.class === 'delivered')) await destinations.recordDelivered(name)
  if (signs.length === 0 || (restMs === 0 && changesNothing(await destinations.readDoor(name), signs))) return undefined

  const door = await destinations.lockDoor(name)
  const change = judgeSigns(door, signs, policy.breaker)
  await destinations.recordHealth(name, change)
  if (restMs > 0) await destinations.closeFor(name, restMs)
  if (change.breaker === null) return undefined
  if (change.breaker.kind === 'closed') return 'closed'
  return door.breakerOpen ? 'probe-failed' : 'opened'
}

function logAttempts(log: Log, attempts: readonly EndedAttempt[], finished: readonly FinishedDelivery[]): void {
  const states = new Map(finished.map((delivery) => [delivery.deliveryId, delivery.state]))
  for (const { delivery, judgement, isProbe, durationMs, claimMs } of attempts) {
    const state = states.get(delivery.deliveryId) ?? 'fenced'
    const fields = {
      destination: delivery.destination,
      delivery_id: delivery.deliveryId,
      record_id: delivery.recordId,
      version: delivery.version,
      attempt: delivery.attempt,
      probe: isProbe,
      outcome_unknown: delivery.outcomeUnknown,
      outcome: judgement.end.class,
      http_status: judgement.end.status,
      state,
      duration_ms: Math.round(durationMs),
      ...(claimMs === undefined ? {} : { claim_ms: Math.round(claimMs) })
    }
    // Held: a person must look. Fenced: somebody else has it by now, the lease was too short for what happened.
    if (state === 'held') log.error({ ...fields, message: judgement.end.message }, 'delivery.attempted')
    else if (state === 'fenced') log.warn(fields, 'delivery.attempted')
    else log.info(fields, 'delivery.attempted')
  }
}

function logBreaker({ log, destination }: RecordDeps, news: BreakerNews): void {
  const fields = { destination: destination.name }
  if (news === 'opened') log.error(fields, 'destination.breaker_opened')
  else if (news === 'probe-failed') log.info(fields, 'destination.probe_failed')
  else if (news === 'closed') log.info(fields, 'destination.breaker_closed')
}

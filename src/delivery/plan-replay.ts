// A plan: what a replay would send, kept for a start that repeats its count. Nothing is sent, and nothing changed.
import { uuidv7 } from 'uuidv7'
import type { Stores } from '../storage/database.js'
import type { ReplayFilter } from '../storage/replay.js'
import { auditReplay, type ActingFor, type PlanAnswer, type ReplayDeps } from './replay-acts.js'
import { mostPerSecond, usualPerSecond } from './replay-pace.js'
import { refuseReplay, type Refused } from './replay-refusal.js'

export async function planReplay(
  deps: ReplayDeps,
  { actor, reason, ...filter }: ReplayFilter & ActingFor
): Promise<PlanAnswer> {
  const { replay: policy } = deps.policy
  const destination = deps.destinations.find(({ name }) => name === filter.destination)
  if (destination === undefined) {
    const known = deps.destinations.map(({ name }) => name).join(', ')
    return refuseReplay('unknown-destination', `There is no destination "${filter.destination}"; known are ${known}`)
  }
  const planned = await deps.database.transaction(async (stores) => {
    const exact = filter.mode === 'resend-exact' ? await checkExact(stores, filter) : { kind: 'fresh' as const }
    if (exact.kind === 'refused') return exact
    const plan = await stores.replays.plan({
      replayId: uuidv7(),
      actor,
      reason,
      filter: { ...filter, allowStale: exact.kind === 'stale' },
      mostItems: policy.mostItems,
      validMs: policy.planValidMs,
      approveAbove: policy.approveAbove
    })
    const { replayId, planned: count, approvalNeeded } = plan
    const { destination: to, mode } = filter
    const detail = { replayId, destination: to, mode, planned: count, approvalNeeded, reason }
    await auditReplay(deps, stores, { actor, action: 'replay.plan', detail })
    return plan
  })
  if ('kind' in planned) return planned
  const ratePerSecond = usualPerSecond(destination.ratePerSecond, policy)
  const estimatedSeconds = Math.ceil(planned.planned / ratePerSecond)
  const most = mostPerSecond(destination.ratePerSecond, policy)
  return { kind: 'planned', plan: { ...planned, ratePerSecond, mostPerSecond: most, estimatedSeconds } }
}

/** Sending an old version over a newer one is refused, unless it is asked for outright. */
async function checkExact(
  { replays }: Pick<Stores, 'replays'>,
  { destination, delivery = '', allowStale }: ReplayFilter
): Promise<{ kind: 'fresh' | 'stale' } | Refused> {
  const exact = await replays.findExact(delivery)
  if (exact?.destination !== destination)
    return refuseReplay('unknown-delivery', `There is no delivery ${delivery} to ${destination}`)
  if (exact.state !== 'delivered')
    return refuseReplay(
      'not-delivered',
      `Delivery ${delivery} is ${exact.state}: only what was delivered can be sent once more as it was`
    )
  if (!exact.isStale) return { kind: 'fresh' }
  if (allowStale === true) return { kind: 'stale' }
  return refuseReplay(
    'stale-version',
    `A later version than that of delivery ${delivery} was sent, or is on its way: send the current one (resend-latest), or allow a stale one, which a second person must approve`
  )
}

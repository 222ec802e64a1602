// Takes up again what nobody finishes. Every statement skips what others hold, so any number may run.
import type { Log } from '../queue/log.js'
import type { Queues } from '../queue/queues.js'
import type { Database } from '../storage/database.js'
import type { DeliveryPolicy } from './policy.js'

export interface Sweeper {
  /** Deliveries of workers that died. */
  sweepLeases(): Promise<void>
  /** Deliveries whose job was lost although the queue was not, and lanes without a head. */
  repair(): Promise<void>
}

export interface SweeperDeps {
  database: Database
  queues: Queues
  destinations: readonly { readonly name: string }[]
  policy: Pick<DeliveryPolicy, 'relay' | 'retry'>
  log: Log
}

const AT_ONCE = 500

export function createSweeper(deps: SweeperDeps): Sweeper {
  return {
    async sweepLeases() {
      const swept = await deps.database.stores.deliveries.sweepLeases(deps.policy.retry.maxCrashes, AT_ONCE)
      for (const { deliveryId, destination, state } of swept) {
        const fields = { destination, delivery_id: deliveryId, state }
        if (state === 'held') deps.log.error(fields, 'delivery.lease_over')
        else deps.log.warn(fields, 'delivery.lease_over')
      }
    },
    async repair() {
      for (const { name } of deps.destinations) await handBackLost(deps, name)
      await promoteHeadless(deps)
    }
  }
}

/**
 * Age alone is not enough: where the receiver is slow, jobs wait long, and ringing for them again and again fills the
 * queue (delivery.md: 3.5 times the CPU). A delivery that was queued well before the oldest job that waits has none; and
 * where no job is left at all (its relay died between the mark and the ring), it has none either.
 */
async function handBackLost({ database, queues, policy, log }: SweeperDeps, destination: string): Promise<void> {
  if (!queues.isReady()) return
  const olderThanMs = (await queues.isEmpty(destination))
    ? policy.relay.lostQueuedMs
    : ((await queues.oldestWaitingMs(destination)) ?? 0) + policy.relay.staleQueuedMs
  const lost = await database.stores.deliveries.handBackOlder(destination, olderThanMs)
  if (lost > 0) log.warn({ destination, deliveries: lost }, 'relay.jobs_lost')
}

async function promoteHeadless({ database, log }: SweeperDeps): Promise<void> {
  const lanes = await database.stores.deliveries.findHeadlessLanes(AT_ONCE)
  if (lanes.length === 0) return
  const promoted = await database.transaction(async ({ deliveries }) => {
    await deliveries.lockRecords(lanes.map((lane) => lane.recordId))
    return deliveries.promote(lanes)
  })
  log.error({ lanes: lanes.length, deliveries: promoted }, 'relay.headless_lanes')
}

// Marks due deliveries as queued and puts jobs into the queue for them: first the mark, committed, then the job. The
// other order loses the race against a fast worker (delivery.md, trap of 22 %).
import type { Log } from '../queue/log.js'
import type { Queues } from '../queue/queues.js'
import type { Database } from '../storage/database.js'
import type { RungDelivery } from '../storage/delivery-ring.js'
import type { Destination } from './destination.js'
import type { DeliveryPolicy } from './policy.js'

export interface Ringer {
  /** Rings for what is due; gives how many deliveries. 0 while the queue is away. */
  ringDue(): Promise<number>
  /** Rings for one delivery of each destination whose breaker wants a probe. */
  ringProbes(): Promise<number>
}

export interface RingerDeps {
  database: Database
  queues: Queues
  destinations: readonly Pick<Destination, 'name' | 'concurrency'>[]
  policy: Pick<DeliveryPolicy, 'ring' | 'relay'>
  log: Log
}

export function createRinger(deps: RingerDeps): Ringer {
  const { queues, policy, log } = deps
  const { deliveries } = deps.database.stores
  const names = deps.destinations.map((destination) => destination.name)
  const chunks = new Map(deps.destinations.map(({ name, concurrency }) => [name, chunkFor(concurrency, policy.ring)]))
  let leftAloneUntil = 0

  const ring = async (rung: readonly RungDelivery[]): Promise<number> => {
    const rings = names.map(async (destination) => {
      const ids = rung.filter((delivery) => delivery.destination === destination).map(({ deliveryId }) => deliveryId)
      if (ids.length === 0) return 0
      try {
        await queues.ring(destination, ids, chunks.get(destination) ?? 1)
        return ids.length
      } catch (error) {
        leftAloneUntil = performance.now() + policy.relay.faultPauseMs
        log.warn({ destination, deliveries: ids.length, err: error }, 'relay.ring_failed')
        // Some of the jobs may be there all the same: then a claim finds the delivery ready, and takes it.
        await deliveries.handBack(ids)
        return 0
      }
    })
    return (await Promise.all(rings)).reduce((total, count) => total + count, 0)
  }
  const canRing = (): boolean => queues.isReady() && performance.now() >= leftAloneUntil
  return {
    ringDue: async () => (canRing() ? ring(await deliveries.ring(names, policy.ring.window)) : 0),
    ringProbes: async () => (canRing() ? ring(await deliveries.ringProbes(names)) : 0)
  }
}

/**
 * A worker process takes as many jobs as it sends requests at once. Together they should be no more than half of the
 * window: the other half is for other processes.
 */
function chunkFor(concurrency: number, { window, chunk }: DeliveryPolicy['ring']): number {
  return Math.max(1, Math.min(chunk, Math.floor(window / (2 * concurrency))))
}

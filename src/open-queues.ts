// The queue engine of this process: Redis where REDIS_URL is set, else PostgreSQL.
import type { Destination } from './delivery/destination.js'
import { migrateQueue } from './queue/migrate-queue.js'
import { createQueues, type QueueEngineSettings, type Queues } from './queue/queues.js'
import type { Pool } from './storage/pool.js'
import { createQueuePool } from './storage/queue-pool.js'
import type { ReleaseStack } from './release-stack.js'
import type { ServiceOptions } from './service-parts.js'

/** `pool` is the ledger's, for BullMQ's migrations. Faults of the engine's settings are logged. */
export async function openQueues(
  { config, connection, log }: ServiceOptions,
  pool: Pool,
  destinations: readonly Destination[],
  stack: ReleaseStack
): Promise<Queues> {
  const engine = await openEngine()
  const queues = createQueues({ engine, destinations: destinations.map(({ name }) => name), log })
  stack.add('queues', queues, () => queues.close(config.shutdownTimeoutMs))
  for (const fault of await queues.check().catch((error: unknown) => [String(error)]))
    log.warn({ engine: engine.kind, fault }, 'queue.settings')
  return queues

  async function openEngine(): Promise<QueueEngineSettings> {
    if (config.redisUrl !== undefined) return { kind: 'redis', url: config.redisUrl }
    await migrateQueue(pool)
    const workers = config.roles.has('worker') ? destinations.length : 0
    const onError = (error: Error): void => {
      log.warn({ err: error }, 'queue.connection_lost')
    }
    const queuePool = createQueuePool(connection, { workers, onError })
    return { kind: 'postgres', pool: stack.add('queue pool', queuePool, () => queuePool.end()) }
  }
}

// A relay, and workers beside it, as one process of the service has them.
import { randomUUID } from 'node:crypto'
import type { Destination } from '../../src/delivery/destination.js'
import type { DeliveryPolicy } from '../../src/delivery/policy.js'
import { createRelay } from '../../src/delivery/relay.js'
import { createReplayRunner } from '../../src/delivery/replay-runner.js'
import { migrateQueue } from '../../src/queue/migrate-queue.js'
import { createQueues } from '../../src/queue/queues.js'
import type { Database } from '../../src/storage/database.js'
import type { DatabaseConnection, Pool } from '../../src/storage/pool.js'
import { createQueuePool } from '../../src/storage/queue-pool.js'
import { createDeliveryWorkers } from '../../src/worker/delivery-workers.js'

export const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined }

export async function startRelayAndWorkers(
  { connection, pool, database }: { connection: DatabaseConnection; pool: Pool; database: Database },
  destinations: readonly Destination[],
  policy: DeliveryPolicy
): Promise<{ stop(): Promise<void> }> {
  await migrateQueue(pool)
  const queuePool = createQueuePool(connection, { workers: destinations.length })
  const names = destinations.map(({ name }) => name)
  const queues = createQueues({ engine: { kind: 'postgres', pool: queuePool }, destinations: names, log: SILENT })
  const auditChainId = randomUUID()
  await database.stores.audit.openChain(auditChainId, 'bench')
  const shared = { database, destinations, queues, policy, log: SILENT }
  const receivers = destinations.map((destination) => ({ ...destination, sends: 'all' as const }))
  const replays = createReplayRunner({ ...shared, destinations: receivers, now: () => new Date(), auditChainId })
  const relay = createRelay({ ...shared, replays })
  const wake = (): void => {
    relay.wake()
  }
  const workers = createDeliveryWorkers({ ...shared, worker: 'bench', random: Math.random, onPromoted: wake })
  await workers.start()
  relay.start()
  return {
    async stop() {
      await relay.stop()
      await workers.stop(5_000)
      await queues.close(5_000)
      await queuePool.end()
    }
  }
}

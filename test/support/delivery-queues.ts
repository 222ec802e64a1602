// Queues for tests, on either engine, migrated and closed with the test.
import type { Test } from 'tap'
import { migrateQueue } from '../../src/queue/migrate-queue.js'
import type { Log } from '../../src/queue/log.js'
import { createQueues, type Queues } from '../../src/queue/queues.js'
import { createQueuePool } from '../../src/storage/queue-pool.js'
import type { QueueEngine } from './queue-engine.js'

/** Each call is another process, as far as queues are concerned: connections of its own. */
export async function openQueues(
  t: Test,
  engine: QueueEngine,
  destinations: readonly string[],
  log: Log
): Promise<Queues> {
  if (engine.kind === 'redis') {
    const queues = createQueues({ engine, destinations, log })
    t.teardown(() => queues.close(1_000))
    return queues
  }
  const pool = createQueuePool(engine.connection, { workers: destinations.length })
  await migrateQueue(pool)
  const queues = createQueues({ engine: { kind: 'postgres', pool }, destinations, log })
  t.teardown(async () => {
    await queues.close(1_000)
    await pool.end()
  })
  return queues
}

// Connections for BullMQ on PostgreSQL: apart from the ledger's, so that neither starves the other.
import { createPool, type DatabaseConnection, type Pool, type PoolOptions } from './pool.js'

/** BullMQ names its tables and functions without a schema. */
const SEARCH_PATH = '-c search_path=bullmq'

/**
 * `workers`: how many BullMQ workers listen in this process; each keeps a connection for itself.
 * The caller ends the pool, after the queues are closed.
 */
export function createQueuePool(
  connection: DatabaseConnection,
  { workers, ...options }: Omit<PoolOptions, 'maxConnections'> & { workers: number }
): Pool {
  const pinned = { ...connection, options: SEARCH_PATH }
  const pool = createPool(pinned, {
    applicationName: 'immunisation-hub-queue',
    ...options,
    maxConnections: workers + 4
  })
  // Every queue and worker listens to it.
  pool.setMaxListeners(0)
  return pool
}

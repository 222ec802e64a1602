// One relay and one set of workers on a ledger and a queue of their own, as services.ts starts them.
import { randomBytes } from 'node:crypto'
import { createRelay, type Relay } from '../../src/delivery/relay.js'
import { DELIVERY_POLICY } from '../../src/delivery/policy.js'
import { migrateQueue } from '../../src/queue/migrate-queue.js'
import { createQueues, type Queues } from '../../src/queue/queues.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import { migrate } from '../../src/storage/migrate.js'
import { createPool, type DatabaseConnection, type Pool } from '../../src/storage/pool.js'
import { createQueuePool } from '../../src/storage/queue-pool.js'
import { createDeliveryWorkers } from '../../src/worker/delivery-workers.js'
import { onDatabase } from '../../test/support/database-admin.js'
import { SINKS, type Sink } from './sink.js'

export interface Line {
  pool: Pool
  database: Database
  queues: Queues
  /** From now on everything due is delivered. */
  start(): Promise<Relay>
  close(): Promise<void>
}

const log = { info: () => undefined, warn: () => undefined, error: console.error }

export async function openLine(
  admin: Pool,
  connection: DatabaseConnection,
  redisUrl: string | undefined,
  sink: Sink
): Promise<Line> {
  const name = `bench_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${name}`)
  const own = onDatabase(connection, name)
  const pool = createPool(own, { maxConnections: 16 })
  await migrate(pool)
  const database = createDatabase(pool)
  const queuePool = createQueuePool(own, { workers: SINKS.length })
  if (redisUrl === undefined) await migrateQueue(pool)
  const engine =
    redisUrl === undefined ? { kind: 'postgres' as const, pool: queuePool } : { kind: 'redis' as const, url: redisUrl }
  const queues = createQueues({ engine, destinations: SINKS, log })
  const { destinations } = sink
  const relay = createRelay({ database, queues, destinations, policy: DELIVERY_POLICY, log })
  const workers = createDeliveryWorkers({
    database,
    queues,
    destinations,
    policy: DELIVERY_POLICY,
    worker: 'bench',
    log,
    random: Math.random,
    onPromoted: () => {
      relay.wake()
    }
  })
  let isStarted = false
  return {
    pool,
    database,
    queues,
    async start() {
      isStarted = true
      await workers.start()
      relay.start()
      return relay
    },
    async close() {
      if (isStarted) {
        await relay.stop()
        await workers.stop(5_000)
      }
      await queues.close(5_000)
      await queuePool.end()
      await pool.end()
      await admin.query(`drop database ${name} with (force)`)
    }
  }
}

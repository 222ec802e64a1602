// Several relays and workers at once, each with connections of its own as if it were a process.
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createRelay, type Relay } from '../../src/delivery/relay.js'
import { createReplayRunner } from '../../src/delivery/replay-runner.js'
import type { Destination } from '../../src/delivery/destination.js'
import type { DeliveryPolicy } from '../../src/delivery/policy.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import { createPool, type DatabaseConnection, type Pool } from '../../src/storage/pool.js'
import { createDeliveryWorkers, type DeliveryWorkers } from '../../src/worker/delivery-workers.js'
import { createTestLog, smallPolicy } from './delivery-rig.js'
import { openQueues } from './delivery-queues.js'
import type { QueueEngine } from './queue-engine.js'
import { createTestDatabase } from './test-database.js'

export interface Fleet {
  /** Of the ledger. */
  connection: DatabaseConnection
  pool: Pool
  database: Database
  log: ReturnType<typeof createTestLog>
  /** Started; stopped with the test. */
  relay(): Promise<Relay>
  worker(name?: string): Promise<DeliveryWorkers>
}

export async function openFleet(
  t: Test,
  engine: QueueEngine,
  destinations: readonly Destination[],
  policy: DeliveryPolicy = smallPolicy()
): Promise<Fleet> {
  const { connection, pool } =
    engine.kind === 'postgres'
      ? { connection: engine.connection, pool: openPool(t, engine.connection) }
      : await createTestDatabase(t)
  const database = createDatabase(pool)
  const log = createTestLog()
  const names = destinations.map((destination) => destination.name)
  return {
    connection,
    pool,
    database,
    log,
    async relay() {
      const auditChainId = randomUUID()
      await database.stores.audit.openChain(auditChainId, 'test')
      const now = (): Date => new Date()
      const receivers = destinations.map((destination) => ({ ...destination, sends: 'all' as const }))
      const relay = createRelay({
        database,
        queues: await openQueues(t, engine, names, log),
        destinations,
        replays: createReplayRunner({ database, destinations: receivers, policy, now, auditChainId, log }),
        policy,
        log
      })
      relay.start()
      t.teardown(() => relay.stop())
      return relay
    },
    async worker(worker = 'worker-1') {
      const queues = await openQueues(t, engine, names, log)
      const workers = createDeliveryWorkers({
        database,
        queues,
        destinations,
        policy,
        worker,
        log,
        random: Math.random
      })
      await workers.start()
      t.teardown(() => workers.stop(2_000))
      return workers
    }
  }
}

function openPool(t: Test, connection: DatabaseConnection): Pool {
  const pool = createPool(connection, { applicationName: 'imms-test' })
  t.teardown(() => pool.end())
  return pool
}

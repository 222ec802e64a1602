// A worker that is sending when it is killed: run as a process of its own by the tests of src/worker.
import { createQueues, type QueueEngineSettings } from '../../src/queue/queues.js'
import { createDatabase } from '../../src/storage/database.js'
import { createPool, type DatabaseConnection } from '../../src/storage/pool.js'
import { createQueuePool } from '../../src/storage/queue-pool.js'
import { createDeliveryWorkers } from '../../src/worker/delivery-workers.js'
import { createTestLog, scriptDestination, smallPolicy } from './delivery-rig.js'
import type { QueueEngine } from './queue-engine.js'

const { engine, ledger } = JSON.parse(process.argv[2] ?? '') as { engine: QueueEngine; ledger: DatabaseConnection }
const settings: QueueEngineSettings =
  engine.kind === 'redis' ? engine : { kind: 'postgres', pool: createQueuePool(engine.connection, { workers: 1 }) }
const destination = scriptDestination({ timeoutMs: 2_000 }, (delivery) => {
  process.stdout.write(`${delivery.deliveryId}\n`)
  return new Promise(() => undefined)
})
const log = createTestLog()
const workers = createDeliveryWorkers({
  database: createDatabase(createPool(ledger)),
  queues: createQueues({ engine: settings, destinations: [destination.name], log }),
  destinations: [destination],
  policy: smallPolicy({ attempt: { leaseMarginMs: 300 } }),
  worker: 'doomed',
  log,
  random: Math.random
})
await workers.start()

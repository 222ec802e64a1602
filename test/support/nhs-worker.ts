// A worker that delivers to the NHS API of the sandbox: run as a process of its own by the tests of src/delivery.
import { once } from 'node:events'
import { awaitMoment } from '../../src/delivery/await-moment.js'
import { createDeliveryPump } from '../../src/delivery/delivery-pump.js'
import { destinationKind } from '../../src/delivery/destinations/nhs-immunisation-api.js'
import { createDatabase } from '../../src/storage/database.js'
import { createPool, type DatabaseConnection } from '../../src/storage/pool.js'
import { createTestLog, smallPolicy } from './delivery-rig.js'

export interface NhsWorkerStart {
  connection: DatabaseConnection
  options: Record<string, unknown>
  deliveryIds: string[]
  ratePerSecond: number
  concurrency: number
}

const start = JSON.parse(process.argv[2] ?? '') as NhsWorkerStart
const name = 'nhs-immunisation-api'
const pool = createPool(start.connection)
const database = createDatabase(pool)
const { destinations, accessTokens } = database.stores
const destination = destinationKind.create(
  { name, kind: name, concurrency: start.concurrency, ratePerSecond: start.ratePerSecond, timeoutMs: 10_000 },
  start.options,
  {
    now: () => new Date(),
    readEligibilityTotals: () => Promise.reject(new Error('not asked')),
    accessTokens,
    awaitMoment: (...moment) => awaitMoment(destinations, ...moment)
  }
)
const pump = createDeliveryPump({
  database,
  destination,
  policy: smallPolicy(),
  worker: `process ${process.pid}`,
  log: createTestLog(),
  random: Math.random
})
// All begin together, however long each took to start.
process.stdout.write('ready\n')
await once(process.stdin, 'data')
await pump.deliver(start.deliveryIds)
await destination.close()
await pool.end()
process.stdin.destroy()

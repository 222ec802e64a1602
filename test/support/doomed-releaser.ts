// A relay that releases replays until it is killed: run as a process of its own by test/delivery/replay-run.test.ts.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createReplayRunner } from '../../src/delivery/replay-runner.js'
import { createDatabase } from '../../src/storage/database.js'
import { createPool, type DatabaseConnection } from '../../src/storage/pool.js'
import { createTestLog, smallPolicy } from './delivery-rig.js'

const database = createDatabase(createPool(JSON.parse(process.argv[2] ?? '') as DatabaseConnection))
const auditChainId = randomUUID()
await database.stores.audit.openChain(auditChainId, 'doomed')
const runner = createReplayRunner({
  database,
  destinations: [{ name: 'gp', sends: 'all', wants: () => true }],
  // A little at a time, so that a kill finds it at work.
  policy: smallPolicy({ replay: { aheadMs: 50 } }),
  now: () => new Date(),
  auditChainId,
  log: createTestLog()
})
for (;;) {
  const released = await runner.release()
  if (released > 0) process.stdout.write(`${released}\n`)
  await delay(1)
}

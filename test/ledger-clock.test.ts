// A process whose own clock is wrong goes by PostgreSQL's.
import t from 'tap'
import { createFleetTally } from '../src/fleet-tally.js'
import { createHeartbeat } from '../src/heartbeat.js'
import { createLedgerClock } from '../src/ledger-clock.js'
import { createDatabase } from '../src/storage/database.js'
import { createTestLog } from './support/delivery-rig.js'
import { createTestDatabase } from './support/test-database.js'

const NOON = Date.parse('2026-11-15T12:00:00Z')
const MINUTE = 60_000

t.test('what is off by more than a second is set right, and only by a look that was quick', (t) => {
  const clock = createLedgerClock(() => NOON)
  const off = (): number => NOON - clock.now().getTime()
  t.equal(off(), 0, 'before it is known')
  clock.tell(1_000, 5)
  t.equal(off(), 0, 'a second')
  clock.tell(1_001, 5)
  t.equal(off(), 1_001, 'more than a second')
  clock.tell(-5 * MINUTE, 2_001)
  t.equal(off(), 1_001, 'asked for too long: what was known stays')
  clock.tell(-5 * MINUTE, 2_000)
  t.equal(off(), -5 * MINUTE)
  clock.tell(3, 5)
  t.equal(off(), 0, 'somebody has set the clock')
  t.end()
})

t.test('a process that is five minutes off has the time of the database from its first beat on', async (t) => {
  const { pool } = await createTestDatabase(t)
  for (const offMs of [5 * MINUTE, -5 * MINUTE]) {
    const clock = createLedgerClock(() => Date.now() + offMs)
    const heartbeat = createHeartbeat({
      store: createDatabase(pool).stores.processes,
      tally: createFleetTally(),
      processId: crypto.randomUUID(),
      name: 'wrong',
      roles: ['worker'],
      readPool: () => ({ totalCount: 1, idleCount: 1, waitingCount: 0 }),
      log: createTestLog(),
      clock: () => Date.now() + offMs,
      onSkew: clock.tell
    })

    await heartbeat.start()
    const apartMs = Math.abs(clock.now().getTime() - Date.now())
    await heartbeat.stop()

    t.ok(apartMs <= 1_000, `${apartMs} ms apart, on the same machine`)
  }
})

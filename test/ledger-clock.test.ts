// A process whose own clock is wrong goes by PostgreSQL's.
import t from 'tap'
import { createTokenSource } from '../src/delivery/nhs/token-source.js'
import { createHttpTransport } from '../src/delivery/transport/http-transport.js'
import { createFleetTally } from '../src/fleet-tally.js'
import { createHeartbeat } from '../src/heartbeat.js'
import { createLedgerClock } from '../src/ledger-clock.js'
import { startSandbox } from '../src/sandbox/server.js'
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

t.test('the national platform takes what a worker signs, though the clock of its machine is off', async (t) => {
  const sandbox = await startSandbox()
  const transport = createHttpTransport({ maxSockets: 1 })
  t.teardown(async () => {
    transport.close()
    await sandbox.close()
  })
  const settings = { ...sandbox.keys.nhs, tokenUrl: `${sandbox.url}/oauth2/token`, timeoutMs: 5_000 }
  const askedWith = async (now: () => Date): Promise<string> =>
    (await createTokenSource(settings, transport, now).token()).kind

  for (const offMs of [5 * MINUTE, -5 * MINUTE]) {
    const clock = createLedgerClock(() => Date.now() + offMs)
    t.equal(await askedWith(clock.now), 'none', 'by the clock of the machine it is refused')
    clock.tell(offMs, 5)
    t.equal(await askedWith(clock.now), 'token')
  }
  for (const offMs of [1_000, -1_000]) {
    const clock = createLedgerClock(() => Date.now() + offMs)
    clock.tell(offMs, 5)
    t.equal(await askedWith(clock.now), 'token', 'a second is left as it is, and is no matter')
  }
})

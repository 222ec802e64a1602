// Limits by hand hold for workers that run, and the invariants are looked at while a fleet delivers.
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createInvariantWatch } from '../../src/delivery/invariant-watch.js'
import { followLimits, limitsInForce } from '../../src/delivery/limits.js'
import { createVerifier } from '../../src/delivery/verify.js'
import {
  createTestLog,
  answerAfter,
  DELIVERED,
  DOWN,
  scriptDestination,
  waitForStates
} from '../support/delivery-rig.js'
import { openFleet } from '../support/delivery-fleet.js'
import { forEachQueueEngine } from '../support/queue-engine.js'
import { seedRecords } from '../support/seed-deliveries.js'
import { createTestDatabase } from '../support/test-database.js'
import { createDatabase } from '../../src/storage/database.js'
import { waitFor } from '../support/wait-for.js'

const EARLY = new Date('2026-01-01')

t.test('what is in force is never more than the file allows', (t) => {
  const file = { concurrency: 8, ratePerSecond: 20 }
  t.same(limitsInForce(file, undefined), file)
  t.same(limitsInForce(file, { ratePerSecond: 5, concurrency: null }), { concurrency: 8, ratePerSecond: 5 })
  t.same(limitsInForce(file, { ratePerSecond: 50, concurrency: 50 }), file)
  t.same(limitsInForce({ concurrency: 2 }, { ratePerSecond: null, concurrency: 1 }), { concurrency: 1 })
  t.same(limitsInForce({ concurrency: 2 }, { ratePerSecond: 3, concurrency: null }), {
    concurrency: 2,
    ratePerSecond: 3
  })
  t.end()
})

t.test('workers send narrower and slower as soon as they are told, and as before when it is taken back', async (t) => {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  const destination = scriptDestination({ name: 'slow', concurrency: 8 }, answerAfter(5))
  await database.stores.destinations.ensure(['slow'])
  const limits = followLimits([destination], database)
  t.teardown(() => {
    limits.stop()
  })
  const [followed] = limits.destinations
  t.equal(followed?.concurrency, 8)
  t.equal(followed?.ratePerSecond, undefined)

  await database.stores.destinationLimits.set({ destination: 'slow', ratePerSecond: 7, concurrency: 2 })
  await limits.refresh()

  t.equal(followed?.concurrency, 2)
  t.equal(followed?.ratePerSecond, 7)
  t.equal(followed?.name, 'slow', 'the rest is the destination’s own')
  await database.stores.destinationLimits.set({ destination: 'slow', ratePerSecond: null, concurrency: null })
  await limits.refresh()
  t.equal(followed?.concurrency, 8)
})

t.test('a fleet keeps the limit that was set by hand, and every invariant', async (t) => {
  await forEachQueueEngine(t, async (t, engine) => {
    const scripted = scriptDestination({ name: 'limited', concurrency: 8 }, answerAfter(30))
    const probe = await openFleet(t, engine, [scripted])
    await probe.database.stores.destinations.ensure(['limited'])
    await probe.database.stores.destinationLimits.set({ destination: 'limited', ratePerSecond: null, concurrency: 1 })
    const limits = followLimits([scripted], probe.database)
    t.teardown(() => {
      limits.stop()
    })
    await limits.refresh()
    const fleet = await openFleet(
      t,
      engine.kind === 'postgres' ? { kind: 'postgres', connection: probe.connection } : engine,
      limits.destinations
    )
    await seedRecords(fleet.pool, 12, { destinations: ['limited'], versions: ['create', 'update'] })
    await fleet.relay()
    await fleet.worker()

    await waitForStates(fleet.pool, { delivered: 24 })

    t.equal(scripted.busiest(), 1)
    const verifier = createVerifier({
      database: fleet.database,
      queues: { findNhsNumbers: () => Promise.resolve([]) },
      destinations: [scripted]
    })
    const { invariants, verdict } = (await verifier.verify({ since: EARLY, sample: 5 })) ?? {}
    t.same(
      invariants?.filter(({ ids }) => ids.length > 0),
      []
    )
    t.equal(verdict, 'ok')
  })
})

t.test('a fleet with an outage breaks no invariant', async (t) => {
  await forEachQueueEngine(t, async (t, engine) => {
    let calls = 0
    const scripted = scriptDestination({ name: 'shaky' }, () => (++calls > 8 ? DELIVERED : DOWN))
    const fleet = await openFleet(t, engine, [scripted])
    await seedRecords(fleet.pool, 10, { destinations: ['shaky'], versions: ['create', 'update'] })
    await fleet.relay()
    await fleet.worker()
    await waitForStates(fleet.pool, { delivered: 20 })

    const found = await fleet.database.stores.ops.findViolations(EARLY, ['shaky'])

    t.same(
      found.filter(({ ids }) => ids.length > 0),
      []
    )
  })
})

t.test('of several watches one looks, and what is broken is logged and kept', async (t) => {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  const [seeded] = await seedRecords(pool, 1, { destinations: ['a'], versions: ['create', 'update'] })
  await pool.query(`update delivery set state = 'cancelled', finished_at = now() where delivery_id = $1`, [
    seeded?.deliveryIds[0]
  ])
  let looks = 0
  const verifier = createVerifier({
    database,
    queues: {
      findNhsNumbers() {
        looks += 1
        return Promise.resolve([])
      }
    },
    destinations: [scriptDestination({ name: 'a' }, () => DELIVERED)]
  })
  const log = createTestLog()
  const watches = [1, 2, 3].map(() => createInvariantWatch({ database, verifier, log, now: () => new Date() }))
  for (const watch of watches) watch.start()
  await waitFor(() => log.lines.length > 0, 'a broken invariant to be logged')
  await delay(0)
  for (const watch of watches) await watch.stop()

  t.equal(looks, 1)
  t.match(log.lines, [
    { level: 'error', line: 'delivery.invariant_broken', fields: { invariant: 'I3', violations: 1 } }
  ])
  const checked = await database.stores.ops.readCheckedInvariants()
  t.equal(checked.length, 10)
  t.match(
    checked.find(({ id }) => id === 'I3'),
    { violations: 1, sample: [seeded?.deliveryIds[1]] }
  )
  t.match(
    checked.find(({ id }) => id === 'I1'),
    { violations: 0 }
  )
})

// A deployment while records come in: each process is asked to stop, and the next one takes its place.
import t from 'tap'
import { openFleet } from '../support/delivery-fleet.js'
import { answerAfter, scriptDestination, versionsByRecord, waitForStates } from '../support/delivery-rig.js'
import { forEachQueueEngine } from '../support/queue-engine.js'
import { seedRecords } from '../support/seed-deliveries.js'
import { waitFor } from '../support/wait-for.js'

const ROLLS = 3
const RECORDS = 10

t.test('workers and relays are replaced under load: nothing is sent twice, and no attempt is left open', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const gp = scriptDestination({ concurrency: 3 }, answerAfter(10))
    const fleet = await openFleet(t, engine, [gp])
    let [relay, ...workers] = await Promise.all([fleet.relay(), fleet.worker('worker-1'), fleet.worker('worker-2')])

    for (let roll = 1; roll <= ROLLS; roll++) {
      const before = gp.received.length
      await seedRecords(fleet.pool, RECORDS, { destinations: ['gp'], versions: ['create', 'update'] })
      await waitFor(() => gp.received.length > before + 5, 'the load to be under way')
      const next = [fleet.relay(), fleet.worker(`worker-1-${roll}`), fleet.worker(`worker-2-${roll}`)] as const
      await relay.stop()
      for (const worker of workers) await worker.stop(5_000)
      ;[relay, ...workers] = await Promise.all(next)
    }

    const versions = ROLLS * RECORDS * 2
    await waitForStates(fleet.pool, { delivered: versions })
    t.equal(gp.received.length, versions, 'each version once')
    t.ok(
      [...versionsByRecord(gp.received).values()].every((sent) => sent.join() === '1,2'),
      'in order'
    )
    const { rows } = await fleet.pool.query(
      `select count(*)::integer as attempts,
              count(*) filter (where outcome = 'delivered')::integer as delivered
         from delivery_attempt`
    )
    t.same(rows, [{ attempts: versions, delivered: versions }], 'each attempt was brought to its end by its own worker')
    const crashes = await fleet.pool.query('select max(crash_count) as most from delivery')
    t.same(crashes.rows, [{ most: 0 }])
  })
)

// All the way: a destination that is sent the latest state is paused, versions come in, and it goes on.
import t from 'tap'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import { openFleet } from '../support/delivery-fleet.js'
import { answerAfter, countStates, scriptDestination, versionsByRecord } from '../support/delivery-rig.js'
import { fluByPharmacy, openIngest, type IngestRig } from '../support/ingest-rig.js'
import { forEachQueueEngine, type QueueEngine } from '../support/queue-engine.js'
import { waitFor } from '../support/wait-for.js'

async function setUp(t: Parameters<typeof openFleet>[0], engine: QueueEngine) {
  const latest = scriptDestination({ name: 'latest' }, answerAfter(5))
  const every = scriptDestination({ name: 'every' }, answerAfter(5))
  const fleet = await openFleet(t, engine, [latest, every])
  const wanting = [{ ...latest, sends: 'all', versions: 'latest' } as const, { ...every, sends: 'all' } as const]
  const open = (): Promise<IngestRig> => openIngest(t, fleet.pool, fleet.database, { destinations: wanting })
  await fleet.database.stores.destinations.ensure(wanting.map(({ name }: Wanting) => name))
  const settled = (): Promise<boolean> =>
    waitFor(
      async () => {
        const { delivered = 0, superseded = 0, ...unfinished } = await countStates(fleet.pool)
        return delivered + superseded > 0 && Object.keys(unfinished).length === 0
      },
      'everything to be delivered',
      { withinMs: 20_000 }
    )
  return { fleet, latest, every, rig: await open(), open, settled }
}

const version = (number: number, value = 'one') => fluByPharmacy({ value, lotNumber: `LOT${number}` })

t.test('five versions come while it is paused, and one goes when it is resumed', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const { fleet, latest, every, rig, settled } = await setUp(t, engine)
    const { destinations } = fleet.database.stores
    await Promise.all([fleet.relay(), fleet.worker()])
    await destinations.setPaused('latest', true)
    const recordId = (await rig.post(version(1))).record!.recordId
    for (const number of [2, 3, 4, 5]) await rig.put(recordId, number - 1, version(number))
    await waitFor(() => every.received.length === 5, 'the other one to have all')
    t.same(latest.received, [])

    await destinations.setPaused('latest', false)
    await settled()

    t.same(versionsByRecord(latest.received), new Map([[recordId, [5]]]))
    t.same(versionsByRecord(every.received), new Map([[recordId, [1, 2, 3, 4, 5]]]))
  })
)

t.test('versions come while workers send: none overtakes another, and the last one arrives', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const { fleet, latest, every, rig, open, settled } = await setUp(t, engine)
    await Promise.all([fleet.relay(), fleet.relay(), fleet.worker('a'), fleet.worker('b')])
    const rigs = [rig, await open()]
    const RECORDS = 3
    const VERSIONS = 8

    await Promise.all(
      Array.from({ length: RECORDS }, async (_, n) => {
        const value = `record-${n}`
        const recordId = (await rig.post(version(1, value))).record!.recordId
        for (let number = 2; number <= VERSIONS; number++) {
          const { status } = await rigs[number % 2]!.put(recordId, number - 1, version(number, value))
          if (status !== 200) throw new Error(`version ${number} was answered ${status}`)
        }
      })
    )
    await settled()

    for (const versions of versionsByRecord(every.received).values()) t.equal(versions.length, VERSIONS)
    t.equal(versionsByRecord(latest.received).size, RECORDS)
    for (const versions of versionsByRecord(latest.received).values()) {
      t.same(
        versions,
        [...new Set(versions)].sort((a, b) => a - b)
      )
      t.equal(versions.at(-1), VERSIONS)
    }
    const { delivered = 0, superseded = 0 } = await countStates(fleet.pool)
    t.equal(delivered + superseded, 2 * RECORDS * VERSIONS)
    t.same(
      (await fleet.database.stores.ops.findViolations(new Date(0), ['latest', 'every'])).filter(
        ({ ids }) => ids.length
      ),
      []
    )
    t.comment(`${latest.received.length} of ${RECORDS * VERSIONS} sent`)
  })
)

// All the way: accepted, planned, queued, sent by the real adapters, and held by receivers as the sandbox plays them.
import t from 'tap'
import { createDestinations, loadDestinationKinds } from '../../src/destinations.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import { startSandbox } from '../../src/sandbox/server.js'
import { openFleet } from '../support/delivery-fleet.js'
import { clientOf, fluByPharmacy, openIngest } from '../support/ingest-rig.js'
import { forEachQueueEngine } from '../support/queue-engine.js'
import { syntheticNhsNumber } from '../support/synthetic.js'
import { waitFor } from '../support/wait-for.js'

const NHS_NUMBER = syntheticNhsNumber(41)
const COPY = 'https://gp.example/imms'
const GP = clientOf('gp-system')

interface HeldByNhs {
  isDeleted: boolean
  resource: { identifier: { system: string; value: string }[] }
}

t.test('receivers end up with exactly the record that counts, whatever came before it', (t) =>
  forEachQueueEngine(t, async (t, engine) => {
    const sandbox = await startSandbox({ seed: { persons: [NHS_NUMBER] } })
    t.teardown(() => sandbox.close())
    const kinds = await loadDestinationKinds()
    const destinations = createDestinations(sandboxDestinations(sandbox.url, sandbox.keys), kinds, {
      now: () => new Date(),
      readEligibilityTotals: (...asked) => fleet.database.stores.events.readTotals(...asked)
    })
    t.teardown(() => Promise.all(destinations.map((destination) => destination.close())))
    const fleet = await openFleet(t, engine, destinations)
    const rig = await openIngest(t, fleet.pool, fleet.database, { destinations })
    await Promise.all([fleet.relay(), fleet.worker()])
    const holdings = async <Held>(kind: string): Promise<Held> =>
      (await (await fetch(`${sandbox.url}/holdings/${kind}`)).json()) as Held
    const settled = () =>
      waitFor(
        async () =>
          (await rig.rows(`select from delivery where state not in ('delivered', 'superseded', 'cancelled')`))
            .length === 0,
        'everything to be delivered'
      )
    const heldByNhs = async (): Promise<string[]> =>
      (await holdings<HeldByNhs[]>('nhs-immunisation-api')).flatMap(({ isDeleted, resource }) =>
        isDeleted ? [] : [resource.identifier[0]!.value]
      )
    const copy = fluByPharmacy({ value: 'copy', system: COPY, primarySource: false, nhsNumber: NHS_NUMBER })
    const original = fluByPharmacy({ value: 'original', nhsNumber: NHS_NUMBER })

    await rig.post(copy, GP)
    await settled()
    t.same(await heldByNhs(), ['copy'])
    const better = (await rig.post(original)).record!.recordId
    await settled()

    t.same(await heldByNhs(), ['original'], 'the better one, and the earlier one is deleted')
    const messages = JSON.stringify(await holdings('gp-record'))
    t.equal(messages.split('<Bundle ').length - 1, 2, 'the practice has got the copy, and the one that replaces it')
    t.equal(messages.split('<relatesTo>').length - 1, 1)
    t.notMatch(messages, /entered-in-error/)
    t.match(JSON.stringify(await holdings('eligibility-store')), /"SUCCESSFUL_PROCEDURE_COUNT":\{"S":"1"\}/)

    await rig.remove(better)
    await settled()
    t.same(await heldByNhs(), ['copy'], 'it counts again, so it is there again')
    await rig.post(original)
    await settled()
    t.same(await heldByNhs(), ['original'])
    t.same(await rig.rows(`select message from delivery_attempt where outcome not in ('delivered', 'not-needed')`), [])
  })
)

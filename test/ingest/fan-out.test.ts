// Destinations follow the record that counts: whoever is sent survivors ends up with exactly these, and is never without a
// vaccination in between.
import t from 'tap'
import { uuidv7 } from 'uuidv7'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import { openReviewDesk } from '../review/open-reviews.js'
import { clientOf, createIngestRig, fluByPharmacy, openIngest, type IngestRig } from '../support/ingest-rig.js'
import { createModelReceiver } from '../support/model-receiver.js'
import { syntheticNhsNumber } from '../support/synthetic.js'

const SURVIVORS: Wanting = { name: 'survivors', sends: 'survivors', wants: ({ facts }) => facts.status === 'completed' }
const GP = clientOf('gp-system')
const PHARMACY = clientOf('pharmacy')

/** What a practice typed in of the pharmacy's jab: it counts until the pharmacy's own record is there. */
const copy = (changes: Parameters<typeof fluByPharmacy>[0] = {}) =>
  fluByPharmacy({ value: 'copy', system: 'https://gp.example/imms', primarySource: false, ...changes })
const original = (changes: Parameters<typeof fluByPharmacy>[0] = {}) => fluByPharmacy({ value: 'original', ...changes })

async function setUp(t: Parameters<typeof createIngestRig>[0], destinations: Wanting[] = [SURVIVORS]) {
  const rig = await createIngestRig(t, { destinations })
  const receiver = createModelReceiver(rig, 'survivors')
  const post = async (resource: object, caller = PHARMACY): Promise<string> =>
    (await rig.post(resource, caller)).record!.recordId
  return { rig, receiver, post, held: () => [...receiver.holds.keys()].sort() }
}

const lanesOf = (rig: IngestRig) =>
  rig.rows<{ record_id: string; operation: string; state: string }>(
    'select record_id, operation, state from delivery order by created_at, delivery_id'
  )

t.test('a better record that comes late is sent first, the earlier one is deleted after it', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const first = await post(copy(), GP)
  await receiver.drain()

  const better = await post(original())

  t.same(
    (await lanesOf(rig)).map(({ record_id, operation, state }) => [record_id, operation, state]),
    [
      [first, 'create', 'delivered'],
      [better, 'create', 'ready'],
      [first, 'delete', 'blocked']
    ]
  )
  await receiver.drain(1)
  t.same(held(), [first, better].sort(), 'never without')
  await receiver.drain()
  t.same(held(), [better])
})

t.test('a record of which nothing was attempted gives way without a word', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const first = await post(copy(), GP)

  const better = await post(original())

  t.same(
    (await lanesOf(rig)).map(({ record_id, state }) => [record_id, state]),
    [
      [first, 'superseded'],
      [better, 'ready']
    ]
  )
  await receiver.drain()
  t.same(receiver.log, [`create 1 ${better}`])
  t.same(held(), [better])
})

t.test('what a worker has in hand is followed by a deletion', async (t) => {
  const { receiver, post, held } = await setUp(t)
  await post(copy(), GP)
  const inHand = await receiver.claim()

  const better = await post(original())
  await receiver.drain()
  await receiver.finish(inHand)
  await receiver.drain()

  t.same(held(), [better])
})

t.test('a duplicate that never counted makes nothing', async (t) => {
  const { rig, receiver, post } = await setUp(t)
  const better = await post(original())
  const other = await post(copy(), GP)
  await rig.put(other, 1, copy({ note: [{ text: 'typed again' }] }), GP)
  await rig.remove(other, GP)
  await receiver.drain()

  t.same(receiver.log, [`create 1 ${better}`])
})

t.test('the same when both come in one group', async (t) => {
  const { rig, receiver, held } = await setUp(t)

  const [first, better] = await Promise.all([rig.post(copy(), GP), rig.post(original(), PHARMACY)])
  await receiver.drain()

  t.same(held(), [better.record!.recordId])
  t.not(first.record?.recordId, better.record?.recordId)
})

t.test('a correction that makes another record the better one, and one that takes that back', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const first = await post(original())
  const second = await post(copy(), GP)
  await receiver.drain()

  await rig.put(second, 1, copy({ primarySource: true }), GP)
  await rig.put(first, 1, original({ primarySource: false }))
  await receiver.drain(1)
  t.same(held(), [first, second].sort(), 'never without')
  await receiver.drain()
  t.same(held(), [second])

  await rig.put(first, 2, original())
  await rig.put(second, 2, copy(), GP)
  await receiver.drain()
  t.same([...receiver.holds], [[first, 3]])
  t.match(receiver.log.at(-2), `reinstate 3 ${first}`)
})

t.test('a correction that is taken back before it was told leaves the receiver alone', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const first = await post(copy(), GP)
  await receiver.drain()
  const better = await post(original())

  await rig.remove(better)
  await receiver.drain()

  t.same(held(), [first])
  t.notMatch(receiver.log.join(), `delete 1 ${first}`)
})

t.test('the better one is deleted: the earlier one is brought back before it, and gives way again', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const first = await post(copy(), GP)
  await receiver.drain()
  const better = await post(original())
  await receiver.drain()

  await rig.remove(better)
  await receiver.drain(1)
  t.same(held(), [first, better].sort(), 'never without')
  await receiver.drain()
  t.same(held(), [first])

  await post(original())
  await receiver.drain()
  t.same([...receiver.holds], [[better, 3]], 'reinstated')
})

t.test('a deletion that a supplier asked for does not wait for a successor that is refused', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const better = await post(original())
  await post(copy(), GP)
  await receiver.drain()
  await rig.remove(better)

  await receiver.finish(await receiver.claim(), 'held')
  await receiver.drain()

  t.same(held(), [])
})

t.test('a better record that is refused does not cost the receiver the earlier one', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const first = await post(copy(), GP)
  await receiver.drain()
  await post(original())
  const refused = await receiver.claim()
  await receiver.finish(refused, 'held')
  await receiver.drain()
  t.same(held(), [first])

  const { promoted } = await rig.database.transaction((stores) =>
    stores.deliveries.cancelHeld(refused.map(({ deliveryId }) => deliveryId))
  )
  t.equal(promoted, 0)
  await receiver.drain()
  t.same(held(), [first], 'nor when it is given up')
  t.same(await rig.database.stores.deliveries.findHeadlessLanes(10), [])

  await rig.put(first, 1, copy({ note: [{ text: 'typed again' }] }), GP)
  await receiver.drain()
  t.same([...receiver.holds], [[first, 2]], 'what it keeps, it keeps in its current version')
})

t.test('a third record takes over from one that was never sent', async (t) => {
  const { receiver, post, held } = await setUp(t)
  const poor = await post(copy(), GP)
  await receiver.drain()
  const middle = fluByPharmacy({ value: 'middle', system: 'https://middle.example/id' })
  delete middle.site
  await post(middle)

  const best = await post(original())
  await receiver.drain(1)
  t.same(held(), [poor, best].sort())
  await receiver.drain()

  t.same(held(), [best])
})

t.test('a reviewer parts and joins, and takes it back', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const reviews = await openReviewDesk(rig, [SURVIVORS])
  const first = await post(copy(), GP)
  await receiver.drain()
  const better = await post(original())
  await receiver.drain()

  const parted = await reviews.decide(first, 'distinct')
  await receiver.drain()
  t.same(held(), [first, better].sort(), 'two vaccinations')
  await reviews.undo(parted!)
  await receiver.drain()
  t.same(held(), [better])

  const before = receiver.log.length
  await reviews.undo((await reviews.decide(first, 'distinct'))!)
  await receiver.drain()
  t.equal(receiver.log.length, before, 'taken back before it was told')
})

t.test('NHS numbers are merged and parted', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const [OLD, NEW] = [syntheticNhsNumber(31), syntheticNhsNumber(32)]
  const first = await post(copy({ nhsNumber: OLD }), GP)
  const better = await post(original({ nhsNumber: NEW }))
  await receiver.drain()
  t.same(held(), [first, better].sort())
  const by = { actor: 'ops', reason: 'PDS says so', confirmCount: 1 }

  const merged = await rig.merges.merge({ superseded: OLD, successor: NEW, ...by })
  await receiver.drain()
  t.same(held(), [better])
  if (!('mergeId' in merged)) throw new Error('refused')
  await rig.merges.undo({ mergeId: merged.mergeId, ...by })
  await receiver.drain()

  t.same(held(), [first, better].sort())
})

t.test('a record that moves to another patient leaves its event to the next one', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const [WRONG, RIGHT] = [syntheticNhsNumber(33), syntheticNhsNumber(34)]
  const trusted = { ...PHARMACY, patientCorrections: true }
  const first = await post(copy({ nhsNumber: WRONG }), GP)
  const better = await post(original({ nhsNumber: WRONG }))
  await receiver.drain()
  t.same(held(), [better])

  await rig.put(better, 1, original({ nhsNumber: RIGHT }), trusted, 'registered under a namesake')
  await receiver.drain()

  t.same(held(), [first, better].sort())
  t.match(
    receiver.log.filter((line) => line.endsWith(better)).map((line) => line.slice(0, -37)),
    ['create 1', 'delete 2', 'reinstate 3'],
    'never an update'
  )
})

t.test('what a destination sends is a setting: every primary record, every record', async (t) => {
  const primary: Wanting = { ...SURVIVORS, name: 'primary', sends: 'primary' }
  const all: Wanting = { ...SURVIVORS, name: 'all', sends: 'all' }
  const { rig, receiver, post } = await setUp(t, [SURVIVORS, primary, all])
  const receivers = [receiver, createModelReceiver(rig, 'primary'), createModelReceiver(rig, 'all')]
  const first = await post(copy(), GP)
  const own = await post(original())
  const second = await post(original({ value: 'second', system: 'https://other.example/id' }), clientOf('other'))
  const heldBy = async () => {
    for (const each of receivers) await each.drain()
    return receivers.map(({ holds }) => [...holds.keys()].sort())
  }
  t.same(await heldBy(), [[own], [own, second].sort(), [first, own, second].sort()])

  await rig.put(own, 1, original({ primarySource: false }))
  t.same(await heldBy(), [[second], [second], [first, own, second].sort()])
})

t.test('a message that replaces others still does when it has to be sent once more', async (t) => {
  const { rig, receiver, post } = await setUp(t, [{ ...SURVIVORS, replaces: true }])
  const first = await post(copy(), GP)
  await receiver.drain()
  const better = await post(original())
  const [taking] = await receiver.claim()
  t.same(taking!.replaces, [{ recordId: first, version: '1' }])
  await receiver.finish([taking!])
  const [told] = await receiver.claim()
  t.match(told, { recordId: first, operation: 'delete', toldBySuccessor: true })
  await receiver.finish([told!])

  const { acknowledgements } = rig.database.stores
  const about = { deliveryId: taking!.deliveryId }
  await acknowledgements.record({
    destination: 'survivors',
    about,
    level: 'business',
    isPositive: false,
    code: '30002',
    text: 'patient not known'
  })
  const followUpId = uuidv7()
  await rig.database.transaction((stores) => stores.acknowledgements.settleRejected(taking!.deliveryId, followUpId))
  await rig.rows(`update delivery set state = 'ready' where delivery_id = $1`, [followUpId])

  const [again] = await receiver.claim()
  t.match(again, { recordId: better, deliveryId: followUpId, replaces: [{ recordId: first, version: '1' }] })
})

t.test('a message that is under way already replaces nothing that came to wait for it', async (t) => {
  const destination = { ...SURVIVORS, replaces: true }
  const { rig, receiver, post, held } = await setUp(t, [destination])
  const reviews = await openReviewDesk(rig, [destination])
  await post(copy(), GP)
  await receiver.drain()
  const best = await post(original({ occurrenceDateTime: '2026-10-12T10:15:00+01:00' }))
  const inHand = await receiver.claim()
  const middle = fluByPharmacy({ value: 'middle', system: 'https://middle.example/id' })
  delete middle.site
  const between = await post(middle)

  t.ok(await reviews.decide(best, 'same'))
  t.ok(await reviews.decide(between, 'same'))
  await receiver.finish(inHand)
  await receiver.drain()

  t.same(held(), [best])
})

t.test('a record stays where its better one is not taken', async (t) => {
  const pharmacyOnly: Wanting = {
    ...SURVIVORS,
    wants: ({ facts }) => facts.status === 'completed' && facts.identifier.system === 'https://gp.example/imms'
  }
  const { rig, receiver, post, held } = await setUp(t, [pharmacyOnly])
  const first = await post(copy(), GP)
  await receiver.drain()
  await post(original())
  await receiver.drain()
  t.same(held(), [first])

  await rig.put(first, 1, copy({ note: [{ text: 'typed again' }] }), GP)
  await receiver.drain()
  t.same([...receiver.holds], [[first, 2]])
})

t.test('corrections that cross in two processes, while a worker delivers, end with the survivor', async (t) => {
  const { rig, receiver, post, held } = await setUp(t)
  const other = await openIngest(t, rig.pool, rig.database, { destinations: [SURVIVORS] })
  const first = await post(copy(), GP)
  const second = await post(original())
  const stop = new AbortController()
  const worker = (async () => {
    while (!stop.signal.aborted) await receiver.drain()
  })()
  for (let round = 1; round <= 6; round++) {
    const isPrimary = round % 2 === 1
    await Promise.all([
      rig.put(first, round, copy({ primarySource: isPrimary }), GP),
      other.put(second, round, original({ primarySource: !isPrimary }))
    ])
  }
  stop.abort()
  await worker
  await receiver.drain()

  const [{ survivor } = { survivor: '' }] = await rig.rows<{ survivor: string }>(
    'select survivor_record_id as survivor from event_group where survivor_record_id is not null'
  )
  t.same([...receiver.holds], [[survivor, 7]])
  t.same(held(), [second])
  t.same(await rig.rows(`select state from delivery where state not in ('delivered', 'superseded')`), [])
})

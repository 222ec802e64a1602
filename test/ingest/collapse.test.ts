// A destination that is sent the latest state gets what is so now, and not what was so while it could not be sent to.
import t from 'tap'
import { uuidv7 } from 'uuidv7'
import { explainRecord } from '../../src/delivery/explain.js'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import {
  clientOf,
  createIngestRig,
  fluByPharmacy,
  openIngest,
  payloadOf,
  type IngestRig
} from '../support/ingest-rig.js'
import { createModelReceiver } from '../support/model-receiver.js'
import { syntheticNhsNumber } from '../support/synthetic.js'

const wants: Wanting['wants'] = ({ facts }) => facts.status === 'completed'
const LATEST: Wanting = { name: 'latest', sends: 'survivors', versions: 'latest', wants }
const EVERY: Wanting = { name: 'every', sends: 'survivors', versions: 'every', wants }
const GP = clientOf('gp-system')
const LONG_AGO = new Date(0)

async function setUp(t: Parameters<typeof createIngestRig>[0], destinations: Wanting[] = [LATEST]) {
  const superseded = new Map<string, number>()
  const rig = await createIngestRig(t, {
    destinations,
    onSuperseded(counts) {
      for (const [name, count] of counts) superseded.set(name, (superseded.get(name) ?? 0) + count)
    }
  })
  const receiver = createModelReceiver(rig, destinations[0]!.name)
  const write = createWriter(rig)
  const settled = async (): Promise<void> => {
    await receiver.drain()
    const names = destinations.map(({ name }) => name)
    const violations = await rig.database.stores.ops.findViolations(LONG_AGO, names)
    t.same(
      violations.filter(({ ids }) => ids.length > 0),
      [],
      'what must always be true is'
    )
    t.same(await rig.database.stores.deliveries.findHeadlessLanes(10), [])
    t.same(receiver.improper, [])
  }
  return { rig, receiver, superseded, settled, ...write }
}

/** Writes one record version by version. */
function createWriter(rig: IngestRig) {
  const value = uuidv7()
  const lot = (version: number) => fluByPharmacy({ value, lotNumber: `LOT${version}` })
  return {
    post: async (version = 1) => (await rig.post(lot(version))).record!.recordId,
    put: (recordId: string, version: number) => rig.put(recordId, version - 1, lot(version)),
    lot
  }
}

const lane = async (rig: IngestRig, destination = 'latest') =>
  (
    await rig.rows<{ version: number; operation: string; state: string; by: number | null }>(
      `select version, operation, state,
              (select later.version from delivery later where later.delivery_id = delivery.superseded_by) as by
         from delivery where destination = $1 order by record_id, lane_seq`,
      [destination]
    )
  ).map(({ version, operation, state, by }) => `${operation} ${version} ${state}${by === null ? '' : ` by ${by}`}`)

async function sentencesOf(rig: IngestRig, recordId: string): Promise<string[]> {
  const story = await rig.database.stores.ops.findRecordStory(recordId)
  const { versions } = explainRecord(story!, new Date())
  return versions.toReversed().map(({ deliveries }) => deliveries[0]!.sentence)
}

t.test('of five versions that came while nothing was sent, one goes', async (t) => {
  const { rig, receiver, superseded, settled, post, put } = await setUp(t, [LATEST, EVERY])
  const recordId = await post()
  for (const version of [2, 3, 4, 5]) await put(recordId, version)

  t.same(await lane(rig), [
    'create 1 superseded by 2',
    'create 2 superseded by 3',
    'create 3 superseded by 4',
    'create 4 superseded by 5',
    'create 5 ready'
  ])
  t.equal((await lane(rig, 'every')).filter((line) => line.includes('superseded')).length, 0)
  t.same([...superseded], [['latest', 4]])
  t.match(
    (await sentencesOf(rig, recordId)).find((sentence) => sentence.startsWith('Version 2')),
    /^Version 2 for every waits/
  )
  await createModelReceiver(rig, 'every').drain()
  await settled()
  t.same(receiver.log, [`create 5 ${recordId}`])
})

t.test('explain says which version took the place of one that was never sent', async (t) => {
  const { rig, settled, post, put } = await setUp(t)
  const recordId = await post()
  await settled()
  await put(recordId, 2)
  await put(recordId, 3)
  await settled()

  const [, second, third] = await sentencesOf(rig, recordId)
  t.match(
    second,
    /^Version 2 for latest was never sent: version 3 took its place at .*, since latest is sent the latest/
  )
  t.match(third, /^Version 3 reached latest/)
})

t.test('a record that was deleted before anything was sent is never heard of, until it comes back', async (t) => {
  const { rig, receiver, settled, post, put, lot } = await setUp(t)
  const recordId = await post()
  await put(recordId, 2)
  await rig.remove(recordId)

  t.same(await lane(rig), ['create 1 superseded by 2', 'create 2 superseded by 3', 'delete 3 superseded'])
  await settled()
  t.same(receiver.log, [])
  const [, second, third] = await sentencesOf(rig, recordId)
  t.match(second, /was never sent: version 3 took its place at .*, and took back what had not been sent/)
  t.match(third, /^Version 3 for latest was not sent: .* there was nothing to take back there/)

  await rig.post(lot(4))
  await settled()
  t.same(receiver.log, [`create 4 ${recordId}`])
  await rig.remove(recordId)
  await rig.post(lot(6))
  t.same((await lane(rig)).slice(-2), ['delete 5 superseded by 6', 'update 6 ready'])
  await settled()
  t.same([...receiver.holds], [[recordId, 6]])
})

t.test('what was attempted, or is held, is seen through', async (t) => {
  const { rig, receiver, settled, post, put } = await setUp(t)
  const recordId = await post()
  await receiver.finish(await receiver.claim(), 'held')
  for (const version of [2, 3]) await put(recordId, version)
  t.same(await lane(rig), ['create 1 held', 'update 2 superseded by 3', 'update 3 blocked'])

  await rig.rows(`update delivery set state = 'ready', series = 2 where state = 'held'`)
  await receiver.finish(await receiver.claim(), 'retry')
  await put(recordId, 4)
  t.same(await lane(rig), [
    'create 1 ready',
    'update 2 superseded by 3',
    'update 3 superseded by 4',
    'update 4 blocked'
  ])
  await settled()
  t.same(receiver.log, [`create 1 ${recordId}`, `update 4 ${recordId}`])
})

t.test('what its receiver refused later, and a person sends once more, is not given up', async (t) => {
  const { rig, receiver, settled, post, put } = await setUp(t)
  const recordId = await post()
  await receiver.drain()
  const [{ delivery_id: deliveryId } = { delivery_id: '' }] = await rig.rows<{ delivery_id: string }>(
    'select delivery_id from delivery'
  )
  await rig.database.stores.acknowledgements.record({
    destination: 'latest',
    about: { deliveryId },
    level: 'business',
    isPositive: false,
    code: '30002',
    text: 'patient not known'
  })
  await rig.database.transaction((stores) => stores.acknowledgements.settleRejected(deliveryId, uuidv7()))
  await rig.rows(`update delivery set state = 'ready', series = 2 where state = 'held'`)

  await put(recordId, 2)

  t.same(await lane(rig), ['create 1 delivered', 'create 1 ready', 'update 2 blocked'])
  await receiver.drain()
  receiver.improper.splice(0)
  await settled()
})

t.test('a resend that waits gives way to a later version, and its replay says so', async (t) => {
  const { rig, receiver, settled, post, put } = await setUp(t)
  const recordId = await post()
  await receiver.drain()
  const deliveryId = uuidv7()
  const [replayId, again] = [uuidv7(), { deliveryId, recordId, destination: 'latest', version: 1, isAgain: true }]
  const [{ patient_key: patientKey } = { patient_key: '' }] = await rig.rows<{ patient_key: string }>(
    'select patient_key from record'
  )
  await rig.database.stores.destinations.ensure(['latest'])
  await rig.rows(
    `insert into replay (replay_id, destination, created_at, actor, reason, filter, state, planned, mode)
     values ($1, 'latest', now(), 'ops-1', 'lost there', '{}', 'running', 1, 'resend-latest')`,
    [replayId]
  )
  await rig.rows(
    `insert into replay_item (replay_id, delivery_id, record_id, result) values ($1, $2, $3, 'requeued')`,
    [replayId, deliveryId, recordId]
  )
  await rig.database.stores.outbox.insert([{ ...again, patientKey, operation: 'update' }])
  await rig.database.stores.replays.markMade([deliveryId], 'resend', { inMs: 60_000, gapMs: 0 })

  await put(recordId, 2)
  await rig.database.stores.replays.settle(10)

  t.same(await lane(rig), ['create 1 delivered', 'update 1 superseded by 2', 'update 2 ready'])
  t.match(await rig.database.stores.replays.listItems(replayId, { limit: 10 }), [
    { result: 'skipped', reason: 'It was superseded afterwards' }
  ])
  await settled()
  t.same(receiver.log, [`create 1 ${recordId}`, `update 2 ${recordId}`])
})

t.test('versions of one record that come in one group are told of each', async (t) => {
  const { rig, receiver, settled, post, lot } = await setUp(t)
  const recordId = await post()
  await receiver.drain()
  const common = { kind: 'update' as const, recordId, caller: clientOf('pharmacy'), receivedAt: new Date() }
  const verdicts = await rig.ingest.accept(
    [2, 3, 4].map((version) => ({
      ...common,
      requestId: uuidv7(),
      ifMatch: [version - 1],
      payload: payloadOf(lot(version))
    }))
  )
  t.same(
    verdicts.map(({ status }) => status),
    [200, 200, 200]
  )
  t.same(await lane(rig), [
    'create 1 delivered',
    'update 2 superseded by 3',
    'update 3 superseded by 4',
    'update 4 ready'
  ])
  await settled()
  t.same(receiver.log, [`create 1 ${recordId}`, `update 4 ${recordId}`])
})

t.test('a record that moves to another patient is taken from the first, whatever waits', async (t) => {
  const [WRONG, RIGHT] = [syntheticNhsNumber(33), syntheticNhsNumber(34)]
  const trusted = { ...clientOf('pharmacy'), patientCorrections: true }
  const { rig, receiver, settled } = await setUp(t)
  const flu = (nhsNumber: string, lotNumber: string) => fluByPharmacy({ value: 'moving', nhsNumber, lotNumber })
  const recordId = (await rig.post(flu(WRONG, 'LOT1'))).record!.recordId
  await settled()

  await rig.put(recordId, 1, flu(RIGHT, 'LOT1'), trusted, 'registered under a namesake')
  await rig.put(recordId, 3, flu(RIGHT, 'LOT4'))
  t.same(await lane(rig), [
    'create 1 delivered',
    'delete 2 ready',
    'reinstate 3 superseded by 4',
    'reinstate 4 blocked'
  ])
  await settled()
  t.same([...receiver.holds], [[recordId, 4]])

  await rig.put(recordId, 4, flu(WRONG, 'LOT4'), trusted, 'it was right before')
  await rig.put(recordId, 6, flu(RIGHT, 'LOT4'), trusted, 'it was not')
  await settled()
  t.same([...receiver.holds], [[recordId, 8]])
  t.same((await lane(rig)).slice(-1), ['update 8 delivered'], 'there and back again is an update')
})

t.test('totals that other records brought already are told again', async (t) => {
  const { rig, receiver, post } = await setUp(t, [
    { name: 'latest', sends: 'all', versions: 'latest', followsPatient: true, wants: () => true }
  ])
  const recordId = await post()
  await rig.remove(recordId)
  t.same(await lane(rig), ['create 1 ready', 'delete 2 blocked'])
  await receiver.drain()
  t.same(receiver.log, [`create 1 ${recordId}`, `delete 2 ${recordId}`])
})

const copy = (changes: object = {}) =>
  fluByPharmacy({ value: 'copy', system: 'https://gp.example/imms', primarySource: false, ...changes })
const original = (text = 'first') => fluByPharmacy({ value: 'original', note: [{ text }] })

for (const replaces of [false, true]) {
  const told = replaces ? ', by its message' : ''
  t.test(`whoever waits for a record waits for its latest version${told}`, async (t) => {
    const { rig, receiver, settled } = await setUp(t, [{ ...LATEST, replaces }])
    const first = (await rig.post(copy(), GP)).record!.recordId
    await receiver.drain()
    const better = (await rig.post(original())).record!.recordId
    await rig.put(better, 1, original('second'))

    await receiver.drain(1)
    t.same(
      [...receiver.holds],
      replaces
        ? [[better, 2]]
        : [
            [first, 1],
            [better, 2]
          ],
      'never without'
    )
    await settled()
    t.same([...receiver.holds], [[better, 2]])
  })

  t.test(`the better one goes before anybody heard of it${told}: the earlier one stays`, async (t) => {
    const { rig, receiver, settled } = await setUp(t, [{ ...LATEST, replaces }])
    const first = (await rig.post(copy(), GP)).record!.recordId
    await receiver.drain()
    const better = (await rig.post(original())).record!.recordId
    await rig.put(better, 1, original('second'))
    await rig.remove(better)

    await settled()
    t.same(receiver.log, [`create 1 ${first}`])
  })
}

t.test('a correction that waits is sent although another record takes over: that one may be refused', async (t) => {
  const { rig, receiver, settled } = await setUp(t)
  const first = (await rig.post(copy(), GP)).record!.recordId
  await receiver.drain()
  await rig.put(first, 1, copy({ note: [{ text: 'typed again' }] }), GP)
  await rig.post(original())

  t.match((await lane(rig)).join(), /update 2 ready,delete 2 blocked/)
  await settled()
  t.equal(receiver.holds.size, 1)
  t.notOk(receiver.holds.has(first))
})

t.test('a worker that claims in the very moment of the next version keeps what it has', async (t) => {
  const { rig, receiver, settled, post, put } = await setUp(t)
  const recordId = await post()
  let claimed!: Awaited<ReturnType<typeof receiver.claim>>
  let second!: ReturnType<typeof put>
  await rig.database.transaction(async (stores) => {
    const [due] = await rig.rows<{ delivery_id: string }>('select delivery_id from delivery')
    const request = { destination: 'latest', deliveryIds: [due!.delivery_id], worker: 'w', leaseMs: 60_000 }
    claimed = await stores.deliveries.claim({ ...request, inTurn: { probe: false } })
    // Sees it ready, wants it back, and waits for us.
    second = put(recordId, 2)
    await waitForLock(rig)
  })
  await second
  t.same(await lane(rig), ['create 1 in_flight', 'update 2 blocked'])
  await put(recordId, 3)
  await receiver.finish(claimed)
  await settled()
  t.same(receiver.log, [`create 1 ${recordId}`, `update 3 ${recordId}`])
})

async function waitForLock(rig: IngestRig): Promise<void> {
  for (;;) {
    const [{ count } = { count: 0 }] = await rig.rows<{ count: number }>(
      `select count(*)::integer as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%superseded%'`
    )
    if (count > 0) return
  }
}

t.test('two processes accept and a worker sends, all at once: nothing is lost, nothing comes late', async (t) => {
  const { rig, receiver, settled, post, put, lot } = await setUp(t)
  const other = await openIngest(t, rig.pool, rig.database, { destinations: [LATEST] })
  const recordId = await post()
  const stop = new AbortController()
  const worker = (async () => {
    while (!stop.signal.aborted) await receiver.drain()
  })()
  let version = 1
  for (let round = 0; round < 15; round++) {
    const writes = [put(recordId, version + 1), other.put(recordId, version, lot(version + 1))]
    const statuses = (await Promise.all(writes)).map(({ status }) => status)
    if (statuses.includes(200)) version++
  }
  stop.abort()
  await worker
  await settled()
  t.same([...receiver.holds], [[recordId, version]])
  const versions = receiver.log.map((line) => Number(line.split(' ')[1]))
  t.same(
    versions,
    versions.toSorted((a, b) => a - b)
  )
  t.comment(`${version} versions, ${versions.length} sent`)
})

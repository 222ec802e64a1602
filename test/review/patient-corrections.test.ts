// A record that was filed under the wrong patient, and a patient that gets a number.
import t from 'tap'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import { clientOf, createIngestRig, fluByPharmacy, openIngest, rulesOf, type IngestRig } from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'
import { createSearch, groupsOf } from './known-patients.js'

const [WRONG, RIGHT] = [syntheticNhsNumber(21), syntheticNhsNumber(22)]
const REASON = 'registered under a namesake'
const TRUSTED = { ...clientOf('pharmacy'), patientCorrections: true }
const TELL_TOTALS: Wanting[] = [
  { name: 'survivors', sends: 'survivors', wants: () => true },
  { name: 'totals', sends: 'all', followsPatient: true, wants: () => true }
]

const lanes = (rig: IngestRig, destination: string) =>
  rig.rows(
    `select delivery.version, operation, nhs_number from delivery join patient using (patient_key)
      where destination = $1 order by record_id, lane_seq`,
    [destination]
  )

async function keyOf(rig: IngestRig, nhsNumber: string): Promise<string> {
  const [row] = await rig.rows<{ patient_key: string }>('select patient_key from patient where nhs_number = $1', [
    nhsNumber
  ])
  return row!.patient_key
}

t.test('another number is refused, and the answer says how to ask for it', async (t) => {
  const rig = await createIngestRig(t)
  const id = (await rig.post(fluByPharmacy({ value: 'A', nhsNumber: WRONG }))).record!.recordId
  const moved = fluByPharmacy({ value: 'A', nhsNumber: RIGHT })

  const unasked = await rig.put(id, 1, moved, TRUSTED)
  const notPermitted = await rig.put(id, 1, moved, clientOf('pharmacy'), REASON)
  const stale = await rig.put(id, 7, moved, TRUSTED, REASON)
  const posted = await rig.post(moved, TRUSTED)
  const otherDisease = await rig.put(
    id,
    1,
    {
      ...moved,
      protocolApplied: [{ targetDisease: [{ coding: [{ system: 'http://snomed.info/sct', code: '840539006' }] }] }]
    },
    TRUSTED,
    REASON
  )

  t.same([unasked.status, rulesOf(unasked)[0]], [409, 'identity-change'])
  t.match(unasked.issues[0]?.text, /X-Patient-Correction/)
  t.notMatch(JSON.stringify(unasked.issues), RIGHT)
  t.same([notPermitted.status, rulesOf(notPermitted)[0]], [403, 'patient-correction-not-permitted'])
  t.equal(stale.status, 412)
  t.equal(posted.status, 409)
  t.equal(otherDisease.status >= 400, true, 'a correction of the patient corrects nothing else')
  t.same(await rig.rows('select version from record_version'), [{ version: 1 }])
})

t.test('asked for, the record is deleted where it was and reinstated under its patient', async (t) => {
  const rig = await createIngestRig(t, { destinations: TELL_TOTALS })
  const search = createSearch(rig)
  const other = fluByPharmacy({ value: 'B', nhsNumber: WRONG, system: 'https://other.example/id' })
  const id = (await rig.post(fluByPharmacy({ value: 'A', nhsNumber: WRONG }))).record!.recordId
  const twin = (await rig.post(other, clientOf('other'))).record!.recordId
  const wrongBefore = await rig.database.stores.events.readTotals(await keyOf(rig, WRONG), ['FLU'])
  t.equal((await groupsOf(rig)).length, 1, 'one event of the wrong patient')

  const moved = await rig.put(id, 1, fluByPharmacy({ value: 'A', nhsNumber: RIGHT }), TRUSTED, REASON)

  t.same([moved.status, moved.record?.version, rulesOf(moved)[0]], [200, 3, 'patient-corrected'])
  t.same((await search(WRONG)).ids, [twin])
  t.same((await search(RIGHT)).ids, [id])
  t.same(
    (await groupsOf(rig)).map(({ nhsNumber, survivor }) => [nhsNumber, survivor]).sort(),
    [
      [WRONG, twin],
      [RIGHT, id]
    ].sort()
  )
  t.same(await rig.rows('select version, operation from record_version where record_id = $1 order by version', [id]), [
    { version: 1, operation: 'create' },
    { version: 2, operation: 'delete' },
    { version: 3, operation: 'reinstate' }
  ])
  t.same(await lanes(rig, 'survivors'), [
    { version: 1, operation: 'create', nhs_number: WRONG },
    { version: 2, operation: 'delete', nhs_number: WRONG },
    { version: 3, operation: 'reinstate', nhs_number: RIGHT },
    { version: 1, operation: 'create', nhs_number: WRONG }
  ])
  const wrongAfter = await rig.database.stores.events.readTotals(await keyOf(rig, WRONG), ['FLU'])
  t.equal(wrongAfter.eventDays.length, 1)
  t.ok(wrongAfter.sourceVersion > wrongBefore.sourceVersion)
  t.match(await rig.database.stores.events.readTotals(await keyOf(rig, RIGHT), ['FLU']), { eventDays: [String] })
  const audited = await rig.rows<{ action: string; patient_key: string; detail: string }>(
    'select action, patient_key, detail from audit_entry where record_id = $1 and version > 1 order by version',
    [id]
  )
  t.same(
    audited.map(({ action, patient_key }) => [action, patient_key]),
    [
      ['immunization.delete', await keyOf(rig, WRONG)],
      ['immunization.reinstate', await keyOf(rig, RIGHT)]
    ]
  )
  for (const { detail } of audited) t.match(JSON.parse(detail), { reason: REASON })
})

t.test('moved there and back, everything is as it was', async (t) => {
  const rig = await createIngestRig(t)
  const search = createSearch(rig)
  const sent = fluByPharmacy({ value: 'A', nhsNumber: WRONG })
  const id = (await rig.post(sent)).record!.recordId
  const twin = await rig.post(
    fluByPharmacy({ value: 'B', nhsNumber: WRONG, system: 'https://other.example/id' }),
    clientOf('other')
  )
  const before = (await groupsOf(rig)).map(({ members, survivor }) => ({ members, survivor }))

  await rig.put(id, 1, fluByPharmacy({ value: 'A', nhsNumber: RIGHT }), TRUSTED, REASON)
  const back = await rig.put(id, 3, sent, TRUSTED, 'it was the first one after all')

  t.equal(back.record?.version, 5)
  t.same((await search(WRONG)).ids, [id, twin.record!.recordId].sort())
  t.same(
    (await groupsOf(rig)).map(({ members, survivor }) => ({ members, survivor })),
    before
  )
})

t.test('a deleted record may be reinstated under another patient, once it is asked for', async (t) => {
  const rig = await createIngestRig(t)
  const id = (await rig.post(fluByPharmacy({ value: 'A', nhsNumber: WRONG }))).record!.recordId
  await rig.remove(id)

  const moved = await rig.put(id, 2, fluByPharmacy({ value: 'A', nhsNumber: RIGHT }), TRUSTED, REASON)

  t.same([moved.status, moved.record?.version], [200, 3], 'it is not deleted twice')
  t.same((await createSearch(rig)(RIGHT)).ids, [id])
})

t.test('a patient without a number is given one by an ordinary update, and never loses it by one', async (t) => {
  const rig = await createIngestRig(t)
  const search = createSearch(rig)
  const known = fluByPharmacy({ value: 'A', nhsNumber: RIGHT })
  const nameless = structuredClone(known)
  for (const contained of nameless.contained ?? []) if ('identifier' in contained) delete contained.identifier
  const first = await rig.post(nameless)
  t.equal(first.status, 201, JSON.stringify(first.issues))
  const id = first.record!.recordId

  const given = await rig.put(id, 1, known)
  const lost = await rig.put(id, 2, nameless)

  t.same([given.status, given.record?.version, rulesOf(given)[0]], [200, 2, 'patient-identified'])
  t.same((await search(RIGHT)).ids, [id])
  t.same(await rig.rows(`select operation from delivery where destination = 'everything' order by lane_seq`), [
    { operation: 'create' },
    { operation: 'update' }
  ])
  t.equal((await groupsOf(rig)).length, 1)
  t.same([lost.status, rulesOf(lost)[0]], [409, 'identity-change'])

  const taken = await rig.put(id, 2, nameless, TRUSTED, 'the number was of somebody else')
  t.equal(taken.status, 200)
  t.same((await search(RIGHT)).ids, [])
})

t.test('corrections that cross, in two processes, lose nothing', async (t) => {
  const rig = await createIngestRig(t)
  const second = await openIngest(t, rig.pool, rig.database)
  const search = createSearch(rig)
  const values = Array.from({ length: 12 }, (_, index) => `C-${index}`)
  const ids = await Promise.all(
    values.map(async (value, index) => {
      const nhsNumber = index % 2 === 0 ? WRONG : RIGHT
      return (await rig.post(fluByPharmacy({ value, nhsNumber }))).record!.recordId
    })
  )

  const both = await Promise.all(
    ids.flatMap((id, index) => {
      const swapped = fluByPharmacy({ value: values[index]!, nhsNumber: index % 2 === 0 ? RIGHT : WRONG })
      return [rig, second].map((process) => process.put(id, 1, swapped, TRUSTED, REASON))
    })
  )

  const statuses = both.map(({ status }) => status).sort()
  t.same(statuses, [...ids.map(() => 200), ...ids.map(() => 412)], 'of each pair one wins, the other is told to look')
  t.same((await search(RIGHT)).ids, ids.filter((_, index) => index % 2 === 0).sort())
  t.same((await search(WRONG)).ids, ids.filter((_, index) => index % 2 === 1).sort())
})

// Accepting reads what lies near: what it writes must be what grouping the whole patient gives, on a real database.
import fc from 'fast-check'
import t from 'tap'
import { regroupKnown } from '../../src/ingest/regroup-patient.js'
import { clientOf, createIngestRig, rules, rulesOf, type IngestRig } from '../support/ingest-rig.js'
import { SYNTHETIC_SUPPLIERS, syntheticImmunization, syntheticPatient } from '../support/synthetic.js'

const NOW = new Date('2027-02-01T12:00:00Z')
const SYSTEMS = SYNTHETIC_SUPPLIERS.map(({ system }) => system)

const aWrite = fc.record({
  kind: fc.constantFrom('post', 'post', 'post', 'post', 'put', 'delete', 'reinstate'),
  which: fc.nat(20),
  type: fc.constantFrom<'FLU' | 'COVID'>('FLU', 'FLU', 'FLU', 'FLU', 'COVID'),
  on: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('2026-10-06T09:00:00+01:00', '2026-10-07T09:00:00+01:00') },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '2026-10-06T10:00:00+01:00',
        '2026-10-08T09:00:00+01:00',
        '2026-11-02T09:00:00+00:00',
        '2026-11-03T09:00:00+00:00',
        '2027-01-04T09:00:00+00:00',
        '2026-10',
        '2026'
      )
    }
  ),
  supplier: fc.nat(2),
  isPrimary: fc.constantFrom(true, false, false),
  lot: fc.constantFrom('L1234', 'L1234', 'L1234', 'L9876')
})

type Write = typeof aWrite extends fc.Arbitrary<infer Value> ? Value : never

t.test('whatever is sent, groups, survivors and questions are those of the whole patient', async (t) => {
  const rig = await createIngestRig(t, { now: () => NOW })
  let patient = 0
  let grouped = 0
  await fc.assert(
    fc.asyncProperty(fc.array(aWrite, { minLength: 6, maxLength: 14 }), fc.boolean(), async (writes, isTogether) => {
      const ids = await send(rig, writes, (patient += 1), isTogether)
      if (ids.length === 0) return
      const { written, expected, groups } = await compareWithWhole(rig, ids)
      t.same(written, expected)
      grouped += ids.length - groups
      if (JSON.stringify(written) !== JSON.stringify(expected)) throw new Error('another outcome than for all records')
    }),
    { numRuns: 25, endOnFailure: true }
  )
  t.ok(grouped > 10, `${grouped} records joined an event of another`)
})

/** Ids of the records that were accepted; several at once where they are sent together. */
async function send(rig: IngestRig, writes: readonly Write[], patient: number, isTogether: boolean): Promise<string[]> {
  const versions = new Map<string, number>()
  const ids: string[] = []
  const one = async (write: Write, index: number): Promise<void> => {
    const recordId = ids[write.which % Math.max(1, ids.length)] ?? ''
    const resource = resourceOf(write, patient, index)
    const caller = clientOf('one')
    if (write.kind === 'delete' && recordId !== '') await rig.remove(recordId, caller)
    else if (write.kind === 'put' && versions.has(recordId)) {
      const identifier = identifiers.get(recordId)
      await rig.put(recordId, versions.get(recordId)!, { ...resource, id: recordId, identifier }, caller)
    } else {
      const identifier = write.kind === 'reinstate' ? identifiers.get(recordId) : undefined
      const sent = identifier === undefined ? resource : { ...resource, identifier }
      const { status, record } = await rig.post(sent, caller)
      if (status !== 201 || record === undefined) return
      if (!versions.has(record.recordId)) ids.push(record.recordId)
      identifiers.set(record.recordId, sent.identifier)
      versions.set(record.recordId, record.version)
    }
  }
  const identifiers = new Map<string, ReturnType<typeof resourceOf>['identifier'] & object>()
  if (isTogether) await Promise.all(writes.filter(({ kind }) => kind === 'post').map(one))
  for (const [index, write] of writes.entries()) {
    if (isTogether && write.kind === 'post') continue
    await one(write, index)
    for (const { id, version } of await rig.rows<{ id: string; version: number }>(
      'select record_id as id, current_version as version from record where record_id = any ($1)',
      [ids]
    ))
      versions.set(id, version)
  }
  return ids
}

function resourceOf({ type, on, supplier, isPrimary, lot }: Write, patient: number, index: number) {
  const resource = syntheticImmunization({
    n: patient,
    vaccineType: type,
    patient: syntheticPatient(patient),
    supplier: SYNTHETIC_SUPPLIERS[0]!
  })
  return {
    ...resource,
    identifier: [{ system: SYSTEMS[supplier]!, value: `${patient}-${index}` }],
    occurrenceDateTime: on,
    primarySource: isPrimary,
    lotNumber: lot
  }
}

async function compareWithWhole(rig: IngestRig, ids: readonly string[]) {
  const [{ key } = { key: '' }] = await rig.rows<{ key: string }>(
    'select patient_key as key from record where record_id = $1',
    [ids[0]]
  )
  const { stores } = rig.database
  const known = await stores.events.findEvents([key])
  const { events, grouping } = regroupKnown(
    { patientKey: key, known, decisions: [] },
    { rules, newId: () => 'new', now: () => NOW }
  )
  const groupsOf = (all: typeof known) =>
    all.map(({ recordId, groupId, isSurvivor }) => `${recordId} ${groupId} ${isSurvivor}`).sort()
  const pairs = await rig.rows<{ pair: string }>(
    `select concat_ws(' ', record_a, record_b, outcome, rule) as pair from pair_decision where patient_key = $1`,
    [key]
  )
  return {
    written: { groups: groupsOf(known), pairs: pairs.map(({ pair }) => pair).sort() },
    expected: {
      groups: groupsOf(events),
      pairs: grouping.pairs
        .map(({ recordA, recordB, verdict }) => [recordA, recordB, verdict.outcome, verdict.rule].join(' '))
        .sort()
    },
    groups: grouping.groups.length
  }
}

t.test('intervals are counted from the nearest events, however many lie between and beyond', async (t) => {
  const rig = await createIngestRig(t, { now: () => NOW })
  const patient = syntheticPatient(900)
  const flu = (on: string, value: string) => ({
    ...syntheticImmunization({ n: 900, vaccineType: 'FLU', patient }),
    identifier: [{ system: SYSTEMS[0]!, value }],
    occurrenceDateTime: `${on}T09:00:00+00:00`,
    lotNumber: `L${value}`
  })
  const days = ['2025-01-10', '2025-11-15', '2026-11-20', '2027-01-20']
  for (const [index, day] of days.entries()) t.equal((await rig.post(flu(day, `X${index}00`))).status, 201, day)
  const [{ key } = { key: '' }] = await rig.rows<{ key: string }>('select patient_key as key from record limit 1')
  const beside = async (day: string, without: string[] = []) =>
    (await rig.database.stores.near.findBeside([{ patientKey: key, day, isTest: false }], without))
      .map((event) => event.day)
      .sort()

  t.same(await beside('2026-01-01'), ['2025-11-15', '2026-11-20'])
  t.same(await beside('2025-11-15'), ['2025-01-10', '2025-11-15', '2026-11-20'], 'the day itself is one of its own')
  t.same(await beside('2020-01-01'), ['2025-01-10'])
  const [{ id } = { id: '' }] = await rig.rows<{ id: string }>(
    `select record_id as id from record where occurrence_day = '2025-11-15'`
  )
  t.same(await beside('2026-01-01', [id]), ['2025-01-10', '2026-11-20'], 'without one that is known already')
  t.ok(rulesOf(await rig.post(flu('2027-01-30', 'X900'))).includes('already-vaccinated-this-season'))
})

// NHS numbers that PDS has replaced: one history while merged, and exactly what was before once that is undone.
import fc from 'fast-check'
import t from 'tap'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import type { MergeEffect } from '../../src/review/merge-patients.js'
import type { RefusedMerge } from '../../src/review/patient-merges.js'
import { clientOf, createIngestRig, openIngest, rulesOf, type IngestRig } from '../support/ingest-rig.js'
import {
  syntheticImmunization,
  syntheticNhsNumber,
  syntheticPatient,
  SYNTHETIC_SUPPLIERS
} from '../support/synthetic.js'
import { createSearch, groupsOf } from './known-patients.js'

const [OLD, NEW, THIRD] = [syntheticNhsNumber(11), syntheticNhsNumber(12), syntheticNhsNumber(13)]
const ASKED = { actor: 'night-desk', reason: 'PDS replaced the number' }

/** A flu vaccination; the same `n` by another supplier is the same event. */
function flu(n: number, nhsNumber: string, supplier = 0) {
  const patient = { ...syntheticPatient(1), nhsNumber }
  const made = syntheticImmunization({ n, vaccineType: 'FLU', patient, supplier: SYNTHETIC_SUPPLIERS[supplier]! })
  return { ...made, identifier: [{ ...made.identifier![0]!, value: `${n}-${nhsNumber}` }] }
}

async function post(rig: IngestRig, resource: object, client = 'pharmacy'): Promise<string> {
  const verdict = await rig.post(resource, clientOf(client))
  if (verdict.status !== 201) throw new Error(`refused: ${rulesOf(verdict).join(', ')}`)
  return verdict.record!.recordId
}

function effectOf(answer: MergeEffect | RefusedMerge): MergeEffect {
  if ('kind' in answer) throw new Error(`refused: ${answer.why}`)
  return answer
}

async function merge(rig: IngestRig, superseded = OLD, successor = NEW): Promise<string> {
  const { records } = effectOf(await rig.merges.planMerge({ superseded, successor }))
  const done = await rig.merges.merge({ superseded, successor, ...ASKED, confirmCount: records })
  if ('kind' in done) throw new Error(`refused: ${done.why}`)
  return done.mergeId
}

async function undo(rig: IngestRig, mergeId: string): Promise<MergeEffect> {
  const { records } = effectOf(await rig.merges.planUndo(mergeId))
  return effectOf(await rig.merges.undo({ mergeId, ...ASKED, confirmCount: records }))
}

t.test('after a merge both numbers find the whole history, and the same jab counts once', async (t) => {
  const rig = await createIngestRig(t)
  const search = createSearch(rig)
  const one = await post(rig, flu(1, OLD))
  const same = await post(rig, flu(1, NEW, 1), 'school')
  const other = await post(rig, flu(40, NEW, 1), 'school')
  const before = await groupsOf(rig)

  const planned = effectOf(await rig.merges.planMerge({ superseded: OLD, successor: NEW }))
  t.same(await groupsOf(rig), before, 'a plan changes nothing')
  const mergeId = await merge(rig)

  t.match(planned, { records: 1, groupsBefore: 3, groupsAfter: 2, newSurvivors: 0 })
  t.same((await search(OLD)).ids, [one, same, other].sort())
  t.same((await search(NEW)).ids, [one, same, other].sort())
  t.same((await search(OLD, { all: false })).ids, (await search(NEW, { all: false })).ids)
  t.equal((await search(NEW, { all: false })).ids.length, 2)
  t.match(await rig.merges.show(OLD), { records: 3, groups: 2, merges: [{ mergeId, undoneAt: null }] })
  const [audit] = await rig.rows<{ actor: string; detail: string }>(
    `select actor, detail from audit_entry where action = 'patient.merge'`
  )
  t.match(JSON.parse(audit!.detail), { mergeId, reason: ASKED.reason, records: 1 })
  t.notMatch(audit!.detail, OLD)

  await undo(rig, mergeId)

  t.same(await groupsOf(rig), before)
  t.same((await search(OLD)).ids, [one])
  t.same((await search(NEW)).ids, [same, other].sort())
  t.same(await rig.database.stores.audit.findBrokenChains(), [])
})

t.test(
  'what is sent after a merge joins the one history, and after it is undone stays with its own number',
  async (t) => {
    const rig = await createIngestRig(t)
    const search = createSearch(rig)
    const early = await post(rig, flu(1, OLD))
    const mergeId = await merge(rig)

    const underOld = await post(rig, flu(1, OLD, 1), 'school')
    const underNew = await post(rig, flu(1, NEW, 3), 'maternity')

    t.equal((await groupsOf(rig)).length, 1, 'one event, three records')
    t.same((await search(NEW)).ids, [early, underOld, underNew].sort())
    await undo(rig, mergeId)
    t.same((await search(OLD)).ids, [early, underOld].sort())
    t.same((await search(NEW)).ids, [underNew])
    t.same(
      (await groupsOf(rig)).map(({ nhsNumber, members }) => [nhsNumber, members.length]).sort(),
      [
        [OLD, 2],
        [NEW, 1]
      ].sort()
    )
  }
)

t.test('a supplier may send a record of a merged patient under either number', async (t) => {
  const rig = await createIngestRig(t)
  const search = createSearch(rig)
  const recordId = await post(rig, flu(1, OLD))
  const mergeId = await merge(rig)

  const renumbered = { ...flu(1, NEW), identifier: flu(1, OLD).identifier, id: recordId }
  const corrected = await rig.put(recordId, 1, renumbered)

  t.equal(corrected.status, 200)
  t.same(
    rulesOf(corrected).filter((rule) => rule.startsWith('patient')),
    []
  )
  t.equal((await groupsOf(rig)).length, 1)
  await undo(rig, mergeId)
  t.same((await search(NEW)).ids, [recordId], 'it was last sent under the new number')
})

t.test('a page of a search stays with the number that was asked for', async (t) => {
  const rig = await createIngestRig(t)
  const search = createSearch(rig)
  const old = [await post(rig, flu(1, OLD)), await post(rig, flu(60, OLD))]
  const others = [await post(rig, flu(30, NEW)), await post(rig, flu(90, NEW))]

  const first = await search(OLD, { count: 1 })
  const mergeId = await merge(rig)
  const merged = await search(OLD, { count: 1 })
  await undo(rig, mergeId)
  const rest = await search(OLD, { cursor: merged.next! })

  t.ok(first.next)
  t.ok(
    rest.ids.every((id) => old.includes(id)),
    'never a page of another person'
  )
  t.notOk(rest.ids.some((id) => others.includes(id)))
})

t.test('chains are followed, and undone from any end', async (t) => {
  const rig = await createIngestRig(t)
  const search = createSearch(rig)
  const ids = [
    await post(rig, flu(1, OLD)),
    await post(rig, flu(1, NEW, 1), 'school'),
    await post(rig, flu(1, THIRD, 3), 'm')
  ]
  const before = await groupsOf(rig)
  const first = await merge(rig, OLD, NEW)
  const second = await merge(rig, NEW, THIRD)

  for (const number of [OLD, NEW, THIRD]) t.same((await search(number)).ids, [...ids].sort(), 'the whole chain')
  t.equal((await groupsOf(rig)).length, 1)

  await undo(rig, first)
  t.same((await search(OLD)).ids, [ids[0]])
  t.same((await search(NEW)).ids, [ids[1], ids[2]].sort())
  await undo(rig, second)
  for (const [index, number] of [OLD, NEW, THIRD].entries()) t.same((await search(number)).ids, [ids[index]])
  t.same(
    (await groupsOf(rig)).map(({ nhsNumber, members }) => [nhsNumber, members]).sort(),
    before.map(({ nhsNumber, members }) => [nhsNumber, members]).sort()
  )
})

t.test('merges that cannot be meant are refused, and change nothing', async (t) => {
  const rig = await createIngestRig(t)
  await post(rig, flu(1, OLD))
  const mergeId = await merge(rig, OLD, NEW)
  await merge(rig, NEW, THIRD)
  const state = await rig.rows('select patient_key, merged_into from patient order by patient_key')
  const attempt = (superseded: string, successor: string, confirmCount = 0) =>
    rig.merges.merge({ superseded, successor, ...ASKED, confirmCount })

  t.match(await attempt(OLD, OLD), { kind: 'refused', why: 'merge-into-itself' })
  t.match(await attempt(OLD, THIRD), { kind: 'refused', why: 'already-merged' })
  t.match(await attempt(THIRD, OLD), { kind: 'refused', why: 'merge-in-a-circle' })
  t.match(await attempt(THIRD, NEW), { kind: 'refused', why: 'merge-in-a-circle' })
  t.match(await attempt(THIRD, syntheticNhsNumber(14), 7), { kind: 'refused', why: 'merge-count-differs' })
  t.match(await rig.merges.planUndo('019ad6f0-0000-7000-8f01-0000000000ff'), { kind: 'refused', why: 'unknown-merge' })
  t.match(await rig.merges.undo({ mergeId, ...ASKED, confirmCount: 2 }), { why: 'merge-count-differs' })
  t.same(await rig.rows('select patient_key, merged_into from patient order by patient_key'), state)

  await undo(rig, mergeId)
  t.match(await rig.merges.planUndo(mergeId), { kind: 'refused', why: 'merge-undone' })
  t.equal(await rig.merges.show(syntheticNhsNumber(15)), undefined)
})

t.test('a number nobody has sent yet can be merged: what comes later lands with its successor', async (t) => {
  const rig = await createIngestRig(t)
  await merge(rig, OLD, NEW)

  const recordId = await post(rig, flu(1, OLD))

  t.same((await createSearch(rig)(NEW)).ids, [recordId])
})

t.test('destinations are told of new survivors, and those that count per patient of both sides', async (t) => {
  const destinations: Wanting[] = [
    { name: 'survivors', sends: 'survivors', wants: () => true },
    { name: 'totals', sends: 'all', followsPatient: true, wants: () => true }
  ]
  const rig = await createIngestRig(t, { destinations })
  await post(rig, flu(1, OLD))
  await post(rig, flu(200, NEW))
  const totalsOf = async (number: string) => {
    const [row] = await rig.rows<{ patient_key: string }>('select patient_key from patient where nhs_number = $1', [
      number
    ])
    return rig.database.stores.events.readTotals(row!.patient_key, ['FLU'])
  }
  const told = async () =>
    (
      await rig.rows<{ nhs_number: string }>(
        `select patient.nhs_number from delivery join patient using (patient_key)
          where destination = 'totals' and lane_seq > 1 order by delivery.created_at, nhs_number`
      )
    ).map((row) => row.nhs_number)
  const before = [await totalsOf(OLD), await totalsOf(NEW)]

  const mergeId = await merge(rig)
  const merged = await totalsOf(OLD)
  t.same(await told(), [NEW])
  await undo(rig, mergeId)
  const after = [await totalsOf(OLD), await totalsOf(NEW)]

  t.equal(merged.nhsNumber, NEW)
  t.same(merged.supersededNumbers, [OLD])
  t.equal(merged.eventDays.length, 2)
  t.same(await totalsOf(NEW), after[1])
  t.same((await told()).sort(), [OLD, NEW, NEW].sort(), 'after the undoing each is told of')
  for (const side of [0, 1]) {
    t.same(after[side]!.eventDays, before[side]!.eventDays)
    t.ok(merged.sourceVersion > before[side]!.sourceVersion, 'a receiver that keeps the larger takes the merged totals')
    t.ok(after[side]!.sourceVersion > merged.sourceVersion, 'and the parted ones')
  }
})

t.test('merges while both numbers are written to by two processes lose nothing and end the same', async (t) => {
  const rig = await createIngestRig(t)
  const second = await openIngest(t, rig.pool, rig.database)
  const search = createSearch(rig)
  const seed = await post(rig, flu(1, OLD))
  const posts = Array.from({ length: 40 }, (_, index) => {
    const process = index % 2 === 0 ? rig : second
    return post(process, flu(2 + index * 3, index % 3 === 0 ? NEW : OLD, index % 4), `client-${index % 4}`)
  })
  const correction = rig.put(seed, 1, { ...flu(1, OLD), id: seed, lotNumber: 'CHANGED' })
  const turning = (async () => {
    for (let round = 0; round < 4; round++) {
      const done = await second.merges.merge({ superseded: OLD, successor: NEW, ...ASKED, confirmCount: -1 })
      t.match(done, { why: 'merge-count-differs' })
      await undo(rig, await mergeNow(second))
    }
    return mergeNow(rig)
  })()

  const ids = await Promise.all(posts)
  t.equal((await correction).status, 200)
  await turning

  t.same((await search(OLD)).ids, [...ids, seed].sort())
  t.same((await search(NEW)).ids, [...ids, seed].sort())
  t.same(await strays(rig), [])
  await undo(rig, (await rig.merges.show(OLD))!.merges.at(-1)!.mergeId)
  t.same(await strays(rig), [])
  t.same([...(await search(OLD)).ids, ...(await search(NEW)).ids].sort(), [...ids, seed].sort())
})

/** Others write meanwhile: the count of the plan may be over, and is asked for again. */
async function mergeNow(rig: IngestRig): Promise<string> {
  for (;;) {
    const { records } = effectOf(await rig.merges.planMerge({ superseded: OLD, successor: NEW }))
    const done = await rig.merges.merge({ superseded: OLD, successor: NEW, ...ASKED, confirmCount: records })
    if (!('kind' in done)) return done.mergeId
    if (done.why !== 'merge-count-differs') throw new Error(done.why)
  }
}

/** Records that do not stand where their number leads, and groups that are not of one patient. */
function strays(rig: IngestRig): Promise<object[]> {
  return rig.rows(
    `select record.record_id
       from record
       join record_version version on version.record_id = record.record_id and version.version = record.current_version
       join patient on patient.patient_key = version.patient_key
       join fingerprint print on print.record_id = record.record_id
       left join event_group_member member on member.record_id = record.record_id
       left join event_group grouped on grouped.group_id = member.group_id
      where record.patient_key <> coalesce(patient.merged_into, patient.patient_key)
         or print.patient_key <> record.patient_key
         or member.patient_key is distinct from record.patient_key
         or grouped.patient_key is distinct from record.patient_key
         or (grouped.survivor_record_id is null and record.status = 'completed' and not record.deleted)`
  )
}

t.test('merging and undoing is as if nothing had been, whatever the records', async (t) => {
  const rig = await createIngestRig(t)
  const search = createSearch(rig)
  let run = 0
  const record = fc.record({
    n: fc.integer({ min: 0, max: 6 }),
    isOld: fc.boolean(),
    supplier: fc.integer({ min: 0, max: 3 })
  })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(record, { minLength: 1, maxLength: 8, selector: (one) => JSON.stringify(one) }),
      fc.boolean(),
      async (records, again) => {
        run++
        const [old, successor] = [syntheticNhsNumber(1000 + run * 2), syntheticNhsNumber(1001 + run * 2)]
        for (const { n, isOld, supplier } of records)
          await post(rig, flu(n, isOld ? old : successor, supplier), `client-${supplier}`)
        const look = async () => ({
          groups: (await groupsOf(rig)).filter(({ nhsNumber }) => nhsNumber === old || nhsNumber === successor),
          old: (await search(old)).ids,
          successor: (await search(successor)).ids
        })
        const before = await look()

        const mergeId = await merge(rig, old, successor)
        const merged = await look()
        await undo(rig, mergeId)
        const after = await look()

        t.same(merged.old, [...before.old, ...before.successor].sort())
        t.same(merged.successor, merged.old)
        t.same(after, before)
        if (!again) return
        const twice = await merge(rig, old, successor)
        t.same(
          (await look()).groups.map(({ members }) => members).sort(),
          merged.groups.map(({ members }) => members).sort()
        )
        await undo(rig, twice)
        t.same(await look(), before)
      }
    ),
    { numRuns: 25 }
  )
  t.same(await strays(rig), [])
})

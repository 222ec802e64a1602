// Grouping reads what lies near and never a whole patient: what comes out must be what all records would have given.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { ReviewerDecision } from '../../src/dedup/pair-book.js'
import { zonesOf } from '../../src/dedup/event-zones.js'
import { regroup, type Grouping } from '../../src/dedup/regroup.js'
import { counts, type EventRecord } from '../../src/dedup/survivor.js'
import { aSpec, holds } from './arbitraries.js'
import { groupIds, record, rules as weights, type EventSpec } from './events.js'

/** Around the ends of the windows of 27 and of 90 days, and the day of a second event beside each. */
const DAYS = [
  '2026-07-07',
  '2026-07-08',
  '2026-07-09',
  '2026-09-08',
  '2026-09-09',
  '2026-09-10',
  '2026-10-05',
  '2026-10-06',
  '2026-10-06T09:00:00+01:00',
  '2026-10-07',
  '2026-10-08',
  '2026-11-01',
  '2026-11-02',
  '2026-11-03',
  '2026-11-04',
  '2027-01-04',
  '2027-01-05',
  '2026-10',
  '2026'
]

const aSpread = fc
  .record({
    spec: aSpec,
    on: fc.constantFrom(...DAYS),
    type: fc.constantFrom<NonNullable<EventSpec['type']>>('FLU', 'FLU', 'COVID', '6IN1', '4IN1', '3IN1', 'HEPB', 'HIB'),
    deleted: fc.constantFrom(false, false, false, false, true)
  })
  .map(({ spec, on, type, deleted }) => ({ spec: { ...spec, on, type }, deleted }))

const aHistory = fc
  .array(aSpread, { minLength: 2, maxLength: 16 })
  .map((entries) =>
    entries.map(({ spec, deleted }, index) =>
      record(`r${String(index).padStart(2, '0')}`, { ...spec, id: `id-${index}` }, { deleted })
    )
  )
  .chain((records) => {
    const anId = fc.constantFrom(...records.map(({ recordId }) => recordId))
    const aDecision = fc
      .record({ recordA: anId, recordB: anId, outcome: fc.constantFrom('same' as const, 'distinct' as const) })
      .filter(({ recordA, recordB }) => recordA < recordB)
    const decisions = fc.uniqueArray(aDecision, {
      maxLength: 3,
      selector: ({ recordA, recordB }) => `${recordA} ${recordB}`
    })
    return fc.record({ records: fc.constant(records), decisions, touched: anId, change: aSpread })
  })

for (const [name, maximumCandidates] of [
  ['grouping what can be reached gives what grouping all records gives', weights.maximumCandidates],
  ['so it does in a crowd', 3]
] as const) {
  const rules = { ...weights, maximumCandidates }
  let least = Infinity
  holds(
    t,
    name,
    fc.property(aHistory, ({ records, decisions, touched, change }) => {
      const stored = store(records, decisions)
      // The touched one is corrected: another day, another vaccine, deleted or not.
      const all = stored.map((known) =>
        known.recordId === touched
          ? { ...known, ...record(touched, { ...change.spec, id: touched }, { deleted: change.deleted }) }
          : known
      )
      const whole = regroup({ records: all, decisions, rules, touched: [touched], newGroupId: groupIds('n') })
      const { grouping, read } = reachOut(all, touched, decisions)
      least = Math.min(least, read / all.length)
      assert.deepEqual(told(grouping), told(whole))
    }),
    1500
  )
  t.ok(least < 0.5, 'and it seldom takes all of them')

  function store(records: readonly EventRecord[], decisions: readonly ReviewerDecision[]): EventRecord[] {
    const { groupIdOf } = regroup({ records, decisions, rules, newGroupId: groupIds() })
    return records.map((known) => ({ ...known, groupId: groupIdOf.get(known.recordId)! }))
  }

  // As ingest does: first the windows of the touched record, then of whatever the outcome leans on.
  function reachOut(
    all: readonly EventRecord[],
    touched: string,
    decisions: readonly ReviewerDecision[]
  ): { grouping: Grouping; read: number } {
    const read = new Set([touched])
    const whole = new Set<string>()
    for (let before = -1; ;) {
      const records = all.filter(({ recordId }) => read.has(recordId))
      const grouping = regroup({ records, decisions, rules, touched: [touched], newGroupId: groupIds('n') })
      for (const id of [touched, ...grouping.leanedOn]) for (const near of within(byId(all, id), all)) read.add(near)
      for (const id of grouping.covered) whole.add(id)
      for (const id of whole) for (const tied of tiedTo(byId(all, id), all, decisions)) read.add(tied)
      if (read.size === before) return { grouping, read: read.size }
      before = read.size
    }
  }

  function within({ fingerprint }: EventRecord, all: readonly EventRecord[]): string[] {
    const zones = zonesOf(fingerprint, rules)
    return all.flatMap((other) => {
      const { vaccineType, day, lastDay } = other.fingerprint
      const isNear = zones.some((zone) => zone.vaccineType === vaccineType && lastDay >= zone.from && day <= zone.to)
      return isNear && counts(other) ? [other.recordId] : []
    })
  }
}

function tiedTo(
  { recordId, groupId }: EventRecord,
  all: readonly EventRecord[],
  decisions: readonly ReviewerDecision[]
): string[] {
  const mates = all.filter((other) => other.groupId === groupId).map((mate) => mate.recordId)
  const linked = decisions
    .filter(({ outcome, recordA, recordB }) => outcome === 'same' && (recordA === recordId || recordB === recordId))
    .flatMap(({ recordA, recordB }) => [recordA, recordB])
  return [...mates, ...linked]
}

function byId(records: readonly EventRecord[], recordId: string): EventRecord {
  return records.find((known) => known.recordId === recordId)!
}

/** Everything that is written, whatever ids new groups have. */
function told({ groups, emptied, covered, pairs, crowded }: Grouping): object {
  const inCrowd = new Set(crowded)
  return {
    groups: groups
      .map(({ groupId, anchor, survivor, members }) => ({
        groupId: groupId.startsWith('n') ? 'new' : groupId,
        anchor,
        survivor,
        members: members.map(({ recordId, role }) => `${recordId} ${role}`).sort()
      }))
      .sort((a, b) => (a.anchor < b.anchor ? -1 : 1)),
    emptied,
    covered: [...covered].sort(),
    crowded: [...crowded].sort(),
    // Of a crowd one question is asked, of whichever of its nearest was looked at.
    pairs: pairs
      .filter(({ recordA, recordB }) => !inCrowd.has(recordA) && !inCrowd.has(recordB))
      .map(({ recordA, recordB, verdict }) => ({ recordA, recordB, verdict }))
      .sort((a, b) => (a.recordA + a.recordB < b.recordA + b.recordB ? -1 : 1))
  }
}

import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { contradict } from '../../src/dedup/caps.js'
import { compareEvents } from '../../src/dedup/compare-events.js'
import type { ReviewerDecision } from '../../src/dedup/pair-book.js'
import { regroup, type Grouping } from '../../src/dedup/regroup.js'
import { chooseSurvivor, counts, type EventRecord } from '../../src/dedup/survivor.js'
import { aPatientLife, holds } from './arbitraries.js'
import { EMIS, FLU_AMP, FLU_GENERIC, groupIds, record, rules, SCHOOL, TPP, type EventSpec } from './events.js'

const pharmacy: EventSpec = { product: FLU_AMP, lot: 'AB1234', ods: 'FX111', on: '2026-10-06T10:30:00+01:00' }
const gpCopy: EventSpec = { system: EMIS, primary: false, product: FLU_GENERIC, ods: 'B12345' }

t.test('a pharmacy record and its GP copy are one event, and the pharmacy record counts', (t) => {
  const grouping = group([record('r1', gpCopy), record('r2', pharmacy)])
  t.strictSame(grouping.groups, [
    {
      groupId: 'g1',
      anchor: 'r2',
      survivor: 'r2',
      members: [
        { recordId: 'r2', role: 'source' },
        { recordId: 'r1', role: 'historical' }
      ]
    }
  ])
  t.match(grouping.pairs, [{ recordA: 'r1', recordB: 'r2', verdict: { outcome: 'same', rule: 'D2' } }])
  t.strictSame(grouping.possibleDuplicates, [])
  t.end()
})

t.test('roles: a component, another primary record, a copy', (t) => {
  const { groups } = group([
    record('r1', { type: 'MMRV', lot: 'M12345', product: '45480711000001107', ods: 'RX1' }),
    record('r2', { type: 'MMRV', lot: 'M12345', system: SCHOOL, ods: 'RX1' }),
    record('r3', { type: 'MMR', system: EMIS, primary: false }),
    record('r4', { type: 'MMRV', system: TPP, primary: false })
  ])
  t.equal(groups.length, 1)
  t.same(Object.fromEntries(groups[0]?.members.map(({ recordId, role }) => [recordId, role]) ?? []), {
    r1: 'source',
    r2: 'alternate',
    r3: 'component',
    r4: 'historical'
  })
  t.end()
})

t.test('the survivor is chosen by each row of the order in turn', (t) => {
  const base: EventSpec = { ...gpCopy, lot: 'AB1234', primary: true, on: '2026-10-06' }
  const rows: [string, EventSpec, EventSpec][] = [
    ['completed before refused', base, { ...base, status: 'not-done', expires: '2027-01-01' }],
    ['primary before historical', { ...base, primary: true }, { ...base, primary: false, product: FLU_AMP }],
    [
      'own site before another system',
      { ...base, submitterOds: 'B12345' },
      { ...base, submitterOds: 'ZZ9', product: FLU_AMP }
    ],
    ['combination before component', { ...base, type: '6IN1' }, { ...base, type: 'HEPB', product: FLU_AMP }],
    ['brand before generic', { ...base, product: FLU_AMP }, { ...base, expires: '2027-01-01' }],
    ['a lot before none', base, { ...base, lot: 'unknown', expires: '2027-01-01' }],
    [
      'more details before fewer',
      { ...base, expires: '2027-01-01', site: '368208006' },
      { ...base, ml: 0.5, on: '2026-10-06T09:00:00+01:00' }
    ],
    ['a time before a day', { ...base, on: '2026-10-06T09:00:00+01:00' }, base],
    ['the one received first', base, base]
  ]
  for (const [name, better, worse] of rows) {
    t.equal(chooseSurvivor([record('r1', better), record('r2', worse)]), 'r1', name)
    if (name !== 'the one received first')
      t.equal(chooseSurvivor([record('r1', worse), record('r2', better)]), 'r2', `${name}, received later`)
  }
  t.equal(
    chooseSurvivor([record('r1', base, { deleted: true }), record('r2', gpCopy)]),
    'r2',
    'a deleted record never counts'
  )
  t.equal(chooseSurvivor([record('r1', base, { deleted: true })]), undefined)
  t.end()
})

t.test('a group is a star: three days in a row are not one event', (t) => {
  const lot = 'AB1234'
  const grouping = group([
    record('r1', { ...pharmacy, on: '2026-10-06' }),
    record('r2', { ...gpCopy, lot, on: '2026-10-07' }),
    record('r3', { ...gpCopy, lot, on: '2026-10-08', system: TPP }),
    record('r4', { ...gpCopy, lot, on: '2026-10-05', system: SCHOOL })
  ])
  const together = compositions(grouping)
  t.ok(together.includes('r1 r2') || together.includes('r1 r4'), 'a neighbour joins')
  t.notOk(
    together.some((members) => members.includes('r2') && members.includes('r4')),
    'the day before and the day after do not'
  )
  t.notOk(together.some((members) => members.includes('r1') && members.includes('r3')))
  t.ok(grouping.possibleDuplicates.length > 0, 'what stayed apart is put before a person')
  t.end()
})

t.test('two copies with different lots do not meet in the group of a record without one', (t) => {
  const grouping = group([
    record('r1', { ...pharmacy, lot: 'unknown' }),
    record('r2', { ...gpCopy, lot: 'AAA111' }),
    record('r3', { ...gpCopy, lot: 'BBB222', system: TPP })
  ])
  t.equal(grouping.groups.length, 2)
  t.notOk(compositions(grouping).includes('r1 r2 r3'))
  t.match(grouping.possibleDuplicates, [{ verdict: { outcome: 'same' } }])
  t.end()
})

t.test('two records of one GP system are not both taken into one event', (t) => {
  const grouping = group([record('r1', pharmacy), record('r2', gpCopy), record('r3', { ...gpCopy, id: 'another' })])
  t.equal(grouping.groups.length, 2)
  t.end()
})

t.test('a GP copy joins one of two real doses and does not bind them together', (t) => {
  const grouping = group([
    record('r1', pharmacy),
    record('r2', { ...pharmacy, system: SCHOOL, ods: 'FX222', lot: 'ZX9876' }),
    record('r3', { ...gpCopy, lot: 'ZX9876' })
  ])
  t.strictSame(compositions(grouping), ['r1', 'r2 r3'])
  t.end()
})

t.test('the parts a GP made of a combination join it, and two lots among the parts do not', (t) => {
  const whole: EventSpec = { type: '6IN1', product: '34765811000001105' }
  const part: EventSpec = { system: EMIS, primary: false }
  const parts = [record('r2', { ...part, type: 'HEPB' }), record('r3', { ...part, type: 'HIB' })]
  t.strictSame(compositions(group([record('r1', whole), ...parts])), ['r1 r2 r3'])
  const lots = [
    record('r2', { ...part, type: 'HEPB', lot: 'AAA111' }),
    record('r3', { ...part, type: 'HIB', lot: 'BBB222' })
  ]
  t.equal(group([record('r1', whole), ...lots]).groups.length, 2)
  t.end()
})

t.test('deleted and refused records stand alone, and no member counts', (t) => {
  const grouping = group([
    record('r1', pharmacy, { deleted: true }),
    record('r2', gpCopy),
    record('r3', { ...gpCopy, system: TPP, status: 'not-done' })
  ])
  t.equal(grouping.groups.length, 3)
  t.strictSame(grouping.pairs, [])
  t.strictSame(
    grouping.groups
      .filter(({ survivor }) => survivor === undefined)
      .map(({ anchor }) => anchor)
      .sort(),
    ['r1', 'r3']
  )
  t.end()
})

t.test('records of two verified patients are never compared', (t) => {
  const other = record('r2', gpCopy, { patientKey: 'patient-2' })
  t.strictSame(group([record('r1', pharmacy), other]).pairs, [])
  const unverified = record('r3', { ...gpCopy, verified: false }, { patientKey: 'patient-3' })
  t.match(group([record('r1', pharmacy), unverified]).possibleDuplicates, [{ verdict: { rule: 'V8' } }])
  t.end()
})

t.test('reviewers', (t) => {
  const early = record('r1', pharmacy)
  const late = record('r2', { ...gpCopy, on: '2026-10-11' })
  const same: ReviewerDecision[] = [{ recordA: 'r1', recordB: 'r2', outcome: 'same' }]

  t.test('join what the rules left open', (t) => {
    t.strictSame(compositions(group([early, late])), ['r1', 'r2'])
    const joined = group([early, late], same)
    t.strictSame(compositions(joined), ['r1 r2'])
    t.match(joined.pairs, [{ verdict: { outcome: 'same', rule: 'V6' } }])
    t.strictSame(joined.possibleDuplicates, [])
    t.end()
  })

  t.test('join records outside every window', (t) => {
    const years = record('r2', { ...gpCopy, on: '2024-10-06' })
    t.strictSame(compositions(group([early, years], same)), ['r1 r2'])
    t.strictSame(compositions(group([early, years], same, ['r2'])), ['r1 r2'])
    t.end()
  })

  t.test('separate what the rules joined, and no third record brings it together again', (t) => {
    const records = [early, record('r2', gpCopy), record('r3', { ...gpCopy, system: TPP })]
    t.strictSame(compositions(group(records)), ['r1 r2 r3'])
    const apart = group(records, [{ recordA: 'r1', recordB: 'r2', outcome: 'distinct' }])
    t.notOk(compositions(apart).some((members) => members.includes('r1') && members.includes('r2')))
    t.end()
  })

  t.test('keep what they joined when a better record arrives', (t) => {
    const copy = record('r1', { ...gpCopy, system: TPP })
    const better = record('r3', pharmacy)
    const grouping = group([copy, late, better], same)
    t.strictSame(compositions(grouping), ['r1 r2 r3'])
    t.equal(grouping.groups[0]?.survivor, 'r3')
    t.end()
  })

  t.test('outrank each other safely: separated records are never joined through a third', (t) => {
    const records = [early, record('r2', gpCopy), record('r3', { ...gpCopy, system: TPP })]
    const grouping = group(records, [
      { recordA: 'r1', recordB: 'r2', outcome: 'same' },
      { recordA: 'r2', recordB: 'r3', outcome: 'same' },
      { recordA: 'r1', recordB: 'r3', outcome: 'distinct' }
    ])
    t.notOk(compositions(grouping).some((members) => members.includes('r1') && members.includes('r3')))
    t.equal(grouping.possibleDuplicates.length, 1, 'the decision that could not be kept is put before a person')
    t.end()
  })

  t.test('cannot make one event of two primary records without a common disease', (t) => {
    const records = [
      record('r1', { type: 'MMR' }),
      record('r2', { type: 'MMRV', system: EMIS, primary: false }),
      record('r3', { diseases: ['38907003'], system: SCHOOL })
    ]
    const grouping = group(records, [
      { recordA: 'r1', recordB: 'r2', outcome: 'same' },
      { recordA: 'r2', recordB: 'r3', outcome: 'same' }
    ])
    t.notOk(compositions(grouping).some((members) => members.includes('r1') && members.includes('r3')))
    t.end()
  })
  t.end()
})

t.test('stored groups keep their ids', (t) => {
  const copy = (id: string, system: string, groupId?: string): EventRecord =>
    record(id, { ...gpCopy, system }, groupId === undefined ? {} : { groupId })

  t.test('when a record joins', (t) => {
    const grouping = group([copy('r1', EMIS, 'old'), record('r2', pharmacy)], [], ['r2'])
    t.match(grouping.groups, [{ groupId: 'old', anchor: 'r2', survivor: 'r2' }])
    t.strictSame(grouping.emptied, [])
    t.equal(grouping.groupIdOf.get('r2'), 'old')
    t.end()
  })

  t.test('when groups merge: the one with more members stays, the other is emptied', (t) => {
    const records = [copy('r1', EMIS, 'a'), copy('r2', TPP, 'b'), copy('r3', SCHOOL, 'b'), record('r4', pharmacy)]
    const grouping = group(records, [], ['r4'])
    t.match(grouping.groups, [{ groupId: 'b' }])
    t.strictSame(grouping.emptied, ['a'])
    t.end()
  })

  t.test('when a group splits: the larger part keeps the id, of equal parts the one of the better record', (t) => {
    const records = [record('r1', pharmacy, { groupId: 'a' }), copy('r2', EMIS, 'a'), copy('r3', TPP, 'a')]
    const split: ReviewerDecision[] = [{ recordA: 'r1', recordB: 'r3', outcome: 'distinct' }]
    const grouping = group(records, split, ['r1', 'r3'])
    t.equal(grouping.groupIdOf.get('r1'), 'a')
    t.equal(grouping.groupIdOf.get('r2'), 'a')
    t.equal(grouping.groupIdOf.get('r3'), 'g1')
    const pair = group(records.slice(0, 2), [{ recordA: 'r1', recordB: 'r2', outcome: 'distinct' }], ['r2'])
    t.equal(pair.groupIdOf.get('r1'), 'a')
    t.end()
  })

  t.test('and a deleted survivor leaves its group to the next', (t) => {
    const records = [
      record('r1', pharmacy, { groupId: 'a', deleted: true }),
      copy('r2', EMIS, 'a'),
      copy('r3', TPP, 'a')
    ]
    const grouping = group(records, [], ['r1'])
    t.match(
      grouping.groups.find(({ groupId }) => groupId === 'a'),
      { survivor: 'r2' }
    )
    t.match(
      grouping.groups.find(({ anchor }) => anchor === 'r1'),
      { groupId: 'g1' }
    )
    t.end()
  })
  t.end()
})

t.test('only what the touched records can reach is covered', (t) => {
  const far = record('r3', { type: 'COVID', lot: 'CV1234' }, { groupId: 'c' })
  const grouping = group([record('r1', gpCopy, { groupId: 'a' }), record('r2', pharmacy), far], [], ['r2'])
  t.strictSame([...grouping.covered].sort(), ['r1', 'r2'])
  t.notOk(grouping.groupIdOf.has('r3'))
  t.end()
})

t.test('a record with 50 candidates is merged, with 51 it is left to a person', (t) => {
  const crowd = (count: number): EventRecord[] =>
    Array.from({ length: count }, (_, index) =>
      record(
        `c${index}`,
        { ...gpCopy, lot: `LOT${1000 + index}`, system: `https://flood.example/${index}` },
        { groupId: `c${index}` }
      )
    )
  const first = record('a', { ...gpCopy, lot: 'AB1234' }, { groupId: 'kept' })
  const calm = group([record('b', pharmacy), first, ...crowd(49)], [], ['b'])
  t.strictSame(calm.crowded, [])
  t.equal(calm.groupIdOf.get('b'), 'kept')

  const flooded = group([record('b', pharmacy), first, ...crowd(50)], [], ['b'])
  t.strictSame(flooded.crowded, ['b'])
  t.equal(flooded.groupIdOf.get('b'), 'g1')
  t.equal(flooded.pairs.length, 1)
  t.ok(flooded.pairs.some(({ verdict }) => verdict.rule === 'C7' && verdict.outcome === 'possible'))
  t.strictSame(flooded.covered, ['b'], 'nothing stored is torn apart')
  t.end()
})

t.test('5,000 records on one day are grouped without comparing all with all', (t) => {
  const flood = Array.from({ length: 5000 }, (_, index) =>
    record(`c${index}`, { ...gpCopy, system: `https://flood.example/${index}` }, { groupId: `c${index}` })
  )
  const grouping = group([...flood, record('b', pharmacy)], [], ['b'])
  t.strictSame(grouping.crowded, ['b'])
  t.equal(grouping.pairs.length, 1, 'a person is asked once')
  t.end()
})

holds(
  t,
  'the order of records and decisions does not matter',
  fc.property(
    aPatientLife.chain((life) =>
      fc.record({
        life: fc.constant(life),
        records: shuffled(life.records),
        decisions: shuffled(life.decisions)
      })
    ),
    ({ life, records, decisions }) => {
      const [one, other] = [group(life.records, life.decisions), group(records, decisions)]
      assert.deepEqual(summary(other), summary(one))
      assert.deepEqual(sortedPairs(other), sortedPairs(one))
    }
  ),
  500
)

holds(
  t,
  'regrouping after each arrival ends where regrouping all at once does, whatever the order of arrival',
  fc.property(
    aPatientLife.chain((life) => fc.record({ life: fc.constant(life), records: shuffled(life.records) })),
    ({ life, records }) => {
      const newGroupId = groupIds()
      let stored: EventRecord[] = []
      for (const arrived of records) {
        const present = [...stored, arrived]
        const grouping = regroup({
          records: present,
          decisions: life.decisions,
          rules,
          touched: [arrived.recordId],
          newGroupId
        })
        stored = present.map((known) => withGroup(known, grouping))
      }
      const scratch = group(life.records, life.decisions)
      assert.deepEqual(storedCompositions(stored), compositions(scratch))
    }
  ),
  500
)

holds(
  t,
  'ids given at arrival decide nothing but which of two equal records counts',
  fc.property(
    aPatientLife.chain((life) =>
      fc.record({ life: fc.constant(life), order: shuffled(life.records.map((_, index) => index)) })
    ),
    ({ life, order }) => {
      const renamed = life.records.map((known, index) => ({ ...known, recordId: `n${order[index] ?? 0}` }))
      const identifierOf = (records: readonly EventRecord[]) =>
        new Map(records.map(({ recordId, fingerprint }) => [recordId, fingerprint.identifier.value]))
      assert.deepEqual(
        compositions(group(renamed), identifierOf(renamed)),
        compositions(group(life.records), identifierOf(life.records))
      )
    }
  ),
  500
)

holds(
  t,
  'a deletion and its undoing lead back to the same groups',
  fc.property(aPatientLife, fc.nat(), ({ records, decisions }, pick) => {
    const gone = records[pick % records.length]
    if (gone === undefined || gone.deleted) return
    const newGroupId = groupIds()
    const before = regroup({ records, decisions, rules, newGroupId })
    const stored = records.map((known) => withGroup(known, before))
    const without = stored.map((known) => (known.recordId === gone.recordId ? { ...known, deleted: true } : known))
    const deleted = regroup({ records: without, decisions, rules, touched: [gone.recordId], newGroupId })
    const back = without.map((known) =>
      withGroup({ ...known, deleted: known.recordId === gone.recordId ? false : known.deleted }, deleted)
    )
    const after = regroup({ records: back, decisions, rules, touched: [gone.recordId], newGroupId })
    assert.deepEqual(storedCompositions(back.map((known) => withGroup(known, after))), compositions(before))
  }),
  500
)

holds(
  t,
  'regrouping what is stored changes nothing',
  fc.property(aPatientLife, ({ records, decisions }) => {
    const once = group(records, decisions)
    const stored = records.map((known) => withGroup(known, once))
    const twice = regroup({ records: stored, decisions, rules, newGroupId: () => assert.fail('no new group') })
    assert.deepEqual(summary(twice), summary(once))
    assert.deepEqual(twice.groupIdOf, once.groupIdOf)
    assert.deepEqual(twice.emptied, [])
  }),
  500
)

t.test('what is in one group without a reviewer is the same as its anchor and contradicts no other member', (t) => {
  let joined = 0
  const property = fc.property(aPatientLife, ({ records }) => {
    const byId = new Map(records.map((known) => [known.recordId, known]))
    const grouping = group(records)
    assert.deepEqual(
      grouping.groups.flatMap(({ members }) => members.map(({ recordId }) => recordId)).sort(),
      [...byId.keys()].sort()
    )
    for (const { anchor, members } of grouping.groups) {
      const [star, ...rest] = [anchor, ...members.map(({ recordId }) => recordId).filter((id) => id !== anchor)].map(
        (id) => byId.get(id)!
      )
      joined += rest.length
      for (const member of rest) {
        assert.ok(counts(member))
        assert.equal(compareEvents(star!.fingerprint, member.fingerprint, rules).outcome, 'same')
        for (const other of rest) {
          if (other === member) continue
          assert.ok(!contradict(member.fingerprint, other.fingerprint, rules))
          assert.ok(Math.abs(Date.parse(member.fingerprint.day) - Date.parse(other.fingerprint.day)) <= 86_400_000)
        }
      }
    }
  })
  t.doesNotThrow(() => {
    fc.assert(property, { numRuns: 1000 })
  })
  t.ok(joined > 100, `the property was tried on ${joined} joined records`)
  t.end()
})

holds(
  t,
  'what a reviewer separated is never in one group, and every pair across groups that looks the same is put before a person',
  fc.property(aPatientLife, ({ records, decisions }) => {
    const grouping = group(records, decisions)
    for (const { recordA, recordB, outcome } of decisions)
      if (outcome === 'distinct') assert.notEqual(grouping.groupIdOf.get(recordA), grouping.groupIdOf.get(recordB))
    for (const pair of grouping.pairs)
      assert.equal(
        grouping.possibleDuplicates.includes(pair),
        grouping.groupIdOf.get(pair.recordA) !== grouping.groupIdOf.get(pair.recordB)
      )
  }),
  500
)

function group(
  records: readonly EventRecord[],
  decisions: readonly ReviewerDecision[] = [],
  touched?: readonly string[]
): Grouping {
  const input = { records, decisions, rules, newGroupId: groupIds() }
  return regroup(touched === undefined ? input : { ...input, touched })
}

/** Each group as its sorted members, sorted: what must not depend on any order. */
function compositions(grouping: Grouping, names?: ReadonlyMap<string, string>): string[] {
  return grouping.groups
    .map(({ members }) =>
      members
        .map(({ recordId }) => names?.get(recordId) ?? recordId)
        .sort()
        .join(' ')
    )
    .sort()
}

function summary(grouping: Grouping): object[] {
  return grouping.groups
    .map(({ anchor, survivor, members }) => ({
      anchor,
      survivor,
      members: [...members].sort((a, b) => (a.recordId < b.recordId ? -1 : 1))
    }))
    .sort((a, b) => (a.anchor < b.anchor ? -1 : 1))
}

function sortedPairs(grouping: Grouping): object[] {
  return [...grouping.pairs].sort((a, b) => (a.recordA + a.recordB < b.recordA + b.recordB ? -1 : 1))
}

function withGroup(known: EventRecord, grouping: Grouping): EventRecord {
  const groupId = grouping.groupIdOf.get(known.recordId)
  return groupId === undefined ? known : { ...known, groupId }
}

function storedCompositions(stored: readonly EventRecord[]): string[] {
  const groups = new Map<string, string[]>()
  for (const { recordId, groupId } of stored)
    groups.set(groupId ?? '', [...(groups.get(groupId ?? '') ?? []), recordId])
  return [...groups.values()].map((members) => members.sort().join(' ')).sort()
}

function shuffled<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...values], { minLength: values.length, maxLength: values.length })
}

import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { compareEvents, type PairVerdict } from '../../src/dedup/compare-events.js'
import { withProgrammeWindows } from '../../src/dedup/dedup-rules.js'
import { explainPair } from '../../src/dedup/explain.js'
import type { EventFingerprint } from '../../src/dedup/fingerprint.js'
import { VACCINE_TYPES } from '../../src/fhir/vaccine-types.js'
import { EMIS, event, FLU_AMP, FLU_GENERIC, FLU_NASAL, PHARMACY, rules, SCHOOL, TPP, type EventSpec } from './events.js'
import { aFingerprint, aSpec, holds, specWithout } from './arbitraries.js'

const VAXZEVRIA = '39114911000001105'
const GARDASIL_9 = '33493111000001108'
const INFANRIX_HEXA = '34765811000001105'
const VARICELLA = '38907003'

/** A pharmacy's own record and the copy a GP system made of it. */
const pharmacy: EventSpec = { on: '2026-10-06T10:30:00+01:00', product: FLU_AMP, lot: 'AB1234', ods: 'FX111' }
const gpCopy: EventSpec = {
  system: EMIS,
  on: '2026-10-06T00:00:00+01:00',
  primary: false,
  product: FLU_GENERIC,
  lot: 'AB1234',
  ods: 'B12345'
}

// Deduplication reference, section 2.4: the acceptance table.
const table: [string, EventSpec, EventSpec, PairVerdict['outcome'], number, PairVerdict['rule']][] = [
  ['E1 a GP copy of a pharmacy flu jab with the same lot is the same', pharmacy, gpCopy, 'same', 100, 'D1'],
  ['E2 a GP copy without a lot is the same', pharmacy, without(gpCopy, 'lot'), 'same', 95, 'D2'],
  [
    'E3 a GP copy dated the next day with the same lot is the same',
    pharmacy,
    on(gpCopy, '2026-10-07'),
    'same',
    85,
    'score'
  ],
  [
    'E4 a GP copy dated the next day without a lot is for review',
    pharmacy,
    without(on(gpCopy, '2026-10-07'), 'lot'),
    'possible',
    55,
    'score'
  ],
  [
    'E5 a GP copy 5 days later without a lot is for review',
    pharmacy,
    without(on(gpCopy, '2026-10-11'), 'lot'),
    'possible',
    60,
    'score'
  ],
  [
    'E6 a GP copy 20 days later without a lot is for review',
    pharmacy,
    without(on(gpCopy, '2026-10-26'), 'lot'),
    'possible',
    35,
    'score'
  ],
  [
    'E7 flu and COVID in one visit are distinct',
    pharmacy,
    { ...pharmacy, type: 'COVID', product: VAXZEVRIA },
    'distinct',
    0,
    'V2'
  ],
  [
    'E8 two primary records of two organisations without lots are for review',
    without(pharmacy, 'lot'),
    { ...without(pharmacy, 'lot'), system: SCHOOL, ods: 'FX222' },
    'possible',
    55,
    'score'
  ],
  [
    'E9 as E8 with two lots is distinct',
    pharmacy,
    { ...pharmacy, system: SCHOOL, ods: 'FX222', lot: 'ZX9876' },
    'distinct',
    25,
    'score'
  ],
  [
    'E10 a lot with O typed for 0 by the same organisation in another system is the same',
    { ...pharmacy, lot: 'AB1203' },
    { ...pharmacy, system: SCHOOL, lot: 'AB12O3' },
    'same',
    90,
    'D4'
  ],
  [
    'E11 everything equal from the same system under a new identifier is for review',
    pharmacy,
    pharmacy,
    'possible',
    110,
    'V7'
  ],
  [
    'E12 a 6-in-1 and the hepatitis B a GP took from it are the same',
    { type: '6IN1', product: INFANRIX_HEXA, lot: 'H1234' },
    { type: 'HEPB', system: EMIS, primary: false },
    'same',
    85,
    'D3'
  ],
  [
    'E13 an MMRV and the MMR a GP recorded are the same',
    { type: 'MMRV' },
    { type: 'MMR', system: EMIS, primary: false },
    'same',
    85,
    'D3'
  ],
  [
    'E14 MMR and single varicella on one day are distinct',
    { type: 'MMR' },
    { diseases: [VARICELLA], system: EMIS, primary: false },
    'distinct',
    0,
    'V2'
  ],
  [
    'E15 HPV doses 1 and 2, 27 days apart, are distinct',
    { type: 'HPV', dose: 1, product: GARDASIL_9 },
    { type: 'HPV', dose: 2, system: EMIS, on: '2026-11-02' },
    'distinct',
    0,
    'V5'
  ],
  [
    'E16 same day and lot but dose 1 and 2 is for review',
    { ...pharmacy, dose: 1 },
    { ...gpCopy, product: FLU_AMP, dose: 2 },
    'possible',
    100,
    'score'
  ],
  [
    'E17 two bare historical records of one day are for review',
    { primary: false, system: EMIS },
    { primary: false, system: TPP },
    'possible',
    60,
    'score'
  ],
  [
    'E18 two nasal half doses of one lot from one system are for review',
    { ...pharmacy, product: FLU_NASAL, ml: 0.1 },
    { ...pharmacy, product: FLU_NASAL, ml: 0.1 },
    'possible',
    110,
    'V7'
  ],
  [
    'E19 COVID 60 days apart with other lots and organisations is distinct',
    { type: 'COVID', product: VAXZEVRIA, lot: 'CV1111', ods: 'RX1' },
    { type: 'COVID', product: VAXZEVRIA, lot: 'DW2222', ods: 'RX2', system: SCHOOL, on: '2026-12-05' },
    'distinct',
    -25,
    'score'
  ]
]

for (const [name, a, b, outcome, score, rule] of table)
  t.test(name, (t) => {
    const verdict = compareEvents(event(a), event(b), rules)
    t.match(verdict, { outcome, score, rule, rulesVersion: 'dedup-1.1.0' })
    t.end()
  })

t.test('vetoes', (t) => {
  const pairs: [string, EventSpec, EventSpec, PairVerdict['outcome'], PairVerdict['rule']][] = [
    ['a refusal never joins a vaccination', pharmacy, { ...gpCopy, status: 'not-done' }, 'distinct', 'V3'],
    ['what was entered in error never joins', { ...pharmacy, status: 'entered-in-error' }, gpCopy, 'distinct', 'V3'],
    ['27 days apart is still looked at', pharmacy, on(gpCopy, '2026-11-02'), 'possible', 'score'],
    ['28 days apart is another dose', pharmacy, on(gpCopy, '2026-11-03'), 'distinct', 'V4'],
    [
      'other dose numbers one day apart are for review',
      { ...pharmacy, dose: 1 },
      { ...on(gpCopy, '2026-10-07'), dose: 2 },
      'possible',
      'score'
    ],
    [
      'other dose numbers two days apart are distinct',
      { ...pharmacy, dose: 1 },
      { ...on(gpCopy, '2026-10-08'), dose: 2 },
      'distinct',
      'V5'
    ],
    [
      'an unverified NHS number keeps a copy from being merged',
      pharmacy,
      { ...gpCopy, verified: false },
      'possible',
      'V8'
    ],
    [
      'known different lots are never merged, whatever else agrees',
      pharmacy,
      { ...gpCopy, lot: 'QQ7777' },
      'possible',
      'score'
    ]
  ]
  for (const [name, a, b, outcome, rule] of pairs) {
    const verdict = compareEvents(event(a), event(b), rules)
    t.match({ outcome: verdict.outcome, rule: verdict.rule }, { outcome, rule }, name)
  }
  t.end()
})

t.test('the COVID window reaches 90 days and not 91', (t) => {
  const first = event({ type: 'COVID', lot: 'CV1111', on: '2026-01-01' })
  const copy = { type: 'COVID', lot: 'CV1111', system: EMIS, primary: false } as const
  t.equal(compareEvents(first, event({ ...copy, on: '2026-04-01' }), rules).outcome, 'possible')
  t.equal(compareEvents(first, event({ ...copy, on: '2026-04-02' }), rules).rule, 'V4')
  t.end()
})

t.test('a programme file may set the window of its vaccine type', (t) => {
  const widened = withProgrammeWindows(rules, { HPV: { windowDays: 150 } })
  const [a, b] = [
    event({ type: 'HPV', lot: 'H12345' }),
    event({ type: 'HPV', lot: 'H12345', system: EMIS, primary: false, on: '2026-12-24' })
  ]
  t.equal(compareEvents(a, b, rules).rule, 'V4')
  t.match(compareEvents(a, b, widened), { outcome: 'possible', features: { interval: 15 } })
  t.match(widened.windows.byVaccineType, { HPV: { windowDays: 150, oncePerSeason: false }, COVID: { windowDays: 90 } })
  t.end()
})

t.test('a reviewer decides above windows, dose numbers and caps, but not above diseases and status', (t) => {
  const a = event({ ...pharmacy, dose: 1 })
  t.match(compareEvents(a, event({ ...gpCopy, dose: 2, on: '2027-03-01' }), rules, 'same'), {
    outcome: 'same',
    rule: 'V6'
  })
  t.match(compareEvents(a, event(gpCopy), rules, 'distinct'), { outcome: 'distinct', rule: 'V6' })
  t.match(compareEvents(a, event({ ...gpCopy, type: 'COVID' }), rules, 'same'), { outcome: 'distinct', rule: 'V2' })
  t.match(compareEvents(a, event({ ...gpCopy, status: 'not-done' }), rules, 'same'), {
    outcome: 'distinct',
    rule: 'V3'
  })
  t.end()
})

t.test('half doses of a nasal vaccine are never merged', (t) => {
  const half: EventSpec = { ...pharmacy, product: FLU_NASAL, ml: 0.1 }
  const other: EventSpec = { ...half, system: SCHOOL }
  t.match(compareEvents(event(half), event(other), rules), { outcome: 'possible', rule: 'V9' })
  t.match(
    compareEvents(event(half), event(without(other, 'product')), rules),
    { outcome: 'possible', rule: 'V9' },
    'the volume of the one product is enough'
  )
  t.match(
    compareEvents(event(half), event({ ...without(other, 'lot'), primary: false }), rules),
    { outcome: 'possible', rule: 'V9' },
    'two halves, one without a lot'
  )
  t.match(
    compareEvents(event(half), event({ ...gpCopy, product: FLU_NASAL }), rules),
    { outcome: 'possible', rule: 'V9' },
    'one half and a copy of the same lot'
  )
  t.match(
    compareEvents(event(half), event({ ...without(gpCopy, 'lot'), product: FLU_NASAL }), rules),
    { outcome: 'same', rule: 'D2' },
    'a copy that says nothing of a half is a copy'
  )
  t.match(
    compareEvents(event({ ...half, ml: 0.2 }), event({ ...other, ml: 0.2 }), rules),
    { outcome: 'same', rule: 'D1' },
    'two reports of a full dose'
  )
  t.end()
})

t.test('what may be two needles is left to a person', (t) => {
  const other: EventSpec = { ...pharmacy, system: SCHOOL }
  const cases: [string, EventSpec, EventSpec, PairVerdict['rule']][] = [
    ['C1 other routes', { ...pharmacy, route: '78421000' }, { ...gpCopy, route: '46713006' }, 'C1'],
    [
      'C1 two primary records that name two arms',
      { ...pharmacy, site: '368208006' },
      { ...other, site: '368209003' },
      'C1'
    ],
    ['C1 two primary records with two volumes', { ...pharmacy, ml: 0.5 }, { ...other, ml: 0.3 }, 'C1'],
    [
      'C2 6-in-1 and 4-in-1',
      { type: '6IN1', lot: 'H1234' },
      { type: '4IN1', lot: 'H1234', system: EMIS, primary: false },
      'C2'
    ],
    [
      'C2 combinations that only overlap',
      { type: '3IN1', lot: 'H1234' },
      {
        diseases: [...VACCINE_TYPES.HIB, ...VACCINE_TYPES['3IN1'].slice(1)],
        lot: 'H1234',
        system: EMIS,
        primary: false
      },
      'C2'
    ],
    ['C2 Hib/MenC and MenACWY', { type: 'HIBMENC' }, { type: 'MENACWY', system: EMIS, primary: false }, 'C2'],
    ['C4 a product nobody has listed', pharmacy, { ...gpCopy, product: '999999011000001104' }, 'C4'],
    ['C5 lots one keystroke apart', pharmacy, { ...gpCopy, lot: 'AB1235' }, 'C5'],
    [
      'C6 two primary records, one without an organisation, no lots',
      without(pharmacy, 'lot'),
      without(without(other, 'lot'), 'ods'),
      'C6'
    ]
  ]
  for (const [name, a, b, rule] of cases) {
    const verdict = compareEvents(event(a), event(b), rules)
    t.match({ outcome: verdict.outcome, rule: verdict.rule }, { outcome: 'possible', rule }, name)
  }
  t.match(
    compareEvents(event({ ...pharmacy, site: '368208006' }), event({ ...gpCopy, site: '61396006' }), rules),
    { outcome: 'same' },
    'a copy may name another site'
  )
  t.end()
})

t.test('a combination and its component are only the same where the combination is the primary record', (t) => {
  const whole: EventSpec = { type: '6IN1', product: INFANRIX_HEXA }
  const part: EventSpec = { type: 'HEPB', system: EMIS, primary: false }
  t.equal(
    compareEvents(event(whole), event({ ...part, product: '1162634005' }), rules).rule,
    'D3',
    'its product is a wider name of the combination'
  )
  t.match(
    compareEvents(event(whole), event({ ...part, product: '10752011000001102' }), rules),
    { outcome: 'possible', conflicts: ['product'] },
    'a hepatitis B product of its own'
  )
  t.match(
    compareEvents(event({ ...whole, lot: 'H1234' }), event({ ...part, lot: 'K9876' }), rules),
    { outcome: 'distinct' },
    'a lot of its own'
  )
  t.equal(
    compareEvents(event({ ...whole, primary: false }), event({ ...part, primary: true }), rules).outcome,
    'possible',
    'a primary component'
  )
  t.equal(compareEvents(event(whole), event({ ...part, on: '2026-10-07' }), rules).outcome, 'possible', 'the next day')
  t.equal(
    compareEvents(event({ ...whole, dose: 1 }), event({ ...part, dose: 2 }), rules).rule,
    'D3',
    'dose numbers count different courses'
  )
  t.end()
})

t.test('a partial date is no day: never the same, never further apart than it must be', (t) => {
  const year: EventSpec = { ...gpCopy, on: '2026' }
  t.match(compareEvents(event(pharmacy), event(year), rules), { outcome: 'possible' })
  t.match(
    compareEvents(event({ ...pharmacy, on: '2026-01-01' }), event(year), rules),
    { outcome: 'possible' },
    'the first day of the year is not the year'
  )
  t.match(
    compareEvents(event({ ...pharmacy, on: '2026' }), event(year), rules),
    { outcome: 'possible' },
    'a year is not the same as that year'
  )
  t.match(
    compareEvents(event({ ...pharmacy, on: '2027-01-27' }), event(year), rules),
    { outcome: 'possible' },
    '27 days after the year'
  )
  t.match(
    compareEvents(event({ ...pharmacy, on: '2027-01-28' }), event(year), rules),
    { rule: 'V4' },
    '28 days after the year'
  )
  t.match(compareEvents(event({ ...pharmacy, on: '2026-10-31' }), event({ ...gpCopy, on: '2026-10' }), rules), {
    caps: ['C3']
  })
  const bare = event({ on: '2026' })
  const bareCopy = event({ on: '2026', system: EMIS, primary: false })
  t.match(
    compareEvents(bare, bareCopy, rules),
    { outcome: 'distinct', rule: 'score', score: 30 },
    'a shared year is not enough'
  )
  t.end()
})

t.test('the points of a verdict add up and are explained', (t) => {
  const late = compareEvents(event(pharmacy), event(without(on(gpCopy, '2026-10-07'), 'lot')), rules)
  t.equal(
    explainPair(late, 'EG-1'),
    'rules=dedup-1.1.0; score=55; date+20; antigen+15; product+5; source+15; group=EG-1'
  )
  t.equal(
    explainPair(compareEvents(event(pharmacy), event(without(gpCopy, 'lot')), rules), 'EG-1'),
    'rules=dedup-1.1.0; rule=D2; group=EG-1'
  )
  const capped = compareEvents(event(pharmacy), event(pharmacy), rules)
  t.equal(
    explainPair(capped),
    'rules=dedup-1.1.0; cap=V7; score=110; date+40; antigen+15; product+15; lot+30; organisation+10'
  )
  const conflict = compareEvents(
    event({ ...pharmacy, dose: 1 }),
    event({ ...gpCopy, product: FLU_AMP, dose: 2 }),
    rules
  )
  t.match(explainPair(conflict), /score=100; .*dose-15; source\+15; conflict=dose$/)
  t.end()
})

holds(
  t,
  'comparing is symmetric',
  fc.property(aFingerprint, aFingerprint, (a, b) => {
    assert.deepEqual(compareEvents(a, b, rules), compareEvents(b, a, rules))
  }),
  2000
)

holds(
  t,
  'a complete record and its copy in another system are the same',
  fc.property(aSpec, (spec) => {
    fc.pre(spec.lot !== undefined && spec.lot !== 'unknown' && spec.ml === undefined)
    const complete: EventSpec = { ...spec, on: '2026-10-06', status: 'completed', verified: true }
    const copy = event({ ...complete, system: 'https://elsewhere.example' })
    assert.equal(compareEvents(event(complete), copy, rules).rule, 'D1')
  }),
  300
)

const OPTIONAL = ['lot', 'dose', 'ods', 'route', 'site', 'expires'] as const

holds(
  t,
  'an absent field is neither equal nor different',
  fc.property(aSpec, aSpec, fc.constantFrom(...OPTIONAL), (a, b, field) => {
    // The nasal route of one record alone tells that it may be half a dose (V9).
    fc.pre(!(field === 'route' && a.route === '46713006'))
    const bare = event(specWithout(b, field))
    const told = compareEvents(event(a), bare, rules)
    assert.deepEqual(told, compareEvents(event(specWithout(a, field)), bare, rules))
  }),
  2000
)

holds(
  t,
  'adding a missing field never turns distinct into same unless it agrees',
  fc.property(aSpec, aSpec, fc.constantFrom(...OPTIONAL, 'product' as const, 'ml' as const), (a, b, field) => {
    const before = compareEvents(event(specWithout(a, field)), event(b), rules)
    const after = compareEvents(event(a), event(b), rules)
    if (before.outcome !== 'distinct' || after.outcome !== 'same') return
    assert.ok(a[field] !== undefined && b[field] !== undefined && after.conflicts.length === 0)
  }),
  3000
)

t.test('what may be merged has no conflict, no cap, at most a day between, and more in common than the day', (t) => {
  let merged = 0
  const property = fc.property(aFingerprint, aFingerprint, (a, b) => {
    const verdict = compareEvents(a, b, rules)
    if (verdict.outcome !== 'same') return
    merged++
    assert.deepEqual(verdict.caps, [])
    assert.deepEqual(verdict.rule === 'D3' ? [] : verdict.conflicts, [])
    assert.ok(Math.abs(Date.parse(a.day) - Date.parse(b.day)) <= 86_400_000)
    assert.notEqual(a.identifier.system, b.identifier.system)
    assert.ok(a.primarySource !== b.primarySource || agreesInMoreThanTheDay(a, b))
  })
  t.doesNotThrow(() => {
    fc.assert(property, { numRuns: 5000 })
  })
  t.ok(merged > 10, `the property was tried on ${merged} merges`)
  t.end()
})

holds(
  t,
  'a score is the sum of its points',
  fc.property(aFingerprint, aFingerprint, (a, b) => {
    const { rule, score, features } = compareEvents(a, b, rules)
    if (/^[DV][1-6]$/.test(rule)) return
    const sum = Object.values(features).reduce((total, points) => total + points, 0)
    assert.equal(score, sum)
  }),
  1000
)

t.test('only identifiers differ, and neither the pharmacy nor the GP is confused with itself', (t) => {
  t.equal(
    compareEvents(event({ ...pharmacy, id: 'one' }), event({ ...pharmacy, id: 'two' }), rules).outcome,
    'possible'
  )
  t.equal(
    compareEvents(event({ ...pharmacy, system: PHARMACY }), event({ ...pharmacy, system: SCHOOL }), rules).outcome,
    'same'
  )
  t.end()
})

function agreesInMoreThanTheDay(a: EventFingerprint, b: EventFingerprint): boolean {
  return (
    (a.lot !== undefined && a.lot.folded === b.lot?.folded) ||
    (a.organisation !== undefined && a.organisation === b.organisation) ||
    (a.product.code !== undefined && b.product.code !== undefined)
  )
}

function without(spec: EventSpec, field: keyof EventSpec): EventSpec {
  return specWithout(spec, field)
}

function on(spec: EventSpec, day: string): EventSpec {
  return { ...spec, on: day }
}

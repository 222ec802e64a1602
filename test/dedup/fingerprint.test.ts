import type { Immunization } from 'fhir/r4.js'
import t from 'tap'
import { parseDedupRules, type DedupRules } from '../../src/dedup/dedup-rules.js'
import { compareEvents } from '../../src/dedup/compare-events.js'
import { duplicateIssues } from '../../src/dedup/explain.js'
import { candidateDays, fingerprintOf } from '../../src/dedup/fingerprint.js'
import { compareLots, normaliseLot, type LotComparison } from '../../src/dedup/lot.js'
import { parseProductAncestry } from '../../src/dedup/product-ancestry.js'
import { regroup } from '../../src/dedup/regroup.js'
import type { EventRecord } from '../../src/dedup/survivor.js'
import { readImmunizationFacts } from '../../src/fhir/immunization.js'
import {
  ancestry,
  contextOf,
  EMIS,
  event,
  factsOf,
  FLU_AMP,
  FLU_GENERIC,
  groupIds,
  PHARMACY,
  readYaml,
  record,
  rules,
  SCHOOL,
  TPP
} from './events.js'

t.test('lots are folded, and what is typed for an unknown lot is none', (t) => {
  const lot = (typed: string | undefined): string | undefined => normaliseLot(typed, rules.lots)?.text
  t.equal(lot(' ab-12 34/c '), 'AB1234C')
  t.equal(lot('lot1'), 'LOT1')
  for (const placeholder of [
    '',
    '   ',
    '-',
    '0',
    '00',
    'x',
    'X',
    'NK',
    'n/a',
    'N.A.',
    'Unk',
    'unknown',
    'None',
    'not recorded',
    'Not Recorded.',
    'test'
  ])
    t.equal(lot(placeholder), undefined, `"${placeholder}"`)
  t.equal(lot(undefined), undefined)
  t.end()
})

t.test('lots are compared with the slips people make', (t) => {
  const cases: [string, string, LotComparison][] = [
    ['AB1234', 'ab 1234', 'same'],
    ['AB1203', 'AB12O3', 'near'],
    ['SIBZO', '51820', 'near'],
    ['AL123', 'A1123', 'near'],
    ['AB1234', 'AB1235', 'typo'],
    ['AB1234', 'AB12345', 'typo'],
    ['AB1234', 'B1234', 'typo'],
    ['AB1234', 'AB1243', 'different'],
    ['AB12', 'AB13', 'different'],
    ['AB1234', 'ZX9876', 'different'],
    ['AB1234', 'AB123456', 'different'],
    ['AB1234', 'unknown', 'absent'],
    ['unknown', 'unknown', 'absent']
  ]
  for (const [a, b, expected] of cases) {
    t.equal(
      compareLots(normaliseLot(a, rules.lots), normaliseLot(b, rules.lots), rules.lots),
      expected,
      `${a} and ${b}`
    )
    t.equal(
      compareLots(normaliseLot(b, rules.lots), normaliseLot(a, rules.lots), rules.lots),
      expected,
      `${b} and ${a}`
    )
  }
  t.end()
})

t.test('the day is that of London, and midnight is a day without a time', (t) => {
  const cases: [string, string, string, string][] = [
    ['2026-10-05T23:30:00+00:00', '2026-10-06', '2026-10-06', 'time'],
    ['2026-10-06T00:00:00+01:00', '2026-10-06', '2026-10-06', 'day'],
    ['2026-10-06T00:00:00.000+00:00', '2026-10-06', '2026-10-06', 'day'],
    ['2026-10-06T00:00:01+01:00', '2026-10-06', '2026-10-06', 'time'],
    ['2026-12-01T00:00:00+00:00', '2026-12-01', '2026-12-01', 'day'],
    ['2026-12-01', '2026-12-01', '2026-12-01', 'day'],
    ['2028-02', '2028-02-01', '2028-02-29', 'month'],
    ['2026', '2026-01-01', '2026-12-31', 'year']
  ]
  for (const [on, day, lastDay, precision] of cases) t.match(event({ on }), { day, lastDay, precision }, on)
  t.equal(
    compareEvents(
      event({ on: '2026-10-05T23:30:00+00:00', lot: 'AB1234' }),
      event({ on: '2026-10-06', lot: 'AB1234', system: EMIS }),
      rules
    ).rule,
    'D1'
  )
  t.end()
})

t.test('organisations, volumes, products and dose numbers are normalised', (t) => {
  t.equal(event({ ods: ' fx111 ' }).organisation, 'FX111')
  t.notOk('organisation' in event({ ods: 'X99999' }))
  t.equal(event({ ods: 'FX111', submitterOds: 'fx111' }).ownSite, true)
  t.equal(event({ ods: 'X99999', submitterOds: 'X99999' }).ownSite, false)
  t.match(event({ product: FLU_AMP }).product, {
    level: 'AMP',
    code: FLU_AMP,
    ancestors: [FLU_GENERIC, '836377006'],
    doseMl: 0.5
  })
  t.match(event({ product: '38737511000001105' }).product, { level: 'VMP' })
  t.match(event({ product: FLU_GENERIC }).product, { level: 'generic' })
  t.strictSame(event({ product: '999999011000001104' }).product, {
    level: 'unlisted',
    code: '999999011000001104',
    ancestors: []
  })
  t.strictSame(event().product, { level: 'absent', ancestors: [] })
  t.notOk('doseNumber' in event({ dose: 0 }))
  const quantities = { ml: 0.1, mL: 0.1, millilitre: 0.1, 'pre-filled disposable injection': undefined }
  for (const [unit, expected] of Object.entries(quantities)) {
    const facts = { ...factsOf({}), doseQuantity: { value: 0.1, unit } }
    t.equal(fingerprintOf(facts, contextOf({})).quantityMl, expected, unit)
  }
  const coded = {
    ...factsOf({}),
    doseQuantity: { value: 0.1, unit: 'Millilitre (qualifier value)', code: '258773002' }
  }
  t.equal(fingerprintOf(coded, contextOf({})).quantityMl, 0.1)
  t.end()
})

t.test('a fingerprint survives being stored as JSON', (t) => {
  const full = factsOf({
    lot: 'AB1234',
    dose: 1,
    ods: 'FX111',
    product: FLU_AMP,
    route: '78421000',
    site: '368208006',
    ml: 0.5,
    expires: '2027-06-30'
  })
  for (const facts of [full, factsOf({})]) {
    const made = fingerprintOf(facts, contextOf({}))
    t.strictSame(JSON.parse(JSON.stringify(made)), made)
  }
  t.equal(fingerprintOf(full, contextOf({})).details, 4)
  t.end()
})

t.test('dose numbers are read from numbers and bare numbers, and nothing else of the resource matters', (t) => {
  const read = (protocol: object, more: object = {}) =>
    fingerprintOf(readImmunizationFacts(immunization(protocol, more)), contextOf({}))
  t.equal(read({ doseNumberPositiveInt: 2 }).doseNumber, 2)
  t.equal(read({ doseNumberString: ' 2 ' }).doseNumber, 2)
  t.notOk('doseNumber' in read({ doseNumberString: 'Dose sequence not recorded' }))
  t.notOk('doseNumber' in read({ doseNumberString: '2nd' }))
  t.notOk('doseNumber' in read({ doseNumberString: '0' }))
  const extended = {
    note: [{ text: 'left arm sore' }],
    extension: [{ url: 'https://supplier.example/extension', valueString: 'anything' }],
    meta: { versionId: '7' }
  }
  t.strictSame(read({ doseNumberPositiveInt: 2 }, extended), read({ doseNumberPositiveInt: 2 }))
  const unknownProduct = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'NAVU' }] }
  t.equal(read({ doseNumberPositiveInt: 2 }, { vaccineCode: unknownProduct }).product.level, 'absent')
  t.end()
})

t.test('candidates lie within the widest window of any vaccine type that shares a disease', (t) => {
  t.strictSame(candidateDays(event({ on: '2026-10-06' }), rules), { from: '2026-09-09', to: '2026-11-02' })
  t.strictSame(candidateDays(event({ type: 'COVID', on: '2026-10-06' }), rules), {
    from: '2026-07-08',
    to: '2027-01-04'
  })
  t.strictSame(candidateDays(event({ on: '2026' }), rules), { from: '2025-12-05', to: '2027-01-27' })
  t.end()
})

t.test('the supplier is told what happened and nothing of the other supplier', (t) => {
  const secret = { system: EMIS, id: 'SECRET-ID', lot: 'SECRETLOT', ods: 'SECRETODS', product: FLU_GENERIC }
  const newcomer = { lot: 'AB1234', ods: 'FX111', product: FLU_AMP }

  const same = issuesFor(record('r2', newcomer), record('r1', { ...secret, lot: 'AB1234', primary: false }))
  t.match(same, [
    {
      severity: 'information',
      code: 'duplicate',
      layer: 'duplicate',
      rule: 'same-event-linked',
      diagnostics: 'rules=dedup-1.1.0; rule=D1; group=stored'
    }
  ])
  t.equal(same.length, 1)

  const possible = issuesFor(
    record('r2', { ...newcomer, on: '2026-10-07' }),
    record('r1', { ...secret, primary: false, lot: 'unknown' })
  )
  t.match(possible, [
    {
      severity: 'warning',
      code: 'duplicate',
      rule: 'possible-duplicate',
      text: /already reported on 2026-10-06 by another organisation; both are kept/,
      expression: ['Immunization.occurrenceDateTime'],
      diagnostics: 'rules=dedup-1.1.0; score=55; date+20; antigen+15; product+5; source+15; group=stored'
    }
  ])
  const different = issuesFor(
    record('r2', { ...newcomer, lot: 'unknown', dose: 1 }),
    record('r1', { ...secret, primary: false, dose: 2 })
  )
  t.match(different, [{ expression: ['Immunization.lotNumber', 'Immunization.protocolApplied[0].doseNumber'] }])
  for (const issues of [same, possible, different]) t.notMatch(JSON.stringify(issues), /SECRET|emis/i)

  t.match(issuesFor(record('r2', newcomer), record('r1', newcomer)), [{ text: /by the same system/ }])
  t.match(
    issuesFor(
      record('r2', { ...newcomer, site: '368208006' }),
      record('r1', { ...newcomer, system: SCHOOL, site: '368209003' })
    ),
    [{ text: /by another system of the same organisation/ }]
  )
  t.match(issuesFor(record('r2', { system: EMIS, primary: false }), record('r1', { system: TPP, primary: false })), [
    { text: /by another system;/ }
  ])
  t.match(issuesFor(record('r2', { ...newcomer }), record('r1', { ...newcomer, system: EMIS, on: '2026' })), [
    { text: /reported on 2026 by/ }
  ])
  t.strictSame(issuesFor(record('r2', newcomer), record('r1', { ...newcomer, type: 'COVID' })), [])
  t.end()
})

t.test('the other record is named within one organisation, and nowhere else', (t) => {
  const own = { primary: true, ods: 'FZZ01', system: SCHOOL }
  const told = (other: object) =>
    issuesFor(record('r2', own), record('r1', { ...own, system: EMIS, ...other }))
      .map(({ diagnostics }) => diagnostics ?? '')
      .join()
  t.match(told({ lot: 'AB1234' }), /rule=D4; group=\S+; record=Immunization\/r1$/)
  t.match(told({ on: '2026-10-07' }), /score=\d+; .*record=Immunization\/r1$/)
  for (const other of [{ ods: 'FZZ02' }, { ods: undefined }, { ods: 'X99999' }]) {
    const text = told({ ...other, primary: false })
    t.match(text, /group=/)
    t.notMatch(text, 'r1', JSON.stringify(other))
  }
  t.end()
})

t.test('one warning for each event, however many records it has', (t) => {
  const stored = [
    record('r1', { system: EMIS, primary: false, lot: 'AB1234' }, { groupId: 'stored' }),
    record('r2', { system: TPP, primary: false, lot: 'AB1234' }, { groupId: 'stored' })
  ]
  const newcomer = record('r3', { primary: true, on: '2026-10-11' })
  const records = [...stored, newcomer]
  const grouping = regroup({ records, decisions: [], rules, touched: ['r3'], newGroupId: groupIds() })
  t.equal(grouping.possibleDuplicates.length, 2)
  t.equal(duplicateIssues('r3', grouping, records, rules).length, 1)
  t.end()
})

t.test('a file of weights is refused with every fault by path', (t) => {
  const good = readYaml('profiles/dedup/dedup-1.1.0.yaml')
  const refused = (change: (rules: DedupRules) => unknown, message: RegExp): void => {
    const changed = structuredClone(good) as DedupRules
    change(changed)
    t.throws(() => parseDedupRules('dedup-1.1.0.yaml', changed), { name: 'DedupFileError', message })
  }
  t.throws(() => parseDedupRules('dedup-9.9.9.yaml', good), {
    message: /dedup-9\.9\.9\.yaml at \/version: .*dedup-1\.1\.0\.yaml/
  })
  refused(
    (file) => Object.assign(file.points.lot, { same: '30' }),
    /dedup-1\.1\.0\.yaml at \/points\/lot\/same: must be integer/
  )
  refused((file) => Object.assign(file, { surprise: 1 }), /at \/: "surprise" is not known here/)
  refused((file) => Reflect.deleteProperty(file.points, 'interval'), /at \/points: "interval" is missing/)
  refused((file) => Object.assign(file.outcomes, { possible: 70 }), /\/outcomes\/possible: must be below/)
  refused((file) => file.points.date.pop(), /\/points\/date\/4\/upToDays: must be left out/)
  refused((file) => Object.assign(file.points.date[2]!, { upToDays: 1 }), /\/points\/date\/2\/upToDays: must be above/)
  refused(
    (file) => Object.assign(file.windows.byVaccineType, { GRIPPE: { windowDays: 1, oncePerSeason: true } }),
    /\/windows\/byVaccineType/
  )
  t.throws(() => parseDedupRules('dedup-1.1.0.yaml', undefined), { name: 'DedupFileError' })
  t.end()
})

t.test('a product file is refused with every fault by path', (t) => {
  const product = { code: FLU_AMP, display: 'Vaxigrip', level: 'AMP', certainty: 'H' }
  const refused = (products: object[], message: RegExp): void => {
    t.throws(() => parseProductAncestry('product-ancestry.yaml', { sources: ['a test'], products }), {
      name: 'DedupFileError',
      message
    })
  }
  refused([{ ...product, code: '45175511000001105' }], /product-ancestry\.yaml at \/products\/0\/code: .*check digit/)
  refused([{ ...product, level: 'AMPP' }], /\/products\/0\/level: must be one of AMP, VMP, generic/)
  refused([product, product], /\/products\/1\/code: .*listed twice/)
  refused([{ ...product, parents: [FLU_GENERIC] }], /\/products\/0\/parents: 1181000221105 is not listed/)
  refused(
    [
      { ...product, parents: [FLU_GENERIC] },
      { ...product, code: FLU_GENERIC, level: 'generic', parents: [FLU_AMP] }
    ],
    /\/products\/0\/parents: .*its own ancestor.*\n.*\/products\/1\/parents/
  )
  t.ok(ancestry.size > 50)
  t.end()
})

function issuesFor(newcomer: EventRecord, known: EventRecord): ReturnType<typeof duplicateIssues> {
  const records = [{ ...known, groupId: 'stored' }, newcomer]
  const grouping = regroup({ records, decisions: [], rules, touched: [newcomer.recordId], newGroupId: groupIds() })
  return duplicateIssues(newcomer.recordId, grouping, records, rules)
}

function immunization(protocol: object, more: object): Immunization {
  return {
    resourceType: 'Immunization',
    identifier: [{ system: PHARMACY, value: 'one' }],
    status: 'completed',
    vaccineCode: { coding: [{ system: 'http://snomed.info/sct', code: FLU_AMP }] },
    patient: { reference: '#patient' },
    occurrenceDateTime: '2026-10-06T10:30:00+01:00',
    primarySource: true,
    protocolApplied: [
      { targetDisease: [{ coding: [{ system: 'http://snomed.info/sct', code: '6142004' }] }], doseNumberPositiveInt: 1 }
    ].map(({ targetDisease }) => ({ targetDisease, ...protocol })),
    ...more
  }
}

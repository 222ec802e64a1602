// How programme files and common checks come together for one record.
import fc from 'fast-check'
import t from 'tap'
import type { ImmunizationFacts } from '../../src/fhir/immunization.js'
import type { HistoricEvent } from '../../src/programmes/check.js'
import { parseProgramme } from '../../src/programmes/parse-programme.js'
import { createProgrammeRules } from '../../src/programmes/programme-rules.js'
import type { Programme } from '../../src/programmes/programme.js'
import type { JudgementContext } from '../../src/programmes/subject.js'
import type { VaccineCodes } from '../../src/programmes/vaccine-codes.js'
import { immunizationFacts } from '../support/immunization-facts.js'
import { readProgrammes, readVaccineCodes } from '../support/programme-files.js'

const NOW = new Date('2026-11-22T12:00:00Z')
const codes = readVaccineCodes()
const rules = createProgrammeRules(readProgrammes(), codes)

t.test('a clean record is judged by the file in force on its day and has no issue', (t) => {
  const judgement = rules.judge(immunizationFacts({ productCode: '43207411000001105' }), { now: NOW })

  t.same(judgement.issues, [])
  t.same(judgement.programmes, [{ id: 'flu-2026-27', version: '1.0.0' }])
  t.same(judgement.shadow, { issues: [], programmes: [] })
  t.end()
})

t.test('the day of vaccination chooses the file, not the day of receipt', (t) => {
  const chosen = (occurrence: string): string[] =>
    rules.judge(immunizationFacts({ occurrence }), { now: NOW }).programmes.map(({ id }) => id)

  t.same(chosen('2026-08-31'), ['flu-2025-26'])
  t.same(chosen('2026-08-31T22:59:59Z'), ['flu-2025-26'], 'still 31 August in London')
  t.same(chosen('2026-08-31T23:00:00Z'), ['flu-2026-27'], '1 September in London, British Summer Time')
  t.same(chosen('2026-09-01'), ['flu-2026-27'])
  t.same(chosen('2024-10-10'), [], 'no file covers it')
  t.end()
})

t.test('a record that no active file covers is answered with no-programme; a draft speaks in its shadow only', (t) => {
  const facts = immunizationFacts({
    targetDiseases: ['840539006'],
    procedureCodes: [],
    occurrence: '2026-09-15',
    productCode: '39114911000001105'
  })

  const judgement = rules.judge(facts, { now: NOW })

  t.same(
    judgement.issues.map(({ rule, severity }) => [rule, severity]),
    [['no-programme', 'warning']]
  )
  t.same(judgement.programmes, [])
  t.same(judgement.shadow.programmes, [{ id: 'covid-autumn-2026', version: '0.1.0' }])
  t.same(judgement.shadow.issues.map(({ rule }) => rule).sort(), ['outside-season', 'unknown-product'])
  t.end()
})

t.test('what cannot be true of any vaccine is refused without a programme too', (t) => {
  const covid = { targetDiseases: ['840539006'], procedureCodes: [], occurrence: '2026-10-10' }
  const judge = (changes: Partial<ImmunizationFacts>, context: Partial<JudgementContext> = {}): string[] =>
    rules
      .judge(immunizationFacts({ ...covid, ...changes }), { now: NOW, ...context })
      .issues.filter(({ rule }) => rule !== 'no-programme')
      .map(({ rule, severity }) => `${severity} ${rule}`)

  t.same(judge({ occurrence: '2026-11-22T12:05:00Z' }), [], 'five minutes of clock skew')
  t.same(judge({ occurrence: '2026-11-22T12:05:00.001Z' }), ['error occurrence-in-future'])
  t.same(judge({ occurrence: '2026-11-22' }), [], 'today, without a time')
  t.same(judge({ occurrence: '2026-11-23' }), ['error occurrence-in-future'])
  t.same(judge({ occurrence: '2026-11' }), [], 'this month')
  t.same(judge({ occurrence: '2026-12' }), ['error occurrence-in-future'])
  t.same(judge({ birthDate: '2026-10-10' }), [], 'on the day of birth')
  t.same(judge({ birthDate: '2026-10-11' }), ['error occurrence-before-birth'])
  t.same(judge({ birthDate: '2026-10' }), [], 'some days of the month are not after it')
  t.same(judge({ birthDate: '2026-11' }), ['error occurrence-before-birth'])
  t.same(judge({ birthDate: '2026-11', occurrence: '2026' }), [], 'some days of the year are after it')
  t.same(judge({ deceasedDate: '2026-10-10' }), [], 'on the day of death')
  t.same(judge({ deceasedDate: '2026-10-09T23:30:00Z' }), [], 'that is 10 October in London')
  t.same(judge({ deceasedDate: '2026-10-09' }), ['error occurrence-after-death'])
  t.same(judge({ deceasedDate: '2026-10-09' }, { overrides: ['deathDateDisputed'] }), [
    'warning occurrence-after-death'
  ])
  t.same(judge({ deceasedDate: '2026' }), [], 'some days of the year are not before it')
  t.same(judge({ nhsNumber: '9990000019' }), ['error nhs-number-invalid'])
  t.same(judge({ nhsNumber: '999000001' }), ['error nhs-number-invalid'])
  t.same(judge({ doseNumber: 0 }), ['error dose-number-out-of-range'])
  t.same(judge({ doseNumber: 9 }), [])
  t.same(judge({ doseNumber: 10 }), ['error dose-number-out-of-range'])
  t.same(judge({ productCode: '33493111000001108' }), ['error product-of-other-disease'])
  t.same(judge({ expirationDate: '2026-10-09' }), ['error batch-expired'])
  t.same(judge({ expirationDate: '2026-10-09', isSubpotent: true }), ['warning batch-expired'])
  t.same(judge({ expirationDate: '2026-10-09', status: 'entered-in-error' }), [], 'a withdrawn record is no dose')
  t.same(judge({ expirationDate: '2026-10-09', status: 'not-done' }), ['warning not-done-with-dose-details'])
  t.end()
})

t.test('an unknown set of target diseases is refused with the nearest known set', (t) => {
  const judge = (...targetDiseases: string[]): { rules: string[]; text: string } => {
    const { issues } = rules.judge(immunizationFacts({ targetDiseases }), { now: NOW })
    return { rules: issues.map(({ rule }) => rule), text: issues[0]?.text ?? '' }
  }

  t.same(judge('14189004', '36989005').rules, ['target-diseases-unknown'], 'and no-programme is not said as well')
  t.match(judge('14189004', '36989005').text, /MMR: 14189004, 36989005, 36653000/)
  t.match(judge('38341003').text, /known types are 3IN1, 4IN1/)
  t.match(judge().text, /none was found/)
  t.end()
})

t.test('every issue names its element, its rule and its origin, and never a patient', (t) => {
  const facts = immunizationFacts({
    nhsNumber: '9990000019',
    birthDate: '2026-10-11',
    occurrence: '2026-10-10',
    lotNumber: 'ZQ77PT1',
    expirationDate: '2026-10-09',
    productCode: '43208811000001106',
    routeCode: '78421000',
    doseNumber: 3
  })

  const { issues } = rules.judge(facts, { now: NOW })

  t.ok(issues.length >= 6)
  const answer = JSON.stringify(issues)
  for (const secret of [facts.nhsNumber, facts.birthDate, facts.familyName, facts.postcode, facts.lotNumber]) {
    t.notMatch(answer, secret!)
  }
  for (const issue of issues) {
    t.match(issue.expression?.[0], /^Immunization\./, issue.rule)
    t.match(
      issue.diagnostics,
      /^(common check R\d\d|programme flu-2026-27 1\.0\.0 \(flu-2026-27\/1\.0\.0\.yaml\), check \w+)/
    )
    t.match(issue.rule, /^[a-z-]+$/)
    t.equal(issue.layer, 'programme')
  }
  t.end()
})

t.test('with the paths of the resource the contained Patient is named with its index', (t) => {
  const paths = {
    patient: 'Immunization.contained[1]',
    nhsNumber: 'Immunization.contained[1].identifier[0].value',
    doseNumber: 'Immunization.protocolApplied[0].doseNumber.ofType(positiveInt)'
  }
  const facts = immunizationFacts({ birthDate: '2026-10-11', nhsNumber: '9990000019' })

  const expressions = rules.judge(facts, { now: NOW, paths }).issues.flatMap(({ expression = [] }) => expression)

  t.ok(expressions.includes('Immunization.contained[1].birthDate'))
  t.ok(expressions.includes('Immunization.contained[1].identifier[0].value'))
  t.end()
})

// Made-up files for what the real ones do not show.
interface FileChanges {
  id?: string
  vaccineType?: string
  targetDiseases?: string[]
  [name: string]: unknown
}
function file(changes: FileChanges): Programme {
  const id = changes.id ?? 'made-up'
  return parseProgramme(`${id}/1.0.0.yaml`, {
    id,
    version: '1.0.0',
    status: 'active',
    title: 'Made-up programme',
    vaccineType: 'ROTAVIRUS',
    targetDiseases: ['186150001'],
    effective: { from: '2026-01-01', to: '2026-12-31' },
    products: [{ code: '34609911000001106', display: 'Rotarix', certainty: 'M' }],
    doses: [{ number: 1 }],
    checks: [{ check: 'batchPresent', severity: 'warning' }],
    sources: [{ id: 'made-up', title: 'Made up', read: '2026-11-22' }],
    ...changes
  })
}
const NO_CODES: VaccineCodes = { products: [], procedures: [] }
function speak(
  files: Programme[],
  changes: Partial<ImmunizationFacts>,
  context: Partial<JudgementContext> = {}
): string[] {
  const facts = immunizationFacts({ targetDiseases: ['186150001'], birthDate: '2026-06-01', ...changes })
  return createProgrammeRules(files, NO_CODES)
    .judge(facts, { now: NOW, ...context })
    .issues.map(({ rule, severity }) => `${severity} ${rule}`)
}

t.test('of several files in force the worst severity wins and an issue is given once', (t) => {
  const lenient = file({
    id: 'infants',
    cohorts: [{ id: 'infants', label: 'Infants', all: [{ ageBelow: 'P1Y' }] }],
    checks: [{ check: 'minAge', severity: 'warning', params: { age: 'P8W' } }]
  })
  const strict = file({
    id: 'newborns',
    cohorts: [{ id: 'newborns', label: 'Newborns', all: [{ ageBelow: 'P1Y' }] }],
    checks: [{ check: 'minAge', severity: 'error', params: { age: 'P6W' } }]
  })
  const judge = (occurrence: string): string[] => speak([lenient, strict], { occurrence })

  t.same(judge('2026-07-12'), ['error below-minimum-age'], 'under 6 weeks both speak')
  t.same(judge('2026-07-13'), ['warning below-minimum-age'], 'from 6 weeks one')
  t.same(judge('2026-07-27'), [], 'from 8 weeks none')
  t.end()
})

t.test('a file whose groups the patient is not in leaves the record to the others', (t) => {
  const infants = file({
    id: 'infants',
    cohorts: [{ id: 'infants', label: 'Infants', all: [{ ageBelow: 'P1Y' }] }],
    checks: [{ check: 'inCohort', severity: 'warning' }]
  })
  const older = file({
    id: 'older',
    cohorts: [{ id: 'older', label: 'Older', all: [{ ageAtLeast: 'P65Y' }] }],
    checks: [{ check: 'inCohort', severity: 'warning' }]
  })

  t.same(speak([infants, older], { birthDate: '2026-06-01' }), [])
  t.same(speak([infants, older], { birthDate: '1950-06-01' }), [])
  t.same(speak([infants, older], { birthDate: '1990-06-01' }), ['warning outside-cohort'], 'said once when all say so')
  t.end()
})

t.test('a file that is surely for the patient judges without one that may be', (t) => {
  const infants = file({
    id: 'infants',
    cohorts: [{ id: 'infants', label: 'Infants', all: [{ ageBelow: 'P1Y' }] }],
    checks: [{ check: 'batchPresent', severity: 'warning' }]
  })
  const risk = file({
    id: 'risk',
    cohorts: [{ id: 'risk', label: 'At risk', all: [{ flag: 'RISK_GROUP' }] }],
    checks: [{ check: 'minAge', severity: 'warning', params: { age: 'P2Y' } }]
  })
  const judge = (birthDate: string, flags: Record<string, boolean> = {}): string[] =>
    speak([infants, risk], { birthDate, lotNumber: '' }, { flags })

  t.same(judge('2026-06-01'), ['warning batch-missing'], 'an infant')
  t.same(judge('2026-06-01', { RISK_GROUP: true }), ['warning batch-missing', 'warning below-minimum-age'], 'of both')
  t.same(judge('2025-06-01'), ['warning below-minimum-age'], 'older: perhaps at risk, surely no infant')
  t.end()
})

t.test('a dose row without a greatest age has none, for a record without a dose number too', (t) => {
  const programme = file({
    doses: [
      { number: 1, minAge: 'P6W', maxAge: 'P8W' },
      { number: 2, minAge: 'P10W' }
    ],
    checks: [
      { check: 'minAge', severity: 'warning' },
      { check: 'maxAge', severity: 'warning' }
    ]
  })
  const judge = (occurrence: string, doseNumber?: number): string[] =>
    speak([programme], { occurrence, birthDate: '2026-01-01', ...(doseNumber === undefined ? {} : { doseNumber }) })

  t.same(judge('2026-02-26', 1), ['warning above-maximum-age'], '8 weeks')
  t.same(judge('2026-02-26'), [], 'it may be dose 2, though that is early')
  t.same(judge('2026-02-11'), ['warning below-minimum-age'], 'earlier than any dose')
  t.end()
})

t.test('a check holds from its first to its last day', (t) => {
  const programme = file({
    checks: [{ check: 'batchPresent', severity: 'warning', from: '2026-10-10', to: '2026-10-11' }]
  })
  const judge = (occurrence: string): string[] => {
    const facts = immunizationFacts({ targetDiseases: ['186150001'], occurrence, lotNumber: '' })
    return createProgrammeRules([programme], NO_CODES)
      .judge(facts, { now: NOW })
      .issues.map(({ rule }) => rule)
  }

  t.same(judge('2026-10-09'), [])
  t.same(judge('2026-10-10'), ['batch-missing'])
  t.same(judge('2026-10-11'), ['batch-missing'])
  t.same(judge('2026-10-12'), [])
  t.end()
})

t.test('rotavirus: dose 1 before 15 weeks, dose 2 by 24 weeks, recommended from 8 weeks', (t) => {
  const programme = file({
    doses: [
      { number: 1, recommendedAge: 'P8W', maxAge: 'P15W' },
      { number: 2, recommendedAge: 'P12W', maxAge: 'P24W1D', minIntervalFromPrevious: 'P4W' }
    ],
    checks: [
      { check: 'maxAge', severity: 'warning' },
      { check: 'recommendedAge', severity: 'warning' },
      { check: 'minInterval', severity: 'warning' }
    ]
  })
  const judge = (occurrence: string, doseNumber?: number): string[] =>
    speak([programme], { occurrence, birthDate: '2026-01-01', ...(doseNumber === undefined ? {} : { doseNumber }) })

  t.same(judge('2026-02-25', 1), ['warning before-recommended-age'], 'the day before 8 weeks')
  t.same(judge('2026-02-26', 1), [], '8 weeks')
  t.same(judge('2026-04-15', 1), [], '14 weeks and 6 days')
  t.same(judge('2026-04-16', 1), ['warning above-maximum-age'], '15 weeks')
  t.same(judge('2026-06-18', 2), [], '24 weeks')
  t.same(judge('2026-06-19', 2), ['warning above-maximum-age'], '24 weeks and 1 day')
  t.same(judge('2026-06-18'), [], 'without a dose number the most lenient row counts')
  t.same(judge('2026-02-25'), ['warning before-recommended-age'], 'before every row')
  t.end()
})

t.test('live vaccines are given on the same day or far enough apart, in either order', (t) => {
  const programme = file({
    vaccineType: 'MMR',
    targetDiseases: ['14189004', '36989005', '36653000'],
    products: [{ display: 'Any', certainty: 'H' }],
    checks: [
      { check: 'spacingOtherLive', severity: 'warning', params: { days: 28, antigens: ['16541001', '38907003'] } }
    ]
  })
  const judge = (day: string, antigens: string[]): string[] => {
    const event: HistoricEvent = { day, antigens, vaccineType: 'MMRV' }
    return speak(
      [programme],
      { targetDiseases: programme.targetDiseases, occurrence: '2026-10-10', birthDate: '2020-01-01' },
      { history: [event] }
    )
  }

  t.same(judge('2026-10-10', ['16541001']), [], 'same day')
  t.same(judge('2026-10-09', ['16541001']), ['warning live-vaccines-too-close'])
  t.same(judge('2026-09-13', ['16541001']), ['warning live-vaccines-too-close'], '27 days before')
  t.same(judge('2026-09-12', ['16541001']), [], '28 days before')
  t.same(judge('2026-11-06', ['16541001']), ['warning live-vaccines-too-close'], '27 days after')
  t.same(judge('2026-10-01', ['38907003', '14189004']), [], 'another dose of the same is the matter of minInterval')
  t.same(judge('2026-10-01', ['6142004']), [], 'not a live vaccine')
  t.end()
})

t.test('retired files judge nothing', (t) => {
  t.same(speak([file({ status: 'retired' })], {}), ['warning no-programme'])
  t.end()
})

t.test('files that contradict one another are refused, each by name', (t) => {
  const create =
    (...files: Programme[]): (() => unknown) =>
    () =>
      createProgrammeRules(files, codes)
  const cohorts = [{ id: 'infants', label: 'Infants', all: [{ ageBelow: 'P1Y' }] }]

  t.throws(create(file({}), file({})), /made-up\/1\.0\.0\.yaml at \/version: .* same id and version; raise this one/)
  t.throws(create(file({}), file({ id: 'other' })), /other\/1\.0\.0\.yaml at \/effective: overlaps with made-up/)
  t.throws(create(file({ cohorts }), file({ id: 'other', cohorts })), /share the cohorts infants/)
  t.throws(create(file({}), file({ id: 'other', status: 'active', cohorts })), /not told apart by cohorts/)
  t.doesNotThrow(create(file({}), file({ id: 'other', status: 'draft' })), 'a draft may stand beside an active file')
  t.doesNotThrow(create(file({}), file({ id: 'other', effective: { from: '2027-01-01' } })), 'the day after')
  const wrongProduct = [{ code: '33493111000001108', display: 'Gardasil 9', certainty: 'H' }]
  t.throws(create(file({ products: wrongProduct })), /\/products\/0\/code: the product is known as HPV, not ROTAVIRUS/)
  t.end()
})

t.test('any facts are judged without a throw, the same way twice', (t) => {
  const anyTime = fc.date({ min: new Date('1890-01-01'), max: new Date('2035-12-31'), noInvalidDate: true })
  const fullDay = anyTime.map((at) => at.toISOString().slice(0, 10))
  const partialDate = fc.oneof(
    fc.constantFrom('2026', '2026-10', '2024-02-29', '1900-01-01', '9999-12-31', '0001-01-01'),
    anyTime.map((at) => at.toISOString()),
    fullDay
  )
  const facts = fc.record({
    birthDate: partialDate,
    occurrence: partialDate,
    deceasedDate: partialDate,
    expirationDate: partialDate,
    status: fc.constantFrom('completed' as const, 'not-done' as const, 'entered-in-error' as const),
    targetDiseases: fc.constantFrom('6142004', '840539006', '55735004', '1').map((code) => [code]),
    productCode: fc.constantFrom('43208811000001106', '33493111000001108', 'not a code', '__proto__'),
    procedureCodes: fc.array(fc.constantFrom('761841000', 'constructor'), { maxLength: 2 }),
    doseNumber: fc.integer({ min: 0, max: 99 }),
    doseQuantity: fc.record({ value: fc.double({ noNaN: true }), unit: fc.constantFrom('ml', 'constructor') })
  })
  fc.assert(
    fc.property(facts, fc.array(fullDay, { maxLength: 4 }), (changes, days) => {
      const record = immunizationFacts(changes)
      const history = days.map((day) => ({ day, antigens: ['6142004'], vaccineType: 'FLU' as const }))
      const first = rules.judge(record, { now: NOW, history })
      const second = rules.judge(structuredClone(record), { now: NOW, history })
      return JSON.stringify(first) === JSON.stringify(second)
    }),
    { numRuns: 500 }
  )
  t.end()
})

// Ages, days and codes; what a programme file must look like; what it is refused for.
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { hasVerhoeffCheckDigit, isSnomedConceptId } from '../../src/fhir/snomed.js'
import { VACCINE_TYPES } from '../../src/fhir/vaccine-types.js'
import { addAge, describeAge, parseAge, reachedAge } from '../../src/programmes/age.js'
import { CHECKS, COMMON_CHECKS } from '../../src/programmes/check-catalogue.js'
import { parseDayRange } from '../../src/programmes/day-range.js'
import { ProgrammeFileError } from '../../src/programmes/file-schema.js'
import { isProgrammeFile, parseProgramme } from '../../src/programmes/parse-programme.js'
import { CHECK_NAMES } from '../../src/programmes/programme.js'
import { schoolYearOn } from '../../src/programmes/school-year.js'
import { parseVaccineCodes } from '../../src/programmes/vaccine-codes.js'
import { PROGRAMMES_FOLDER, readVaccineCodes, readYaml } from '../support/programme-files.js'

t.test('an age is reached on a calendar day; a day that does not exist becomes the first of the next month', (t) => {
  const on = (day: string, age: string): string => addAge(day, parseAge(age))

  t.equal(on('2024-02-29', 'P1Y'), '2025-03-01')
  t.equal(on('2024-02-29', 'P4Y'), '2028-02-29')
  t.equal(on('2000-02-29', 'P100Y'), '2100-03-01', '2100 is no leap year')
  t.equal(on('2026-08-31', 'P6M'), '2027-03-01')
  t.equal(on('2027-08-31', 'P6M'), '2028-03-01')
  t.equal(on('2026-01-31', 'P1M'), '2026-03-01')
  t.equal(on('2026-12-31', 'P2M'), '2027-03-01')
  t.equal(on('2026-03-31', 'P1M'), '2026-05-01')
  t.equal(on('2026-03-28', 'P1D'), '2026-03-29')
  t.equal(on('2026-10-24', 'P2D'), '2026-10-26', 'the turn of British Summer Time is a day like any other')
  t.equal(on('2022-05-31', 'P3Y4M'), '2025-10-01')
  t.equal(on('2026-01-01', 'P16W'), '2026-04-23')
  t.equal(on('2026-01-01', 'P1W3D'), '2026-01-11')
  t.equal(on('0050-06-01', 'P1Y'), '0051-06-01')
  t.equal(on('9999-06-01', 'P1Y'), '9999-12-31')
  t.throws(() => parseAge('12 weeks'), RangeError)
  t.throws(() => parseAge('P'), RangeError)
  t.equal(describeAge(parseAge('P3Y4M')), '3 years 4 months')
  t.equal(describeAge(parseAge('P16W')), '16 weeks')
  t.equal(describeAge(parseAge('P1D')), '1 day')
  t.equal(describeAge(parseAge('P0D')), '0 days')
  t.end()
})

t.test('a later birth day never reaches an age earlier', (t) => {
  const days = fc.date({ min: new Date('1900-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
  const ages = fc.record({ years: fc.nat(110), months: fc.nat(30), days: fc.nat(800) })
  fc.assert(
    fc.property(days, fc.nat(40), ages, (date, later, age) => {
      const day = date.toISOString().slice(0, 10)
      return addAge(day, age) <= addAge(addAge(day, { years: 0, months: 0, days: later }), age)
    })
  )
  t.end()
})

t.test('a partial birth date answers only when all its days agree', (t) => {
  const answer = (birth: string, age: string, day: string): string =>
    reachedAge(parseDayRange(birth)!, parseAge(age), parseDayRange(day)!)

  t.equal(answer('1951-06', 'P75Y', '2026-05-31'), 'no')
  t.equal(answer('1951-06', 'P75Y', '2026-06-01'), 'unknown')
  t.equal(answer('1951-06', 'P75Y', '2026-06-29'), 'unknown')
  t.equal(answer('1951-06', 'P75Y', '2026-06-30'), 'yes')
  t.equal(answer('1951', 'P75Y', '2025'), 'no')
  t.equal(answer('1951', 'P75Y', '2026'), 'unknown')
  t.equal(answer('1951', 'P75Y', '2027'), 'yes')
  t.same(parseDayRange('2024-02'), { first: '2024-02-01', last: '2024-02-29' })
  t.same(parseDayRange('2026-10-25T00:30:00+01:00'), { first: '2026-10-25', last: '2026-10-25' })
  t.equal(parseDayRange('2026-02-30'), undefined)
  t.end()
})

t.test('school years turn on 1 September', (t) => {
  t.equal(schoolYearOn('2021-09-01', '2026-09-01'), 0, 'the oldest of Reception')
  t.equal(schoolYearOn('2022-08-31', '2026-09-01'), 0, 'the youngest of Reception')
  t.equal(schoolYearOn('2022-08-31', '2026-08-31'), -1, 'the day before term')
  t.equal(schoolYearOn('2013-09-01', '2026-11-22'), 8, 'the oldest of Year 8')
  t.equal(schoolYearOn('2014-08-31', '2026-11-22'), 8, 'the youngest of Year 8')
  t.end()
})

t.test('a SNOMED CT concept id has a right check digit and the partition of a concept', (t) => {
  t.ok(isSnomedConceptId('6142004'))
  t.ok(isSnomedConceptId('43207411000001105'))
  t.notOk(isSnomedConceptId('43207411000001106'), 'wrong check digit')
  t.notOk(isSnomedConceptId('34207411000001105'), 'two digits swapped')
  t.notOk(isSnomedConceptId('2622896019'), 'a description')
  t.ok(hasVerhoeffCheckDigit('2622896019'))
  t.notOk(isSnomedConceptId('06142004'))
  t.notOk(isSnomedConceptId('61420'))
  t.notOk(isSnomedConceptId(''))
  t.notOk(isSnomedConceptId('6142004\n'))
  t.notOk(isSnomedConceptId('٦١٤٢٠٠٤'))
  for (const codes of Object.values(VACCINE_TYPES)) for (const code of codes) t.ok(isSnomedConceptId(code), code)
  t.end()
})

t.test('one wrong digit or two swapped neighbours are always found', (t) => {
  const place = fc.nat(16)
  fc.assert(
    fc.property(place, fc.integer({ min: 1, max: 9 }), (position, shift) => {
      const digits = Array.from('43207411000001105')
      digits[position] = String((Number(digits[position]) + shift) % 10)
      return !hasVerhoeffCheckDigit(digits.join(''))
    })
  )
  fc.assert(
    fc.property(fc.nat(15), (position) => {
      const digits = Array.from('43207411000001105')
      const [left, right] = [digits[position]!, digits[position + 1]!]
      digits[position] = right
      digits[position + 1] = left
      return left === right || !hasVerhoeffCheckDigit(digits.join(''))
    })
  )
  t.end()
})

t.test('every check describes itself, and a rule belongs to one check', (t) => {
  const owners = new Map<string, string>()
  for (const name of CHECK_NAMES) {
    t.match(CHECKS[name].description, /\.$/, `${name} is described in a sentence`)
    for (const rule of CHECKS[name].rules) {
      t.match(rule, /^[a-z]+(-[a-z]+)+$/)
      t.equal(owners.get(rule), undefined, rule)
      owners.set(rule, name)
    }
    for (const [param, schema] of Object.entries(CHECKS[name].params.properties)) {
      t.ok(schema['description'], `${name}.${param} is described`)
    }
  }
  t.ok(COMMON_CHECKS.every(({ check }) => (Object.values(CHECKS) as unknown[]).includes(check)))
  t.end()
})

t.test('cases and other files of the folder are not taken for programmes', (t) => {
  t.ok(isProgrammeFile('flu-2026-27/1.0.0.yaml'))
  t.ok(isProgrammeFile('1.10.3.yaml'))
  t.notOk(isProgrammeFile('flu-2026-27/1.0.0.cases.yaml'))
  t.notOk(isProgrammeFile('flu-2026-27/notes.yaml'))
  t.notOk(isProgrammeFile('flu-2026-27/1.0.0.yaml~'))
  t.end()
})

const RSV = readYaml(join(PROGRAMMES_FOLDER, 'rsv-2026/1.0.0.yaml')) as Record<string, unknown>

function problemsOf(changes: Record<string, unknown>): string[] {
  try {
    parseProgramme('rsv-2026/1.0.0.yaml', { ...structuredClone(RSV), ...changes })
    return []
  } catch (error) {
    if (!(error instanceof ProgrammeFileError)) throw error
    return error.message.split('\n')
  }
}

t.test('a broken file is refused by name, path and what to do, for all faults at once', (t) => {
  const at = (path: string, message: string): string => `rsv-2026/1.0.0.yaml at ${path}: ${message}`

  t.same(problemsOf({}), [])
  t.match(problemsOf({ statos: 'active', effective: { from: '2026-02-30' } }), [
    'rsv-2026/1.0.0.yaml: "statos" is not known here; remove it or mend its spelling',
    at('/effective/from', 'must be a real day in quotes, "YYYY-MM-DD"')
  ])
  t.throws(() => parseProgramme('a/1.0.0.yaml', 'not a file'), /a\/1\.0\.0\.yaml: must be object/)
  t.throws(() => parseProgramme('a/1.0.0.yaml', null), ProgrammeFileError)
  t.throws(() => parseProgramme('a/1.0.0.yaml', {}), /"id" is missing; add it/)
  t.match(problemsOf({ vaccineType: 'RSVV' })[0], /at \/vaccineType: must be one of 3IN1, 4IN1/)
  t.match(
    problemsOf({ products: [{ code: '42605811000001108', display: 'Abrysvo', certainty: 'M' }] })[0],
    /at \/products\/0\/code: must be a SNOMED CT concept id in quotes; its check digit/
  )
  t.match(
    problemsOf({ doses: [{ number: 1, minAge: '2 years' }] })[0],
    /at \/doses\/0\/minAge: must be an age such as P16W/
  )
  t.end()
})

t.test('a check takes only its own params', (t) => {
  const withCheck = (check: Record<string, unknown>): string[] => problemsOf({ checks: [check] })

  t.same(withCheck({ check: 'gestation', severity: 'warning', params: { minDays: 196 } }), [])
  t.match(withCheck({ check: 'gestation', severity: 'warning' })[0], /at \/checks\/0: "params" is missing; add it/)
  t.match(withCheck({ check: 'gestation', severity: 'warning', params: {} })[0], /params: "minDays" is missing/)
  t.match(withCheck({ check: 'batchPresent', severity: 'warning', params: { days: 1 } })[0], /"days" is not known here/)
  t.match(withCheck({ check: 'batchThere', severity: 'warning' })[0], /at \/checks\/0\/check: must be one of notFuture/)
  t.match(
    withCheck({ check: 'siteSuitsRoute', severity: 'error', overridableBy: 'becauseISaySo' })[0],
    /at \/checks\/0\/overridableBy: must be one of offLabelPGD/
  )
  t.end()
})

t.test('what a schema cannot say is said by the lint', (t) => {
  const lint = (changes: Record<string, unknown>): string => problemsOf(changes).join('\n')
  const check = (entry: Record<string, unknown>): string => lint({ checks: [{ severity: 'warning', ...entry }] })

  t.match(lint({ targetDiseases: ['6142004'] }), /\/targetDiseases: must be those of RSV: 55735004/)
  t.match(
    lint({ effective: { from: '2026-04-01', to: '2026-03-31' } }),
    /\/effective: "to" is before "from"; swap them/
  )
  t.match(lint({ season: { from: '2026-03-31', to: '2026-05-01' } }), /\/season: must lie within "effective"/)
  t.match(lint({ maxDoseNumber: 1, doses: [{ number: 2 }] }), /\/maxDoseNumber: is 1, but "doses" go up to 2; raise it/)
  t.match(
    lint({ doses: [{ number: 1, cohort: 'nobody' }] }),
    /\/doses\/0\/cohort: cohort "nobody" is not among "cohorts"/
  )
  t.match(check({ check: 'oncePerLifetime', params: { exceptCohort: 'nobody' } }), /exceptCohort: cohort "nobody"/)
  t.match(check({ check: 'batchPresent', source: 'hearsay' }), /\/checks\/0\/source: source "hearsay" is not among/)
  t.match(check({ check: 'siteSuitsRoute', severity: 'error', certainty: 'L' }), /certainty L cannot carry an error/)
  t.match(check({ check: 'batchPresent', overridableBy: 'doseReason' }), /only an error can be overridden; remove it/)
  t.match(check({ check: 'withinSeason' }), /withinSeason looks at "season", which this file has not/)
  t.match(check({ check: 'doseNumberMax' }), /looks at "maxDoseNumber"/)
  t.match(check({ check: 'minAge' }), /looks at "doses.minAge"/)
  t.match(check({ check: 'minInterval' }), /has neither params.days nor a dose row/)
  const rows = [{ number: 2, minIntervalFromPrevious: 'P4W' }]
  const interval = (days: number): string =>
    lint({ doses: rows, checks: [{ check: 'minInterval', severity: 'warning', params: { days } }] })
  t.equal(interval(28), '')
  t.match(interval(29), /params.days is longer than P4W of a dose row; make them agree/)
  const product = { code: '42605811000001109', display: 'Abrysvo', certainty: 'M' }
  t.match(lint({ products: [product, product] }), /\/products\/1\/code: "42605811000001109" is there before; keep one/)
  t.end()
})

t.test('the code tables are readable, every code once, every vaccine type with a product or procedure', (t) => {
  const { products, procedures } = readVaccineCodes()
  const known = new Set([...products, ...procedures].flatMap(({ vaccineTypes }) => vaccineTypes))

  t.same(
    Object.keys(VACCINE_TYPES).filter((type) => !known.has(type as never)),
    []
  )
  const row = { code: '6142004', display: 'A', vaccineTypes: ['FLU'], certainty: 'H', source: 'B' }
  t.throws(
    () => parseVaccineCodes('x.yaml', { codes: [row, row] }),
    /x\.yaml at \/codes\/1\/code: 6142004 is listed before/
  )
  t.throws(() => parseVaccineCodes('x.yaml', { codes: [{ ...row, code: '6142005' }] }), /check digit/)
  t.end()
})

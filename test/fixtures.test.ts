// The fixtures through the judges of the service: the valid ones have no error, the invalid ones exactly the expected ones.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Immunization, Patient } from 'fhir/r4.js'
import t from 'tap'
import { findPatient, readImmunizationFacts } from '../src/fhir/immunization.js'
import type { Issue } from '../src/fhir/issue.js'
import { isNhsNumber } from '../src/fhir/nhs-number.js'
import { VACCINE_TYPES, type VaccineType } from '../src/fhir/vaccine-types.js'
import { findIssues } from '../src/ingest/judge.js'
import { loadRules } from '../src/rules.js'
import { SYNTHETIC_SUPPLIERS, syntheticImmunization } from './support/synthetic.js'

const FIXTURES = join(import.meta.dirname, '../fixtures')
const NOW = new Date('2026-11-22T12:00:00Z')
const rules = await loadRules()

interface ExpectedOutcome {
  status: number
  issues: Pick<Issue, 'severity' | 'rule' | 'expression'>[]
}
interface ListedPatient {
  nhsNumber: string
  family: string
  birthDate: string
  postcode: string
}
const PATIENTS = readJson('patients.json') as ListedPatient[]

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(FIXTURES, path), 'utf8'))
}

function readFixture(folder: string, name: string): Immunization {
  return readJson(`immunization/${folder}/${name}.json`) as Immunization
}

function fixtureNames(folder: string): string[] {
  return readdirSync(join(FIXTURES, 'immunization', folder))
    .filter((name) => name.endsWith('.json') && !name.endsWith('.outcome.json'))
    .map((name) => name.slice(0, -'.json'.length))
}

function readOutcome(folder: string, name: string): ExpectedOutcome | undefined {
  const path = `immunization/${folder}/${name}.outcome.json`
  return existsSync(join(FIXTURES, path)) ? (readJson(path) as ExpectedOutcome) : undefined
}

/** Issues as sortable lines, so that two sets can be compared. */
function lines(issues: ExpectedOutcome['issues']): string[] {
  return issues.map(({ severity, rule, expression = [] }) => [severity, rule, ...expression].join(' ')).sort()
}

for (const name of fixtureNames('valid')) {
  t.test(`${name} is accepted, with the warnings that stand beside it`, (t) => {
    const resource = readFixture('valid', name)

    const { issues } = findIssues(resource, rules, NOW)

    t.same(
      lines(issues.filter(({ severity }) => severity !== 'information')),
      lines(readOutcome('valid', name)?.issues ?? [])
    )
    t.ok(issues.every(({ severity }) => severity === 'warning' || severity === 'information'))
    t.end()
  })
}

for (const name of fixtureNames('invalid')) {
  t.test(`${name} is refused with exactly the expected errors`, (t) => {
    const resource = readFixture('invalid', name)
    const expected = readOutcome('invalid', name)

    const { issues } = findIssues(resource, rules, NOW)

    const errors = issues.filter(({ severity }) => severity === 'error' || severity === 'fatal')
    const isBase = errors.some(({ layer }) => layer === 'base' || layer === 'json')
    t.ok(errors.length > 0)
    t.same(lines(errors), lines(expected?.issues ?? []))
    t.equal(isBase ? 400 : 422, expected?.status)
    t.end()
  })
}

t.test('no answer to a fixture repeats a patient', (t) => {
  for (const folder of ['valid', 'invalid']) {
    for (const name of fixtureNames(folder)) {
      const resource = readFixture(folder, name)
      const answer = JSON.stringify(findIssues(resource, rules, NOW).issues)
      const patient = (resource.contained ?? []).find(
        (contained): contained is Patient => contained.resourceType === 'Patient'
      )
      const secrets = [
        ...(patient?.identifier ?? []).map(({ value }) => value),
        ...(patient?.address ?? []).map(({ postalCode }) => postalCode),
        patient?.name?.[0]?.family,
        patient?.birthDate
      ]
      for (const secret of secrets) if (secret !== undefined) t.notOk(answer.includes(secret), name)
    }
  }
  t.end()
})

t.test('the patients of the fixtures are synthetic and listed', (t) => {
  t.ok(PATIENTS.length >= 12)
  t.equal(new Set(PATIENTS.map(({ nhsNumber }) => nhsNumber)).size, PATIENTS.length)
  for (const { nhsNumber, postcode } of PATIENTS) {
    t.ok(nhsNumber.startsWith('999') && isNhsNumber(nhsNumber))
    t.match(postcode, /^ZZ/, 'an area that does not exist')
  }
  for (const name of fixtureNames('valid')) {
    const resource = readFixture('valid', name)
    const { nhsNumber, birthDate } = readImmunizationFacts(resource)
    const listed = PATIENTS.find((patient) => patient.nhsNumber === nhsNumber)
    if (nhsNumber !== undefined) t.equal(listed?.birthDate, birthDate, name)
  }
  t.end()
})

t.test('the valid fixtures are records of their own from several suppliers and programmes', (t) => {
  const facts = fixtureNames('valid').map((name) => readImmunizationFacts(readFixture('valid', name)))

  t.ok(facts.length >= 36)
  t.equal(new Set(facts.map(({ identifier }) => `${identifier.system} ${identifier.value}`)).size, facts.length)
  t.ok(new Set(facts.map(({ identifier }) => identifier.system)).size >= 4)
  t.ok(new Set(facts.map(({ vaccineType }) => vaccineType)).size >= 15)
  t.end()
})

t.test('the pairs for deduplication are the same event from a pharmacy and a practice', (t) => {
  const read = (name: string): ReturnType<typeof readImmunizationFacts> =>
    readImmunizationFacts(readFixture('valid', name))
  const pairs = [
    [read('flu-pharmacy-older-adult'), read('flu-gp-copy-same-lot')],
    [read('flu-pharmacy-adult-at-risk'), read('flu-gp-copy-without-lot')]
  ] as const

  for (const [source, copy] of pairs) {
    t.equal(source.nhsNumber, copy.nhsNumber)
    t.equal(source.occurrenceDay, copy.occurrenceDay)
    t.same(source.targetDiseases, copy.targetDiseases)
    t.ok(source.primarySource && !copy.primarySource)
    t.not(source.identifier.system, copy.identifier.system)
  }
  t.equal(pairs[0][0].lotNumber?.toUpperCase(), pairs[0][1].lotNumber?.toUpperCase())
  t.equal(pairs[1][1].lotNumber, undefined)
  t.end()
})

t.test('generated records are accepted, unique, and the same every time', (t) => {
  const types = Object.keys(VACCINE_TYPES) as VaccineType[]
  const identities = new Set<string>()
  for (let n = 0; n < 400; n++) {
    const supplier = SYNTHETIC_SUPPLIERS[n % SYNTHETIC_SUPPLIERS.length]!
    const vaccineType = types[n % types.length]!
    const resource = syntheticImmunization({ n, vaccineType, supplier })
    const { issues, read } = findIssues(resource, rules, NOW)
    const faults = issues.filter(({ severity }) => severity !== 'information')

    t.same(faults, [], `${n} ${vaccineType}`)
    t.equal(read?.facts.vaccineType, vaccineType)
    t.ok(isNhsNumber(read?.facts.nhsNumber ?? '') && read?.facts.nhsNumber?.startsWith('999'))
    t.same(resource, syntheticImmunization({ n, vaccineType, supplier }))
    identities.add(`${read?.facts.identifier.system} ${read?.facts.identifier.value}`)
    t.ok(findPatient(resource))
  }
  t.equal(identities.size, 400)
  t.end()
})

t.test('the same number from two suppliers is the same event of the same patient', (t) => {
  const [pharmacy, , copy] = SYNTHETIC_SUPPLIERS
  const source = readImmunizationFacts(syntheticImmunization({ n: 7, vaccineType: 'FLU', supplier: pharmacy! }))
  const echo = readImmunizationFacts(syntheticImmunization({ n: 7, vaccineType: 'FLU', supplier: copy! }))

  t.equal(source.nhsNumber, echo.nhsNumber)
  t.equal(source.occurrenceDay, echo.occurrenceDay)
  t.not(source.identifier.system, echo.identifier.system)
  t.same([source.primarySource, echo.primarySource], [true, false])
  t.equal(echo.lotNumber, undefined)
  t.end()
})

// Small resources at the corners of the specification, each with the errors it must get and no others. The verdicts were
// decided from http://hl7.org/fhir/R4 and from what the official validator says of such a case, not from our own answers.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { createValidator } from '../../src/validation/validator.js'
import { FIXTURES } from './fixtures.js'
import { loadCatalogue } from './load-catalogue.js'

interface Case {
  group: string
  what: string
  /** `rule at expression`; empty for a resource that is accepted. */
  errors: string[]
  resource: unknown
}

const validator = createValidator(loadCatalogue())
const cases = readFileSync(new URL('verdicts.ndjson', FIXTURES), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Case)

for (const group of new Set(cases.map((one) => one.group))) {
  t.test(`every case of ${group} gets the verdict of the specification`, (t) => {
    for (const { what, errors, resource } of cases.filter((one) => one.group === group)) {
      const issues = validator.validate(resource).filter(({ severity }) => severity === 'error' || severity === 'fatal')
      const found = issues.map(({ rule, expression }) => `${rule} at ${expression?.join() ?? ''}`)
      t.same(found, errors, what)
      t.equal(validator.isValid(resource), errors.length === 0, `${what}: the fast pass agrees`)
    }
    t.end()
  })
}

t.test('what the specification only advises against is a warning', (t) => {
  const patient = {
    resourceType: 'Patient',
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' }
  }
  const cases: [object, string][] = [
    [
      { managingOrganization: { reference: 'Organization' } },
      'r4-reference-form at Patient.managingOrganization.reference'
    ]
  ]
  for (const [members, expected] of cases) {
    const issues = validator.validate({ ...patient, ...members })
    t.same(
      issues.map(({ severity, rule, expression }) => `${severity} ${rule} at ${expression?.join() ?? ''}`),
      [`warning ${expected}`]
    )
  }
  t.end()
})

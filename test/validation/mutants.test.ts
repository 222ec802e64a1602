// One fixture, one fault: every file of fixtures/validation is judged as it says of itself.
import t from 'tap'
import { refuses } from '../../src/fhir/issue.js'
import { writeRulesPage } from '../../src/validation/rules-page.js'
import { createValidator } from '../../src/validation/validator.js'
import { FIXTURES, readFixtures } from './fixtures.js'
import { loadCatalogue, readJson } from './load-catalogue.js'

const validator = createValidator(loadCatalogue())

t.test('every invalid fixture is refused at its path by its rule', (t) => {
  for (const { name, fixture, resource } of readFixtures('mutants/')) {
    const issues = validator.validate(resource)
    const errors = issues.filter((issue) => issue.severity === 'error' || issue.severity === 'fatal')
    const found = errors.map((issue) => `${issue.rule} at ${issue.expression?.join()}`)
    const wanted = `${fixture.expected?.rule} at ${fixture.expected?.expression}`
    t.ok(found.includes(wanted), `${name}: ${wanted}`, { found })
    t.notOk(validator.isValid(resource), `${name} is refused by the fast pass too`)
  }
  t.end()
})

t.test('every valid fixture is accepted', (t) => {
  for (const { name, resource } of readFixtures('valid/')) {
    const issues = validator.validate(resource)
    t.notOk(refuses(issues), name, { issues })
    t.ok(validator.isValid(resource), `${name} is accepted by the fast pass too`)
  }
  t.end()
})

t.test('a clean resource leaves nothing to say', (t) => {
  t.same(validator.validate(readJson(new URL('rich-immunization.json', FIXTURES))), [])
  t.end()
})

t.test('every rule that a fixture breaks is explained on the rules page', (t) => {
  const page = writeRulesPage()
  for (const { name, fixture } of readFixtures('mutants/')) t.match(page, `\`${fixture.expected?.rule}\``, name)
  t.end()
})

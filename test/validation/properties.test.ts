// What must hold for any input: both passes agree, nothing throws, one fault is found where it is, and the schema printed
// for suppliers says the same of structure as the validator.
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import t from 'tap'
import { type Issue, refuses } from '../../src/fhir/issue.js'
import { createValidator } from '../../src/validation/validator.js'
import { loadCatalogue, readJson } from './load-catalogue.js'
import { expressionOf, mutate, type Mutation, MUTATION_KINDS, placesOf, type Step } from './mutate.js'

const validator = createValidator(loadCatalogue())
const rich = readJson(new URL('../../fixtures/validation/rich-immunization.json', import.meta.url)) as object
const places = placesOf(rich)
const mutations = fc.record({ kind: fc.constantFrom(...MUTATION_KINDS), path: fc.constantFrom(...places) })

// The rules that JSON Schema can express.
const STRUCTURAL =
  /-(?:unknown-element|json-type|json-array|empty|null|cardinality-min|cardinality-max|choice-repeated|primitive-format|code-unknown|resource-type|narrative|primitive-sibling)$/

t.test('one fault in a valid resource is reported where it is', (t) => {
  fc.assert(
    fc.property(mutations, (mutation) => {
      const mutant = mutate(rich, mutation)
      if (mutant === undefined) return true
      const errors = validator
        .validate(mutant)
        .filter((issue) => issue.severity === 'error' || issue.severity === 'fatal')
      const expected = expressionOf('Immunization', mutation.path)
      return errors.some((issue) => issue.expression?.[0]?.startsWith(expected) === true)
    }),
    { numRuns: 3000 }
  )
  t.pass('3000 mutations')
  t.end()
})

t.test('fast pass and explaining pass agree on any mutation, and never throw', (t) => {
  const nested = fc.tuple(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }))
  fc.assert(
    fc.property(fc.array(nested, { minLength: 1, maxLength: 3 }), fc.option(mutations), (changes, mutation) => {
      let resource: unknown = (mutation === null ? undefined : mutate(rich, mutation)) ?? structuredClone(rich)
      for (const [path, value] of changes) resource = placed(resource, path, value)
      return agrees(resource)
    }),
    { numRuns: 3000 }
  )
  t.pass('3000 resources')
  t.end()
})

t.test('any JSON value is answered', (t) => {
  const types = fc.constantFrom(
    'Immunization',
    'Patient',
    'Bundle',
    'Observation',
    'Parameters',
    'Questionnaire',
    'nonsense'
  )
  const resources = fc.tuple(
    types,
    fc.dictionary(
      fc.constantFrom('id', 'meta', 'contained', 'extension', 'status', 'text', 'entry', 'item', '__proto__', 'x'),
      fc.jsonValue()
    )
  )
  fc.assert(
    fc.property(resources, ([resourceType, members]) => agrees({ ...members, resourceType })),
    { numRuns: 2000 }
  )
  fc.assert(fc.property(fc.jsonValue(), agrees), { numRuns: 1000 })
  t.pass('3000 values')
  t.end()
})

t.test('the JSON Schema for suppliers agrees with the validator on structure', (t) => {
  const ajv = new Ajv2020({ strict: false, logger: false })
  const matchesSchema = ajv.compile(validator.jsonSchema('Immunization') ?? {})
  t.ok(matchesSchema(rich), 'the valid resource passes the schema', { errors: matchesSchema.errors })
  fc.assert(
    fc.property(mutations, (mutation) => {
      const mutant = mutate(rich, mutation)
      if (mutant === undefined || isBeyondSchema(mutation)) return true
      return matchesSchema(mutant) === !validator.validate(mutant).some(isStructural)
    }),
    { numRuns: 3000 }
  )
  t.end()
})

function agrees(resource: unknown): boolean {
  const issues = validator.validate(resource)
  return validator.isValid(resource) === !refuses(issues)
}

function isStructural(issue: Issue): boolean {
  return issue.severity === 'error' && STRUCTURAL.test(issue.rule)
}

// A schema cannot see whether null in a list of primitives keeps the place of an extension.
function isBeyondSchema({ kind, path }: Mutation): boolean {
  return kind === 'null' && typeof path.at(-1) === 'number'
}

// The value put at a path, as far as the path still leads somewhere.
function placed(resource: unknown, path: readonly Step[], value: unknown): unknown {
  let owner = resource
  for (const step of path.slice(0, -1)) owner = memberOf(owner, step)
  if (typeof owner === 'object' && owner !== null) (owner as Record<Step, unknown>)[path.at(-1) ?? ''] = value
  return resource
}

function memberOf(value: unknown, step: Step): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<Step, unknown>)[step] : undefined
}

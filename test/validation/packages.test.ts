// Definitions from outside: official packages with snapshots or differentials only, and everything that can be wrong with them.
import t from 'tap'
import { readCatalogue } from '../../src/validation/definitions/catalogue.js'
import { type PackedFile, readPackage } from '../../src/validation/definitions/definition-package.js'
import { createSnapshots } from '../../src/validation/definitions/snapshot.js'
import { isObject } from '../../src/validation/definitions/structure-definition.js'
import { writeSnapshot } from '../../src/validation/definitions/write-snapshot.js'
import { createExpressionEngine } from '../../src/validation/expression-engine.js'
import { createValidator } from '../../src/validation/validator.js'
import { readFixtures } from './fixtures.js'
import { loadCatalogue, readProfileFiles } from './load-catalogue.js'

const UK = 'https://fhir.hl7.org.uk/StructureDefinition/'
const r4 = readProfileFiles(['r4'])
const ours = createValidator(loadCatalogue())

t.test('an official-shaped package judges as our own expression, with snapshots and without', (t) => {
  for (const shape of ['snapshot', 'differential'] as const) {
    const { files, name, version } = readPackage('uk-core.tgz', packOurs(shape))
    t.same([name, version], ['fhir.r4.ukcore.stu2', '2.0.2'])
    const validator = createValidator(readCatalogue(r4, files))
    t.ok(validator.profiles().every((profile) => profile.file.startsWith('uk-core.tgz: package/')))
    for (const { name: fixture, resource } of [...readFixtures('mutants/'), ...readFixtures('valid/')]) {
      t.same(validator.validate(resource), ours.validate(resource), `${shape}: ${fixture}`)
    }
  }
  t.end()
})

t.test('a package takes the place of our expression of the same canonical', (t) => {
  const stricter = {
    ...profile(),
    version: '9.0.0',
    differential: { element: [{ id: 'Immunization.lotNumber', path: 'Immunization.lotNumber', min: 1 }] }
  }
  const { files } = readPackage('stricter.tgz', pack([stricter]))
  const validator = createValidator(readCatalogue(readProfileFiles(), files))
  const [valid] = readFixtures('valid/')
  const { lotNumber: _lotNumber, ...resource } = valid?.resource as Record<string, unknown>
  const issues = validator.validate(resource)
  t.same(
    issues.map((issue) => issue.rule),
    ['profile-cardinality-min']
  )
  t.match(issues[0]?.text, /required by UKCore-Immunization\|9\.0\.0/)
  t.same(validator.validate(resource, `${UK}UKCore-Immunization|2.4.0`), [], 'the other version is still there by name')
  t.end()
})

t.test('of several versions the newest is used', (t) => {
  const versions = ['2.9.0', '2.10.0', '2.4.1'].map((version) => ({ ...profile(), version }))
  const { files } = readPackage('versions.tgz', pack(versions))
  const validator = createValidator(readCatalogue(r4, files))
  t.equal(validator.profiles()[0]?.version, '2.10.0')
  t.end()
})

t.test('what is wrong with a package is said with archive and file', (t) => {
  const manifest = {
    path: 'package/package.json',
    text: JSON.stringify({ name: 'x', version: '1.0.0', fhirVersions: ['4.0.1'] })
  }
  const cases: [string, PackedFile[], RegExp][] = [
    ['broken JSON', [manifest, { path: 'package/a.json', text: '{"url":' }], /p\.tgz: package\/a\.json: is not JSON/],
    ['path traversal', [manifest, { path: 'package/../../etc/x.json', text: '{}' }], /leaves the package/],
    ['absolute path', [manifest, { path: '/etc/x.json', text: '{}' }], /leaves the package/],
    ['no manifest', [{ path: 'package/a.json', text: '{}' }], /package\.json: is missing/],
    [
      'another FHIR',
      [{ ...manifest, text: '{"name":"x","version":"1","fhirVersions":["5.0.0"]}' }],
      /is for FHIR 5\.0\.0/
    ]
  ]
  for (const [name, files, message] of cases) t.throws(() => readPackage('p.tgz', files), { message }, name)
  const limits = { maxFiles: 2, maxCharacters: 1000, maxTotalCharacters: 1500 }
  const large = { path: 'package/large.json', text: ' '.repeat(1001) }
  const half = { path: 'package/half.json', text: ' '.repeat(900) }
  t.throws(() => readPackage('bomb.tgz', [manifest, large], limits), { message: /too large for a definition/ })
  t.throws(() => readPackage('bomb.tgz', [half, half], limits), { message: /too large when unpacked/ })
  t.throws(() => readPackage('bomb.tgz', [manifest, manifest, manifest], limits), { message: /more than 2 files/ })
  t.end()
})

t.test('what a package holds beside definitions is left out and said', (t) => {
  const r5 = { ...profile(), url: `${UK}r5`, fhirVersion: '5.0.0' }
  const files = pack([r5, { resourceType: 'SearchParameter', url: 'x' }], {
    'hl7.fhir.r5.core': '5.0.0',
    'hl7.fhir.r4.core': '4.0.1'
  })
  files.push(
    { path: 'package/examples/Patient-1.json', text: 'not even JSON' },
    { path: 'package/.index.json', text: '[]' }
  )
  const read = readPackage('p.tgz', files)
  t.same(read.files, [])
  t.match(read.remarks, [/depends on hl7\.fhir\.r5\.core/, /is for FHIR 5\.0\.0: not used/])
  t.end()
})

t.test('a construct that no builder knows stops the start, with file and element', (t) => {
  const cases: [object, RegExp][] = [
    [
      { id: 'Immunization.site', path: 'Immunization.site', mustHaveValue: true },
      /bad\.json: Immunization\.site: "mustHaveValue"/
    ],
    [
      { id: 'Immunization.colour', path: 'Immunization.colour' },
      /Immunization\.colour: names an element that its base does not have/
    ],
    [{ id: 'Immunization.site', path: 'Immunization.site', type: [{ code: 'Period' }] }, /asks for type Period/],
    [{ id: 'Immunization.site', path: 'Immunization.site', max: 'many' }, /max must be/]
  ]
  for (const [element, message] of cases) {
    const content = { ...profile(), differential: { element: [element] } }
    t.throws(() => createValidator(readCatalogue(r4, [{ name: 'bad.json', content }])), { message })
  }
  const sliced = [
    {
      id: 'Immunization.identifier',
      path: 'Immunization.identifier',
      slicing: { discriminator: [{ type: 'value', path: 'assigner.resolve()' }], rules: 'open' }
    },
    { id: 'Immunization.identifier:a', path: 'Immunization.identifier', sliceName: 'a' }
  ]
  const content = { ...profile(), differential: { element: sliced } }
  t.throws(() => createValidator(readCatalogue(r4, [{ name: 'bad.json', content }])), {
    message: /discriminator path "assigner\.resolve\(\)"/
  })
  t.throws(() => readCatalogue([{ name: 'profiles/uk-core/odd.json', content: { resourceType: 'Patient' } }]), {
    message: /odd\.json: expected a StructureDefinition/
  })
  t.end()
})

t.test('every definition of base R4 and every extension compiles', (t) => {
  const catalogue = loadCatalogue()
  const validator = createValidator(catalogue)
  for (const [url, [loaded]] of catalogue.definitions) {
    if (loaded?.definition.kind !== 'resource' || loaded.definition.abstract === true) continue
    t.doesNotThrow(() => validator.isValid({ resourceType: loaded.definition.type }, url), url)
  }
  for (const [url, [loaded]] of catalogue.definitions) {
    if (loaded?.definition.type !== 'Extension') continue
    t.doesNotThrow(() => validator.validate({ resourceType: 'Patient', extension: [{ url, valueString: 'x' }] }), url)
  }
  t.end()
})

t.test('slices by pattern, by nested code, by type and by existence', (t) => {
  const component = 'Observation.component'
  const element = [
    {
      id: component,
      path: component,
      slicing: { discriminator: [{ type: 'pattern', path: 'code' }], rules: 'closed' }
    },
    { id: `${component}:a`, path: component, sliceName: 'a', min: 1, max: '1' },
    {
      id: `${component}:a.code`,
      path: `${component}.code`,
      patternCodeableConcept: { coding: [{ system: 'urn:x', code: 'a' }] }
    },
    { id: `${component}:a.value[x]`, path: `${component}.value[x]`, min: 1, type: [{ code: 'Quantity' }] },
    {
      id: 'Observation.category',
      path: 'Observation.category',
      slicing: { discriminator: [{ type: 'value', path: 'coding.code' }], rules: 'open' }
    },
    { id: 'Observation.category:lab', path: 'Observation.category', sliceName: 'lab', min: 1 },
    { id: 'Observation.category:lab.coding', path: 'Observation.category.coding', min: 1 },
    {
      id: 'Observation.category:lab.coding.code',
      path: 'Observation.category.coding.code',
      min: 1,
      fixedCode: 'laboratory'
    },
    {
      id: 'Observation.performer',
      path: 'Observation.performer',
      slicing: { discriminator: [{ type: 'exists', path: 'identifier' }], rules: 'open' }
    },
    { id: 'Observation.performer:known', path: 'Observation.performer', sliceName: 'known', max: '1' },
    { id: 'Observation.performer:known.identifier', path: 'Observation.performer.identifier', min: 1 },
    { id: 'Observation.value[x]:valueString', path: 'Observation.valueString', sliceName: 'valueString', maxLength: 3 }
  ]
  const content = { ...profile('Observation'), differential: { element } }
  const validator = createValidator(readCatalogue(r4, [{ name: 'sliced.json', content }]))
  const lab = { coding: [{ system: 'urn:y', code: 'laboratory' }] }
  const part = (code: string, value: object): object => ({
    code: { coding: [{ system: 'urn:x', code, display: 'x' }] },
    ...value
  })
  const observation = (members: object): object => ({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'x' },
    category: [lab],
    component: [part('a', { valueQuantity: { value: 1 } })],
    ...members
  })
  const rulesOf = (members: object): string[] => {
    const errors = validator.validate(observation(members)).filter((issue) => issue.severity === 'error')
    return errors.map((issue) => `${issue.rule} at ${issue.expression?.join()}`)
  }
  t.same(rulesOf({}), [])
  t.same(rulesOf({ component: [part('a', { valueString: 'x' })] }), [
    'profile-type-not-allowed at Observation.component[0].value.ofType(string)'
  ])
  t.same(rulesOf({ component: [part('a', { valueQuantity: { value: 1 } }), part('b', {})] }), [
    'profile-slice-closed at Observation.component[1]'
  ])
  t.same(rulesOf({ component: undefined }).length > 0, true)
  t.same(rulesOf({ category: [{ coding: [{ code: 'vital' }] }] }), ['profile-slice-min at Observation.category'])
  t.same(rulesOf({ performer: [{ identifier: { value: '1' } }, { identifier: { value: '2' } }, { display: 'x' }] }), [
    'profile-slice-max at Observation.performer'
  ])
  t.same(rulesOf({ valueString: 'abcd' }), ['profile-value-range at Observation.value.ofType(string)'])
  t.end()
})

t.test('an expression without native form goes to the engine, and is never passed over in silence', (t) => {
  const constraint = [
    { key: 'x-1', severity: 'error', expression: 'lotNumber.exists()' },
    { key: 'ext-1', severity: 'error', expression: 'false' }
  ]
  const content = {
    ...profile(),
    differential: { element: [{ id: 'Immunization', path: 'Immunization', constraint }] }
  }
  const catalogue = readCatalogue(readProfileFiles(), [{ name: 'x.json', content }])
  const [valid] = readFixtures('valid/')
  const rulesWith = (answer: (expression: string) => unknown): string[] => {
    const engine = createExpressionEngine(
      {
        compile:
          ({ expression }) =>
          () =>
            answer(expression)
      },
      undefined
    )
    return createValidator(catalogue, { engine })
      .validate(valid?.resource)
      .map((issue) => `${issue.severity} ${issue.rule}`)
  }
  const unchecked = 'warning profile-invariant-unchecked'
  t.same(
    createValidator(catalogue)
      .validate(valid?.resource)
      .map((issue) => `${issue.severity} ${issue.rule}`),
    [unchecked, unchecked]
  )
  t.same(
    rulesWith(() => [true]),
    []
  )
  t.same(
    rulesWith((expression) => [expression !== 'false']),
    ['error ext-1'],
    'a known key with another text is not taken for the native one'
  )
  t.same(
    rulesWith(() => []),
    [unchecked, unchecked]
  )
  t.same(
    rulesWith(() => {
      throw new Error('holds the resource')
    }),
    [unchecked, unchecked]
  )
  t.end()
})

function profile(type = 'Immunization'): Record<string, unknown> {
  return {
    resourceType: 'StructureDefinition',
    url: `${UK}UKCore-${type}`,
    version: '1.0.0',
    kind: 'resource',
    type,
    baseDefinition: `http://hl7.org/fhir/StructureDefinition/${type}`,
    derivation: 'constraint',
    differential: { element: [] }
  }
}

function pack(resources: readonly object[], dependencies: Record<string, string> = {}): PackedFile[] {
  const manifest = { name: 'fhir.r4.ukcore.stu2', version: '2.0.2', fhirVersions: ['4.0.1'], dependencies }
  return [
    { path: 'package/package.json', text: JSON.stringify(manifest) },
    ...resources.map((resource, index) => ({ path: `package/resource-${index}.json`, text: JSON.stringify(resource) }))
  ]
}

// Our own expression in the shape of an official package: snapshots in place of differentials, or as it is.
function packOurs(shape: 'snapshot' | 'differential'): PackedFile[] {
  const snapshots = createSnapshots(loadCatalogue())
  const resources = readProfileFiles(['uk-core', 'terminology']).map(({ content }) => {
    if (!isObject(content) || content['resourceType'] !== 'StructureDefinition' || shape === 'differential')
      return content as object
    const tree = snapshots.read(String(content['url']), 'test')
    return { ...content, differential: undefined, snapshot: { element: writeSnapshot(tree) } }
  })
  return pack(resources)
}

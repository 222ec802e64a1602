// Packages as the publisher writes them: every element with its prose, system types, repeated invariants of its type and
// declared slicing. None of that may stop the start or change a verdict.
import t from 'tap'
import { readCatalogue } from '../../src/validation/definitions/catalogue.js'
import { createSnapshots } from '../../src/validation/definitions/snapshot.js'
import { type ElementDefinition, FHIR_TYPE, isObject } from '../../src/validation/definitions/structure-definition.js'
import { writeSnapshot } from '../../src/validation/definitions/write-snapshot.js'
import { createValidator } from '../../src/validation/validator.js'
import { readFixtures } from './fixtures.js'
import { loadCatalogue, readProfileFiles } from './load-catalogue.js'

const UK = 'https://fhir.hl7.org.uk/StructureDefinition/'
const HL7 = 'http://hl7.org/fhir/StructureDefinition/'
const r4 = readProfileFiles(['r4'])
const ours = createValidator(loadCatalogue())

const HEAD = {
  fhirVersion: '4.0.1',
  status: 'active',
  copyright: 'prose',
  mapping: [{ identity: 'rim', uri: 'http://hl7.org/v3', name: 'prose' }],
  keyword: [{ code: 'prose' }],
  text: { status: 'empty' }
}

const BY_URL = {
  discriminator: [{ type: 'value', path: 'url' }],
  description: 'Extensions are always sliced by (at least) url',
  rules: 'open'
}
const SYSTEM_STRING = {
  code: 'http://hl7.org/fhirpath/System.String',
  extension: [{ url: FHIR_TYPE, valueUrl: 'string' }]
}
const PROSE = { human: 'prose', xpath: 'prose', source: `${HL7}Element`, requirements: 'prose' }
const EXT_1 = { key: 'ext-1', severity: 'error', expression: 'extension.exists() != value.exists()' }
const REF_1 = {
  key: 'ref-1',
  severity: 'error',
  expression:
    "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))"
}

t.test('snapshots with all the prose of the publisher judge as our own expression', (t) => {
  const snapshots = createSnapshots(loadCatalogue())
  const files = readProfileFiles(['uk-core', 'terminology']).map(({ name, content }) => {
    if (!isObject(content) || content['resourceType'] !== 'StructureDefinition') return { name, content }
    const element = writeSnapshot(snapshots.read(String(content['url']), 'test')).map(asPublished)
    return { name, content: { ...content, ...HEAD, snapshot: { element } } }
  })
  const validator = createValidator(readCatalogue(r4, files))
  for (const { name, resource } of [...readFixtures('mutants/'), ...readFixtures('valid/')]) {
    t.same(rulesOf(validator, resource), rulesOf(ours, resource), name)
  }
  t.end()
})

t.test('what official profiles use beyond ours is compiled', (t) => {
  const elements: ElementDefinition[] = [
    { id: 'Observation.identifier.value', path: 'Observation.identifier.value', maxLength: 3 },
    { id: 'Observation.code', path: 'Observation.code', patternCodeableConcept: { coding: [{ system: 'urn:a:b' }] } },
    {
      id: 'Observation.category',
      path: 'Observation.category',
      binding: {
        strength: 'preferred',
        valueSet: 'http://hl7.org/fhir/ValueSet/observation-status',
        extension: [
          {
            url: `${HL7}elementdefinition-maxValueSet`,
            valueCanonical: 'http://hl7.org/fhir/ValueSet/observation-status'
          },
          { url: 'http://hl7.org/fhir/tools/StructureDefinition/additional-binding' }
        ]
      }
    },
    {
      id: 'Observation.subject',
      path: 'Observation.subject',
      type: [
        { code: 'Reference', targetProfile: [`${UK}UKCore-Patient`] },
        { code: 'Reference', targetProfile: [`${HL7}Group`] }
      ]
    },
    {
      id: 'Observation.specimen',
      path: 'Observation.specimen',
      type: [{ code: 'Reference', targetProfile: ['https://other.example/StructureDefinition/Blood'] }]
    },
    { id: 'Observation.value[x]', path: 'Observation.value[x]', slicing: byType() },
    {
      id: 'Observation.value[x]:valueInteger',
      path: 'Observation.value[x]',
      sliceName: 'valueInteger',
      type: [{ code: 'integer' }],
      minValueInteger: 1,
      maxValueInteger: 5
    },
    {
      id: 'Observation.component.referenceRange',
      path: 'Observation.component.referenceRange',
      contentReference: `${HL7}Observation#Observation.referenceRange`
    },
    { id: 'Observation.code.coding', path: 'Observation.code.coding', slicing: byType() },
    { id: 'Observation.code.coding:one', path: 'Observation.code.coding', sliceName: 'one', type: [{ code: 'Coding' }] }
  ]
  const content = {
    resourceType: 'StructureDefinition',
    ...HEAD,
    url: `${UK}UKCore-Observation`,
    version: '9.0.0',
    kind: 'resource',
    type: 'Observation',
    baseDefinition: `${HL7}Observation`,
    derivation: 'constraint',
    differential: { element: elements.map(asPublished) }
  }
  const validator = createValidator(readCatalogue(readProfileFiles(), [{ name: 'official.json', content }]))
  const coding = { system: 'urn:a:b', code: 'x' }
  const cases: [object, string[]][] = [
    [{}, []],
    [{ identifier: [{ value: '123' }] }, []],
    [{ identifier: [{ value: '1234' }] }, ['profile-value-range']],
    [{ code: { coding: [{ system: 'urn:a:c', code: 'x' }] } }, ['profile-fixed-value']],
    [{ category: [{ coding: [coding] }] }, ['profile-code-unknown']],
    [{ subject: { reference: 'Patient/1' } }, []],
    [{ subject: { reference: 'Group/1' } }, []],
    [{ subject: { reference: 'Device/1' } }, ['profile-reference-target']],
    [{ specimen: { reference: 'Specimen/1' } }, []],
    [{ valueInteger: 5 }, []],
    [{ valueInteger: 6 }, ['profile-value-range']],
    [{ valueString: 'x' }, []],
    [{ component: [{ code: { text: 'x' }, referenceRange: [{ text: 'x' }] }] }, []],
    [{ component: [{ code: { text: 'x' }, referenceRange: [{}] }] }, ['r4-empty', 'r4-obs-3']]
  ]
  for (const [members, expected] of cases) {
    const resource = { resourceType: 'Observation', status: 'final', code: { coding: [coding] }, ...members }
    t.same(errorsOf(validator, resource), expected, JSON.stringify(members))
  }
  t.end()
})

function byType(): NonNullable<ElementDefinition['slicing']> {
  return { discriminator: [{ type: 'type', path: '$this' }], ordered: false, rules: 'open' }
}

// As the tool of the publisher writes an element into a snapshot.
function asPublished(element: ElementDefinition): object {
  const { path, id = path, type } = element
  const isExtensionList = /xtension$/.test(path) && element.sliceName === undefined
  const isId = path.endsWith('.id')
  return {
    ...element,
    id,
    extension: [{ url: `${HL7}structuredefinition-standards-status`, valueCode: 'normative' }],
    short: 'prose',
    definition: 'prose',
    comment: 'prose',
    requirements: 'prose',
    alias: ['prose'],
    base: { path, min: 0, max: '*' },
    isSummary: false,
    mustSupport: true,
    isModifierReason: 'prose',
    meaningWhenMissing: 'prose',
    orderMeaning: 'prose',
    condition: ['ele-1'],
    representation: isId ? ['xmlAttr'] : [],
    example: [{ label: 'prose', valueString: 'prose' }],
    mapping: [{ identity: 'rim', map: 'prose' }],
    ...(isExtensionList && path.includes('.') ? { slicing: BY_URL } : {}),
    ...(isId && type !== undefined ? { type: [SYSTEM_STRING] } : {}),
    ...(element.binding === undefined ? {} : { binding: { ...element.binding, description: 'prose' } }),
    constraint: [
      ...(element.constraint ?? []),
      { key: 'ele-1', severity: 'error', expression: 'hasValue() or (children().count() > id.count())', ...PROSE },
      ...(type?.[0]?.code === 'Extension' ? [{ ...EXT_1, ...PROSE }] : []),
      ...(type?.[0]?.code === 'Reference' ? [{ ...REF_1, ...PROSE }] : [])
    ]
  }
}

type Judge = ReturnType<typeof createValidator>

function rulesOf(validator: Judge, resource: unknown): string[] {
  return validator.validate(resource).map(({ rule, expression }) => `${rule} at ${expression?.join() ?? ''}`)
}

function errorsOf(validator: Judge, resource: unknown): string[] {
  return validator
    .validate(resource)
    .filter(({ severity }) => severity === 'error')
    .map(({ rule }) => rule)
}

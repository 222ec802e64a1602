// What is left to a terminology server, and what its answers mean.
import t from 'tap'
import type { Issue } from '../../src/fhir/issue.js'
import { type Answer, tellAnswers, withoutSettled } from '../../src/validation/terminology-issues.js'
import { createValueSetShelf, type OpenConcept } from '../../src/validation/terminology-questions.js'
import { readCatalogue } from '../../src/validation/definitions/catalogue.js'
import { createValidator } from '../../src/validation/validator.js'
import { syntheticNhsNumber } from '../support/synthetic.js'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { loadCatalogue, readProfileFiles } from './load-catalogue.js'

const validator = createValidator(loadCatalogue())
const SNOMED = 'http://snomed.info/sct'
const DMD = 'https://dmd.nhs.uk'
const BY = { layer: 'profile', label: 'UKCore-Immunization|2.4.0' } as const

t.test('codes that a list at hand decides are not asked about, the others once for each coding', (t) => {
  const record = fluByPharmacy({
    site: { coding: [{ system: SNOMED, code: '368208006' }] },
    route: { coding: [{ system: SNOMED, code: '78421000', display: 'Intramuscular' }] },
    vaccineCode: { coding: [{ system: DMD, code: '39114911000001105' }] }
  })
  const concepts = validator.findOpenConcepts(record)
  const asked = Object.fromEntries(
    concepts.map(({ expression, codings }) => [expression, codings.map(({ question }) => question)])
  )
  t.equal(asked['Immunization.site'], undefined, 'the site is in the set that is listed here')
  t.same(asked['Immunization.route'], [{ valueSet: '', system: SNOMED, code: '78421000' }], 'no set at hand')
  t.match(asked['Immunization.vaccineCode'], [
    { valueSet: /^https:\/\/fhir\.hl7\.org\.uk\/ValueSet\/UKCore-VaccineCode\|2\.2\.0#[0-9a-f]{16}$/, system: DMD }
  ])
  const name = asked['Immunization.vaccineCode']?.[0]?.valueSet ?? ''
  t.match(validator.findValueSet(name), { resourceType: 'ValueSet', compose: { include: [{ system: DMD }] } })
  t.equal(validator.findValueSet(`${name}0`), undefined)
  t.same(Object.keys(asked).length, concepts.length, 'no element twice')
  t.end()
})

t.test('what is no SNOMED CT or dm+d identifier never leaves, whatever stands in the place of a code', (t) => {
  const codes = [
    { system: SNOMED, code: syntheticNhsNumber(1) },
    { system: SNOMED, code: '78421000 |Ashdown, Ada| : 260686004 = 1' },
    { system: SNOMED, code: '78421001' },
    { system: 'https://fhir.nhs.uk/Id/nhs-number', code: '78421000' },
    { code: '78421000' },
    { system: SNOMED }
  ]
  for (const coding of codes) {
    const concepts = validator.findOpenConcepts(fluByPharmacy({ route: { coding: [coding] } }))
    t.notOk(
      concepts.some(({ expression }) => expression === 'Immunization.route'),
      JSON.stringify(coding)
    )
  }
  for (const value of [null, 7, [], {}, { resourceType: 'Nothing' }, { resourceType: 'Immunization', route: 'x' }])
    t.same(validator.findOpenConcepts(value), [])
  t.end()
})

t.test('a resource that also claims its base profile leaves each question once', (t) => {
  const plain = validator.findOpenConcepts(fluByPharmacy())
  const claiming = validator.findOpenConcepts(
    fluByPharmacy({ meta: { profile: ['http://hl7.org/fhir/StructureDefinition/Immunization'] } })
  )
  t.equal(claiming.length, plain.length)
  t.ok(plain.length > 0)
  t.end()
})

t.test('a set is sent with its rules, without what they gave some time ago; another text is another name', (t) => {
  const url = 'https://example.org/ValueSet/routes'
  const rules = { include: [{ system: SNOMED, filter: [{ property: 'constraint', op: '=', value: '<1' }] }] }
  const expansion = { contains: [{ system: SNOMED, code: '78421000' }] }
  const set = { resourceType: 'ValueSet', url, compose: rules, text: { status: 'empty' } }
  const [first, second, bare] = [
    set,
    { ...set, compose: { include: [] } },
    { resourceType: 'ValueSet', url, expansion }
  ].map((one) => createValueSetShelf(new Map([[url, { ...one, expansion }]])))
  const name = first?.nameOf(`${url}|1.0`) ?? ''
  t.same(first?.find(name), { resourceType: 'ValueSet', url, compose: rules })
  t.not(second?.nameOf(url), name)
  t.match(bare?.find(bare.nameOf(url) ?? ''), { expansion })
  t.equal(first?.nameOf('https://example.org/ValueSet/other'), undefined)
  t.end()
})

const asOf = new Date('2026-11-22T10:00:00Z')
const MEMBER: Answer = { result: 'member', isInactive: false, asOf }
const OUTSIDE: Answer = { result: 'not-member', isInactive: false, asOf }
const UNKNOWN: Answer = { result: 'unknown', isInactive: false, asOf }

/** A concept with one coding for each answer; `undefined` is an open question. */
function tell(
  strength: OpenConcept['strength'],
  answers: readonly (Answer | undefined)[],
  valueSet = 'https://example.org/ValueSet/s#1'
): Issue[] {
  const codings = answers.map((_, index) => ({
    expression: `Immunization.route.coding[${index}]`,
    question: { valueSet, system: SNOMED, code: String(index) }
  }))
  const concept: OpenConcept = { expression: 'Immunization.route', strength, valueSetName: 's', by: BY, codings }
  return tellAnswers([concept], ({ code }) => answers[Number(code)])
}

function saidOf(issues: readonly Issue[]): string[] {
  return issues.map(({ severity, code, rule }) => `${severity} ${code} ${rule.replace('profile-terminology-', '')}`)
}

t.test('an answer becomes a warning where the binding is required or extensible, information where preferred', (t) => {
  const table: [answers: (Answer | undefined)[], required: string[], extensible: string[], preferred: string[]][] = [
    [[MEMBER], [], [], []],
    [[OUTSIDE, MEMBER], [], [], []],
    [[OUTSIDE], ...three('warning code-invalid outside', 'information code-invalid outside')],
    [[OUTSIDE, OUTSIDE], ...three('warning code-invalid outside', 'information code-invalid outside')],
    [
      [UNKNOWN],
      ['warning not-found unchecked'],
      ['information not-found unchecked'],
      ['information not-found unchecked']
    ],
    [[undefined], ...three('information transient open', 'information transient open')],
    [[OUTSIDE, undefined], ...three('information transient open', 'information transient open')],
    [[MEMBER, undefined], [], [], []],
    [
      [{ ...MEMBER, isInactive: true }],
      ...three('information informational inactive', 'information informational inactive')
    ]
  ]
  for (const [answers, required, extensible, preferred] of table) {
    t.same(saidOf(tell('required', answers)), required)
    t.same(saidOf(tell('extensible', answers)), extensible)
    t.same(saidOf(tell('preferred', answers)), preferred)
  }
  t.end()
})

t.test('without a value set each coding is told by itself', (t) => {
  t.same(saidOf(tell('preferred', [MEMBER, OUTSIDE], '')), ['information code-invalid code'])
  t.same(saidOf(tell('extensible', [OUTSIDE, undefined], '')), [
    'warning code-invalid code',
    'information transient open'
  ])
  t.same(saidOf(tell('required', [UNKNOWN], '')), ['warning not-found unchecked'])
  t.match(tell('required', [OUTSIDE], ''), [{ expression: ['Immunization.route.coding[0]'] }])
  t.end()
})

t.test('nothing is ever an error, and the answer says as of when', (t) => {
  const issues = tell('required', [{ ...OUTSIDE, systemVersion: 'http://snomed.info/sct/83821000000107' }])
  t.match(issues, [
    { diagnostics: 'terminology server, asked 2026-11-22T10:00:00.000Z, http://snomed.info/sct/83821000000107' }
  ])
  t.end()
})

t.test('a code that could not be checked here is settled by an answer, and by nothing else', (t) => {
  const profile = {
    resourceType: 'StructureDefinition',
    url: 'https://example.org/StructureDefinition/strict-route',
    type: 'Immunization',
    name: 'StrictRoute',
    kind: 'resource',
    derivation: 'constraint',
    abstract: false,
    status: 'active',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Immunization',
    differential: {
      element: [
        {
          id: 'Immunization.route',
          path: 'Immunization.route',
          binding: { strength: 'required', valueSet: 'https://example.org/ValueSet/routes' }
        }
      ]
    }
  }
  const routes = {
    resourceType: 'ValueSet',
    url: 'https://example.org/ValueSet/routes',
    compose: { include: [{ system: SNOMED, filter: [{ property: 'constraint', op: '=', value: '<1' }] }] }
  }
  const files = [...readProfileFiles(), { name: 'p.json', content: profile }, { name: 'v.json', content: routes }]
  const strict = createValidator(readCatalogue(files))
  const record = fluByPharmacy({
    meta: { profile: [profile.url] },
    route: { coding: [{ system: SNOMED, code: '78421000' }] }
  })
  const issues = strict.validate(record).filter(({ rule }) => rule === 'profile-code-unchecked')
  const concepts = strict.findOpenConcepts(record).filter(({ strength }) => strength === 'required')
  t.equal(issues.length, 1, 'the local judge says that it could not tell')
  t.equal(concepts.length, 1)
  t.same(
    withoutSettled(issues, concepts, () => MEMBER),
    []
  )
  t.same(
    withoutSettled(issues, concepts, () => OUTSIDE),
    []
  )
  t.same(
    withoutSettled(issues, concepts, () => UNKNOWN),
    issues
  )
  t.same(
    withoutSettled(issues, concepts, () => undefined),
    issues
  )
  t.end()
})

function three(strict: string, preferred: string): [string[], string[], string[]] {
  return [[strict], [strict], [preferred]]
}

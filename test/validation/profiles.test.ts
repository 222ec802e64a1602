// What the profiles ask beyond single faults: slices, extensions in their places, contained resources, claims, codes.
import t from 'tap'
import { type Issue, refuses } from '../../src/fhir/issue.js'
import { dropEmpties } from '../../src/validation/drop-empties.js'
import { createValidator } from '../../src/validation/validator.js'
import { loadCatalogue, readJson } from './load-catalogue.js'
import { mutate, placesOf } from './mutate.js'

const UK = 'https://fhir.hl7.org.uk/StructureDefinition/'
const NHS_NUMBER = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' }
const validator = createValidator(loadCatalogue())
const rich = readJson(new URL('../../fixtures/validation/rich-immunization.json', import.meta.url)) as Record<
  string,
  unknown
>

t.test('the NHS number of a patient is a slice of its own', (t) => {
  t.same(errorsOf({ resourceType: 'Patient', identifier: [NHS_NUMBER] }), [])
  t.same(errorsOf({ resourceType: 'Patient', identifier: [{ system: NHS_NUMBER.system }] }), [
    'profile-cardinality-min at Patient.identifier[0].value'
  ])
  t.same(errorsOf({ resourceType: 'Patient', identifier: [{ system: 'https://supplier.example/patients' }] }), [])
  t.same(errorsOf({ resourceType: 'Patient', identifier: [NHS_NUMBER, NHS_NUMBER] }), [
    'profile-slice-max at Patient.identifier'
  ])
  t.end()
})

t.test('an extension stands only where it belongs', (t) => {
  const status = {
    url: `${UK}Extension-UKCore-NHSNumberVerificationStatus`,
    valueCodeableConcept: {
      coding: [{ system: 'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland', code: '01' }]
    }
  }
  t.same(errorsOf({ resourceType: 'Patient', identifier: [{ ...NHS_NUMBER, extension: [status] }] }), [])
  t.same(errorsOf({ resourceType: 'Patient', extension: [status] }), [
    'profile-extension-context at Patient.extension[0]'
  ])
  t.same(errorsOf({ resourceType: 'Organization', name: 'x', identifier: [{ ...NHS_NUMBER, extension: [status] }] }), [
    'profile-extension-context at Organization.identifier[0].extension[0]'
  ])
  const other = {
    extension: [{ url: `${UK}Extension-UKCore-OtherContactSystem`, valueCodeableConcept: { text: 'x' } }]
  }
  t.same(errorsOf({ resourceType: 'Patient', telecom: [{ system: 'other', _system: other, value: '1' }] }), [])
  t.same(errorsOf({ resourceType: 'Patient', telecom: [{ system: 'other', value: '1', _value: other }] }), [
    'profile-extension-context at Patient.telecom[0].value.extension[0]'
  ])
  t.end()
})

t.test('an unknown extension is kept and mentioned, an unknown modifier is refused', (t) => {
  const unknown = [{ url: 'https://supplier.example/room', valueString: '3' }]
  const found = validator.validate({ resourceType: 'Patient', text: narrative(), extension: unknown })
  t.same(found.map(summary), ['r4-extension-unknown at Patient.extension[0]'])
  t.equal(found[0]?.severity, 'information')
  t.same(errorsOf({ resourceType: 'Patient', modifierExtension: unknown }), [
    'r4-modifier-extension at Patient.modifierExtension[0]'
  ])
  t.end()
})

t.test('the parts of an extension are judged by its definition', (t) => {
  const url = `${UK}Extension-UKCore-AddressKey`
  const type = { url: 'type', valueCodeableConcept: { text: 'PAF' } }
  const address = (extension: unknown[]): object => ({
    resourceType: 'Patient',
    address: [{ extension: [{ url, extension }] }]
  })
  t.same(errorsOf(address([type, { url: 'value', valueString: '1' }])), [])
  t.same(errorsOf(address([type, { url: 'value', valueInteger: 1 }])), [
    'profile-type-not-allowed at Patient.address[0].extension[0].extension[1].value.ofType(integer)'
  ])
  t.same(errorsOf(address([type, { url: 'number', valueString: '1' }])), [
    'profile-extension-part at Patient.address[0].extension[0].extension[1]',
    'profile-slice-min at Patient.address[0].extension[0].extension'
  ])
  t.end()
})

t.test('a contained resource is judged by the UK Core profile of its type', (t) => {
  const contained = [
    {
      resourceType: 'Organization',
      id: 'org',
      identifier: [{ system: 'https://fhir.nhs.uk/Id/ods-organization-code' }]
    }
  ]
  t.same(
    errorsOf({
      ...rich,
      contained: [...(rich['contained'] as object[]), ...contained],
      manufacturer: { reference: '#org' }
    }),
    ['profile-cardinality-min at Immunization.contained[2].identifier[0].value']
  )
  t.end()
})

t.test('references are of a known form and point at a type that fits', (t) => {
  const cases: [object, string[]][] = [
    [{ reference: 'Patient/1' }, []],
    [{ reference: 'https://ehr.example/fhir/Patient/1/_history/2' }, []],
    [{ reference: 'Patient?identifier=x|1' }, []],
    [{ reference: 'urn:oid:1.2.3' }, []],
    [{ display: 'only a name' }, []],
    [{ reference: 'https://ehr.example/fhir/Group/1' }, ['r4-reference-target at Immunization.patient']],
    [{ type: 'Practitioner', display: 'x' }, ['r4-reference-target at Immunization.patient']],
    [{ reference: 'Patient/1', type: 'Group' }, ['r4-reference-type at Immunization.patient.type']],
    [{ reference: 'patient 1' }, ['r4-reference-format at Immunization.patient.reference']],
    [{ reference: 'Patient' }, []],
    [{ reference: '#' }, ['r4-ref-1 at Immunization.patient']]
  ]
  const { contained: _contained, ...rest } = rich
  for (const [patient, expected] of cases) {
    t.same(errorsOf({ ...rest, patient, performer: [{ actor: { display: 'x' } }] }), expected, JSON.stringify(patient))
  }
  t.end()
})

t.test('codes: required sets refuse, extensible ones warn, text alone is fine', (t) => {
  const sex = (code: string): object => ({
    resourceType: 'Patient',
    extension: [
      {
        url: `${UK}Extension-UKCore-BirthSex`,
        valueCodeableConcept: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender', code }]
        }
      }
    ]
  })
  t.same(errorsOf(sex('F')), [])
  t.same(errorsOf(sex('X')), ['profile-code-unknown at Patient.extension[0].value.ofType(CodeableConcept)'])
  const performer = (function_: object): object => ({
    ...rich,
    performer: [{ function: function_, actor: { reference: '#practitioner' } }]
  })
  const system = 'http://terminology.hl7.org/CodeSystem/v2-0443'
  t.same(validator.validate(performer({ coding: [{ system, code: 'XX' }] })).map(summary), [
    'r4-code-outside at Immunization.performer[0].function'
  ])
  t.same(validator.validate(performer({ text: 'vaccinator' })), [])
  const speaks = (code: string): object => ({
    resourceType: 'Patient',
    communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code }] } }]
  })
  t.same(errorsOf(speaks('en-GB')), [])
  t.same(errorsOf(speaks('English (UK)')), ['profile-code-unknown at Patient.communication[0].language'])
  t.same(errorsOf({ resourceType: 'Patient', language: 'en_GB' }), ['r4-code-unknown at Patient.language'])
  t.end()
})

t.test('a SNOMED code with a lost digit is a warning that names the place', (t) => {
  const issues = validator.validate({
    ...rich,
    site: { coding: [{ system: 'http://snomed.info/sct', code: '36820800' }] }
  })
  t.same(issues.map(summary), ['r4-snomed-form at Immunization.site.coding[0].code'])
  t.notOk(refuses(issues))
  t.end()
})

t.test('invariants across elements', (t) => {
  t.same(errorsOf({ resourceType: 'Patient', contact: [{ gender: 'male' }] }), ['r4-pat-1 at Patient.contact[0]'])
  t.same(
    errorsOf({ resourceType: 'Organization', telecom: [{ system: 'phone', value: '1', use: 'home' }], name: 'x' }),
    ['r4-org-3 at Organization.telecom[0]']
  )
  t.same(errorsOf({ resourceType: 'Organization' }), ['r4-org-1 at Organization'])
  const name = (start: string, end: string): object => ({
    resourceType: 'Patient',
    name: [{ text: 'x', period: { start, end } }]
  })
  t.same(errorsOf(name('2024-02', '2024-02-01')), [])
  t.same(errorsOf(name('2024-02-02', '2024-02-01')), ['r4-per-1 at Patient.name[0].period'])
  t.same(errorsOf(name('2024-02-01T10:00:00+01:00', '2024-02-01T09:00:00Z')), [])
  t.end()
})

t.test('entries of a Bundle stand for themselves', (t) => {
  const entry = { fullUrl: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', resource: rich }
  t.same(errorsOf({ resourceType: 'Bundle', type: 'collection', entry: [entry] }), [])
  t.same(errorsOf({ resourceType: 'Bundle', type: 'collection', entry: [entry, entry] }), ['r4-bdl-7 at Bundle'])
  const { contained: _contained, ...other } = rich
  t.same(errorsOf({ resourceType: 'Bundle', type: 'batch', entry: [{ ...entry, resource: other }] }), [
    'r4-ref-1 at Bundle.entry[0].resource.patient',
    'r4-ref-1 at Bundle.entry[0].resource.performer[0].actor',
    'r4-bdl-3 at Bundle'
  ])
  t.end()
})

t.test('profiles: the default, one asked for, one claimed, one not known', (t) => {
  const notDone = { ...rich, status: 'not-done' }
  t.same(errorsOf(notDone), ['ukcore-imm-001 at Immunization'])
  t.same(validator.validate(notDone, 'http://hl7.org/fhir/StructureDefinition/Immunization'), [])
  t.same(validator.validate(rich, `${UK}UKCore-Immunization|2.4.0`), [])
  t.same(validator.validate(rich, `${UK}UKCore-Immunization|1.0.0`).map(summary), [
    'r4-profile-unknown at Immunization'
  ])
  t.same(validator.validate(rich, `${UK}UKCore-Patient`).map(summary), ['r4-resource-not-allowed at Immunization'])
  t.notOk(validator.isValid(rich, `${UK}UKCore-Patient`))
  const claims = { ...rich, meta: { profile: [`${UK}UKCore-Immunization`, 'https://fhir.example/Profile'] } }
  t.same(validator.validate(claims).map(summary), ['r4-profile-claim-unknown at Immunization.meta.profile[1]'])
  const summaries = validator.profiles().filter((profile) => profile.isDefault)
  t.ok(summaries.some((profile) => profile.canonical === `${UK}UKCore-Immunization` && profile.version === '2.4.0'))
  t.end()
})

t.test('what is no resource is refused with one issue', (t) => {
  for (const value of [
    null,
    1,
    'x',
    [],
    {},
    { resourceType: 'Nonsense' },
    { resourceType: 7 },
    { resourceType: 'DomainResource' }
  ]) {
    t.same(
      validator.validate(value).map((issue) => `${issue.severity} ${issue.rule}`),
      ['fatal r4-resource-type']
    )
    t.notOk(validator.isValid(value))
  }
  t.end()
})

t.test('nesting that could exhaust the stack is refused', (t) => {
  let extension: object = { url: 'https://supplier.example/deep', valueBoolean: true }
  for (let level = 0; level < 5000; level++)
    extension = { url: 'https://supplier.example/deep', extension: [extension] }
  const issues = validator.validate({ resourceType: 'Patient', extension: [extension] })
  t.ok(issues.some((issue) => issue.rule === 'r4-too-deep'))
  t.end()
})

t.test('no issue repeats what the sender wrote', (t) => {
  for (const path of placesOf(rich)) {
    const owner = structuredClone(rich) as object
    const mutant = mutate(owner, { kind: 'wrong-type', path })
    const text = JSON.stringify(validator.validate(markAll(mutant)))
    t.notMatch(text, /SECRET|9990000018|Testpatient|1958|ZZ99/, path.join('/'))
  }
  const named = validator.validate({ ...rich, 'NHS 999 000 0018': 'x' })
  t.same(named.map(summary), ['r4-unknown-element at Immunization'])
  t.notMatch(JSON.stringify(named), /999 000/)
  t.end()
})

t.test('tolerant mode leaves out what is empty and says so', (t) => {
  const sent = { ...rich, reportOrigin: {}, note: [], lotNumber: null, reaction: [{ date: '2026-10-07' }, {}] }
  const { resource, issues } = dropEmpties(sent)
  t.same(issues.map(summary), [
    'r4-empty-dropped at Immunization.reportOrigin',
    'r4-empty-dropped at Immunization.lotNumber',
    'r4-empty-dropped at Immunization.note',
    'r4-empty-dropped at Immunization.reaction[1]'
  ])
  t.same(errorsOf(resource), [])
  t.same(sent.reportOrigin, {}, 'what was sent is untouched')
  t.equal(dropEmpties(rich).resource, rich, 'nothing to drop, nothing copied')
  t.end()
})

t.test('a compiled profile can be read', (t) => {
  const rows = validator.describe('Patient') ?? []
  const row = rows.find((one) => one.path === 'Patient.identifier:nhsNumber.value')
  t.same(row, {
    path: 'Patient.identifier:nhsNumber.value',
    cardinality: '1..1',
    types: 'string',
    rules: ['at least 1 (UKCore-Patient|2.6.1)']
  })
  t.equal(validator.describe('https://fhir.example/unknown'), undefined)
  t.end()
})

function errorsOf(resource: unknown): string[] {
  const issues = validator.validate(resource)
  const errors = issues.filter((issue) => issue.severity === 'error' || issue.severity === 'fatal')
  return errors.map(summary)
}

function summary(issue: Issue): string {
  return `${issue.rule} at ${issue.expression?.join() ?? ''}`
}

function narrative(): object {
  return { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' }
}

// Every text gets a mark, so that any repetition of it would show.
function markAll(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(markAll)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, name === 'resourceType' ? member : markAll(member)])
    )
  }
  return typeof value === 'string' ? `${value} SECRET` : value
}

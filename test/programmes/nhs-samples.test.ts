// Records in the shape of the NHS samples through all judges: contained Patient and Practitioner, logical organisations,
// a dose number that is a text, one product for every disease. Severities: reference 3.6.
import type { Immunization, Patient, Practitioner } from 'fhir/r4.js'
import t from 'tap'
import {
  NHS_NUMBER_SYSTEM,
  ODS_CODE_SYSTEM,
  SNOMED_SYSTEM,
  VACCINATION_PROCEDURE_URL
} from '../../src/fhir/identifier-systems.js'
import { VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'
import { findIssues } from '../../src/ingest/judge.js'
import { loadRules } from '../../src/rules.js'

const NOW = new Date('2026-11-22T12:00:00Z')
const rules = await loadRules()
/** A historic COVID-19 product: in the NHS samples of every disease. */
const VAXZEVRIA = '39114911000001105'

const PRACTITIONER: Practitioner = {
  resourceType: 'Practitioner',
  id: 'Pract1',
  name: [{ family: 'Nightingale', given: ['Florence'] }]
}
const PATIENT: Patient = {
  resourceType: 'Patient',
  id: 'Pat1',
  identifier: [{ system: NHS_NUMBER_SYSTEM, value: '9990000018' }],
  name: [{ family: 'Quillfeather', given: ['Ada'] }],
  gender: 'female',
  birthDate: '1948-04-12',
  address: [{ postalCode: 'ZZ99 3VZ' }]
}

function nhsSample(type: VaccineType, changes: Partial<Immunization> = {}): Immunization {
  return {
    resourceType: 'Immunization',
    contained: [PRACTITIONER, PATIENT],
    extension: [{ url: VACCINATION_PROCEDURE_URL, valueCodeableConcept: snomed('1324681000000101') }],
    identifier: [{ system: 'https://supplier.example/identifiers/vacc', value: `sample-${type}` }],
    status: 'completed',
    vaccineCode: snomed(VAXZEVRIA),
    patient: { reference: '#Pat1' },
    occurrenceDateTime: '2026-05-07T13:28:17+01:00',
    recorded: '2026-05-07',
    primarySource: true,
    manufacturer: { display: 'AstraZeneca Ltd' },
    location: { type: 'Location', identifier: { value: 'X99999', system: ODS_CODE_SYSTEM } },
    lotNumber: '4120Z001',
    expirationDate: '2026-07-02',
    site: snomed('368208006'),
    route: snomed('78421000'),
    doseQuantity: { value: 0.5, unit: 'milliliter', system: 'http://unitsofmeasure.org', code: 'ml' },
    performer: [
      { actor: { reference: '#Pract1' } },
      { actor: { type: 'Organization', identifier: { system: ODS_CODE_SYSTEM, value: 'B0C4P' } } }
    ],
    reasonCode: [snomed('443684005')],
    protocolApplied: [
      { targetDisease: VACCINE_TYPES[type].map(snomed), doseNumberString: 'Dose sequence not recorded' }
    ],
    ...changes
  }
}

function snomed(code: string) {
  return { coding: [{ system: SNOMED_SYSTEM, code }] }
}

function judge(resource: Immunization, granted: 'lenientProduct'[] = []): Record<string, string> {
  const { issues } = findIssues(resource, rules, NOW, new Set(granted))
  const told = issues.filter(({ severity }) => severity !== 'information')
  return Object.fromEntries(told.map(({ rule, severity }) => [rule, severity]))
}

function withDose(type: VaccineType, doseNumberString: string): Immunization {
  return nhsSample(type, { protocolApplied: [{ targetDisease: VACCINE_TYPES[type].map(snomed), doseNumberString }] })
}

t.test('the sample of its own disease is accepted, its historic product reported', (t) => {
  t.same(judge(nhsSample('COVID')), { 'unknown-product': 'warning' })
  t.end()
})

for (const type of Object.keys(VACCINE_TYPES) as VaccineType[]) {
  if (type === 'COVID') continue
  t.test(`the sample called ${type} is refused for its product, its procedure is only reported`, (t) => {
    const said = judge(nhsSample(type))
    const tolerated = judge(nhsSample(type), ['lenientProduct'])

    t.match(said, { 'product-of-other-disease': 'error', 'procedure-of-other-disease': 'warning' })
    t.equal(said['unknown-product'], undefined, 'the product is known, only not for this')
    t.same(Object.values(said).filter((severity) => severity === 'error').length, 1, 'nothing else refuses')
    t.equal(tolerated['product-of-other-disease'], 'warning', 'a client with lenientProduct may replay the samples')
    t.notOk(Object.values(tolerated).includes('error'))
    t.end()
  })
}

t.test('a dose number that is a text is read where it is a number, and no fault where it is words', (t) => {
  t.same(judge(withDose('COVID', '3')), { 'unknown-product': 'warning' })
  t.same(judge(withDose('COVID', 'Unknown')), { 'unknown-product': 'warning' })
  t.same(judge(withDose('COVID', '10')), { 'unknown-product': 'warning', 'dose-number-out-of-range': 'error' })
  t.match(judge(withDose('MMR', '3'), ['lenientProduct']), { 'dose-number-above-maximum': 'error' })
  t.end()
})

t.test('a vaccination before birth, which the NHS test suite accepts, is refused; the day of birth is allowed', (t) => {
  const born = (birthDate: string): Record<string, string> => {
    const patient: Patient = { ...PATIENT, birthDate }
    return judge(nhsSample('BCG', { vaccineCode: snomed('37240111000001101'), contained: [PRACTITIONER, patient] }))
  }

  t.match(born('2026-05-08'), { 'occurrence-before-birth': 'error' })
  t.equal(born('2026-05-07')['occurrence-before-birth'], undefined)
  t.end()
})

t.test('logical organisations and a contained practitioner are no fault, with or without ODS codes', (t) => {
  const performer = [{ actor: { type: 'Organization', identifier: { system: 'urn:iso:std:iso:6523', value: '1' } } }]

  t.same(judge(nhsSample('COVID', { performer: [{ actor: { reference: '#Pract1' } }, ...performer] })), {
    'unknown-product': 'warning'
  })
  t.end()
})

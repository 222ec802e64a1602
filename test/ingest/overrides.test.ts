// Reasons of a supplier against an error of the programme rules: granted to the client, named by the record.
import type { Coding, Immunization } from 'fhir/r4.js'
import t from 'tap'
import { parseOverrides, type Caller } from '../../src/fhir/caller.js'
import { OVERRIDE_REASON_SYSTEM, PATIENT_FLAG_SYSTEM, SNOMED_SYSTEM } from '../../src/fhir/identifier-systems.js'
import { findIssues } from '../../src/ingest/judge.js'
import { readStatements } from '../../src/programmes/record-statements.js'
import { loadRules } from '../../src/rules.js'
import { clientOf, createIngestRig, readFixture, rulesOf } from '../support/ingest-rig.js'

const NOW = new Date('2026-11-22T12:00:00Z')
const rules = await loadRules()

/** Rotavirus vaccine at 8 weeks, called dose 3. */
function thirdDose(tags: Coding[] = []): Immunization {
  const sound = readFixture('rotavirus-gp-first.json')
  const [protocol] = sound.protocolApplied ?? []
  const { targetDisease = [] } = protocol ?? {}
  return {
    ...sound,
    ...(tags.length === 0 ? {} : { meta: { tag: tags } }),
    protocolApplied: [{ targetDisease, doseNumberPositiveInt: 3 }]
  }
}

function reason(code: string): Coding {
  return { system: OVERRIDE_REASON_SYSTEM, code }
}

function judge(resource: Immunization, granted: string[] = []): string[] {
  return findIssues(resource, rules, NOW, parseOverrides(granted))
    .issues.filter(({ severity }) => severity !== 'information')
    .map(({ severity, rule, expression = [] }) => `${severity} ${rule} ${expression[0] ?? ''}`)
}

const DOSE = 'Immunization.protocolApplied[0].doseNumber.ofType(positiveInt)'

t.test('an error becomes a warning where the record names the reason and its client may give it', (t) => {
  t.same(judge(thirdDose([reason('doseReason')]), ['doseReason']), [`warning dose-number-above-maximum ${DOSE}`])
  t.same(judge(thirdDose(), ['doseReason']), [`error dose-number-above-maximum ${DOSE}`], 'the record is silent')
  t.same(
    judge(thirdDose([{ system: 'https://other.example', code: 'x' }, reason('doseReason')])),
    [`warning override-not-taken Immunization.meta.tag[1]`, `error dose-number-above-maximum ${DOSE}`],
    'not granted'
  )
  t.same(
    judge(thirdDose([reason('routeReason')]), ['doseReason', 'routeReason']),
    [`error dose-number-above-maximum ${DOSE}`],
    'a reason for something else'
  )
  t.same(
    judge(thirdDose([reason('becauseISaySo')]), ['doseReason', 'becauseISaySo']),
    [`warning override-not-taken Immunization.meta.tag[0]`, `error dose-number-above-maximum ${DOSE}`],
    'no such reason'
  )
  t.same(judge(thirdDose([{ code: 'doseReason' }]), ['doseReason']), [`error dose-number-above-maximum ${DOSE}`])
  t.end()
})

t.test('the warning says which reason turned it', (t) => {
  const { issues } = findIssues(thirdDose([reason('doseReason')]), rules, NOW, parseOverrides(['doseReason']))

  const warning = issues.find(({ rule }) => rule === 'dose-number-above-maximum')
  t.match(warning?.diagnostics, /^programme rotavirus .*; a warning by the reason doseReason$/)
  t.end()
})

t.test('what cannot have happened is refused whatever the reason', (t) => {
  const future = { ...thirdDose([reason('doseReason')]), occurrenceDateTime: '2026-11-23' }

  const said = judge(future, ['doseReason', 'offLabelPGD', 'routeReason', 'deathDateDisputed', 'lenientProduct'])

  t.ok(said.some((line) => line.startsWith('error occurrence-in-future')))
  t.end()
})

t.test('products that do not fit the diseases are a setting of the client: no record names it', (t) => {
  const sound = readFixture('rotavirus-gp-first.json')
  const wrong = { ...sound, vaccineCode: { coding: [{ system: SNOMED_SYSTEM, code: '39114911000001105' }] } }

  t.same(judge(wrong), ['error product-of-other-disease Immunization.vaccineCode'])
  t.same(judge(wrong, ['lenientProduct']), ['warning product-of-other-disease Immunization.vaccineCode'])
  t.end()
})

t.test('what a record states of the patient is known to the programmes', (t) => {
  const flu = readFixture('flu-pharmacy-adult-at-risk.json')
  const state = (codes: string[], system = PATIENT_FLAG_SYSTEM): Immunization => ({
    ...flu,
    programEligibility: [{ coding: codes.map((code) => ({ system, code })) }]
  })
  const groups = ['RISK_GROUP', 'CARE_HOME', 'CARER', 'HOUSEHOLD_OF_IMMUNOSUPPRESSED', 'FRONTLINE', 'PREGNANT']
  const none = [...groups, 'SPECIAL_SCHOOL'].map((code) => `NOT_${code}`)

  t.same(judge(state(groups)), [])
  t.same(judge(state(none)), ['warning outside-cohort Immunization.occurrence.ofType(dateTime)'])
  t.same(judge(state(none, 'https://other.example')), [], 'a code of another system')
  t.same(judge(state(none.slice(1))), [], 'of one group nobody can tell')
  t.same(judge(state([...none, 'CARER'])), [], 'said to be both')
  const outbreak = { reasonCode: [{ coding: [{ system: SNOMED_SYSTEM, code: '443684005' }] }] }
  t.same(readStatements({ ...flu, ...outbreak }).flags, { OUTBREAK_OR_TRAVEL: true })
  t.same(readStatements(state(['NOT_CARER', 'constructor'])).flags, { CARER: false, constructor: true })
  t.end()
})

t.test(
  'a refused record is accepted once its reason is granted, and the reason is kept with the version',
  async (t) => {
    const rig = await createIngestRig(t)
    const practice: Caller = { ...clientOf('practice'), overrides: parseOverrides(['doseReason']) }

    const silent = await rig.post(thirdDose(), practice)
    const ungranted = await rig.post(thirdDose([reason('doseReason')]), clientOf('practice'))
    const granted = await rig.post(thirdDose([reason('doseReason')]), practice)

    t.equal(silent.status, 422)
    t.equal(ungranted.status, 422)
    t.ok(rulesOf(ungranted).includes('override-not-taken'))
    t.equal(granted.status, 201)
    t.match(
      JSON.parse(granted.record?.body ?? '{}'),
      { meta: { tag: [reason('doseReason')] } },
      'served as it was sent'
    )
    const [version] = await rig.rows<{ outcome: unknown }>(
      'select outcome::text from record_version where record_id = $1',
      [granted.record?.recordId]
    )
    t.match(String(version?.outcome), /a warning by the reason doseReason/)
  }
)

// What every check looked at: verdicts of all cases of all files, and the words.
import t from 'tap'
import { COMMON_CHECKS } from '../../src/programmes/check-catalogue.js'
import { createProgrammeRules } from '../../src/programmes/programme-rules.js'
import type { CheckVerdict } from '../../src/programmes/explain-check.js'
import type { JudgementContext } from '../../src/programmes/subject.js'
import type { ImmunizationFacts } from '../../src/fhir/immunization.js'
import { immunizationFacts } from '../support/immunization-facts.js'
import { readProgrammes, readVaccineCodes } from '../support/programme-files.js'

const programmes = readProgrammes()
const rules = createProgrammeRules(programmes, readVaccineCodes())
const NOW = new Date('2026-11-22T12:00:00Z')
const FLU_CHECKS = programmes.find(({ id }) => id === 'flu-2026-27')!.checks.length

function explain(changes: Partial<ImmunizationFacts> = {}, context: Partial<JudgementContext> = {}) {
  const facts = immunizationFacts(changes)
  const verdicts = rules.explain(facts, { now: NOW, ...context })
  const { issues, shadow } = rules.judge(facts, { now: NOW, ...context })
  const of = (check: CheckVerdict['check']) => verdicts.find((one) => one.check === check)
  return { verdicts, issues, shadow, of }
}

t.test('every common check and every check of the files in force is told once, in their order', (t) => {
  const { verdicts, of } = explain()

  t.equal(verdicts.length, COMMON_CHECKS.length + FLU_CHECKS)
  t.same(
    verdicts.slice(0, COMMON_CHECKS.length).map(({ programme }) => programme),
    COMMON_CHECKS.map(() => undefined)
  )
  t.match(of('notFuture'), { verdict: 'passed', source: 'R01 of the common checks', origin: 'common check R01' })
  t.match(of('withinSeason'), {
    verdict: 'passed',
    programme: { id: 'flu-2026-27', version: '1.0.0', status: 'active' },
    rules: ['outside-season'],
    source: /letter, 26 February 2026/,
    certainty: 'M',
    saw: 'the day of vaccination against the season, 2026-09-01 to 2027-03-31'
  })
  t.end()
})

const WORLDS: [what: string, changes: Partial<ImmunizationFacts>, context?: Partial<JudgementContext>][] = [
  ['a clean record', {}],
  ['out of season', { occurrence: '2027-05-01T10:00:00Z' }],
  ['a partial date', { occurrence: '2026-10' }],
  ['no birth date', { birthDate: '' }],
  ['born in a year', { birthDate: '1961' }],
  ['nothing but the least', { productCode: '', procedureCodes: [], lotNumber: '', expirationDate: '' }],
  ['not done', { status: 'not-done' }],
  ['expired', { expirationDate: '2026-01-01' }],
  ['an expiry of a month', { expirationDate: '2026-10' }],
  ['a dose before', {}, { history: [{ day: '2026-09-20', antigens: ['6142004'], vaccineType: 'FLU' }] }],
  ['autumn COVID-19, a draft', { targetDiseases: ['840539006'], birthDate: '1940-01-01' }],
  ['HPV too young', { targetDiseases: ['240532009'], birthDate: '2020-01-01', doseNumber: 9 }],
  ['RSV in pregnancy', { targetDiseases: ['55735004'], birthDate: '1996-01-01' }, { gestationDays: 200 }],
  [
    'MMR beside varicella',
    { targetDiseases: ['14189004', '36989005', '36653000'], birthDate: '2024-01-01' },
    { history: [{ day: '2026-10-01', antigens: ['38907003'], vaccineType: 'MMRV' }] }
  ]
]

for (const [what, changes, context] of WORLDS) {
  t.test(`${what}: what failed is what was judged, and no word is of the patient`, (t) => {
    const { verdicts, issues, shadow } = explain(changes, context)

    const failed = verdicts.flatMap(({ issue }) => (issue === undefined ? [] : [`${issue.rule} ${issue.severity}`]))
    const judged = [...issues, ...shadow.issues].filter(({ rule }) => rule !== 'no-programme')
    t.same([...new Set(failed)].sort(), [...new Set(judged.map(({ rule, severity }) => `${rule} ${severity}`))].sort())
    for (const { verdict, issue, saw, rules: ids } of verdicts) {
      t.equal(verdict === 'failed', issue !== undefined)
      if (issue !== undefined) t.ok(ids.includes(issue.rule))
      t.not(saw, '')
      t.notMatch(saw, /999\d|undefined|1955-|1961|2026-10-10/)
    }
    t.end()
  })
}

t.test('cannot tell and not applicable are told from passed', (t) => {
  t.equal(explain({ occurrence: '2026-10' }).of('withinSeason')?.verdict, 'passed', 'any day of it is in the season')
  const unborn = explain({ birthDate: 'unknown' })
  t.match(unborn.of('notBeforeBirth'), { verdict: 'cannot tell', saw: /^the birthDate, which is not there/ })
  t.equal(explain({ birthDate: '2026' }).of('notBeforeBirth')?.verdict, 'cannot tell')
  t.equal(explain({ expirationDate: '2026-10' }).of('batchNotExpired')?.verdict, 'cannot tell')
  t.equal(explain({ expirationDate: '2026-11' }).of('batchNotExpired')?.verdict, 'passed')
  t.equal(explain({ status: 'not-done' }).of('batchNotExpired')?.verdict, 'not applicable')
  t.equal(explain().of('minInterval')?.verdict, 'not applicable')
  const day = (text: string) => ({ history: [{ day: text, antigens: ['6142004'], vaccineType: 'FLU' as const }] })
  t.equal(explain({}, day('2026-09-12')).of('minInterval')?.verdict, 'passed')
  t.equal(explain({}, day('2026-09-13')).of('minInterval')?.verdict, 'failed')
  t.end()
})

t.test('a check that holds for some days only does not apply outside them', (t) => {
  const [flu] = programmes.filter(({ id }) => id === 'flu-2026-27')
  const limited = createProgrammeRules(
    [{ ...flu!, checks: [{ check: 'batchPresent', severity: 'warning', from: '2026-12-01' }] }],
    readVaccineCodes()
  )
  const verdicts = limited.explain(immunizationFacts(), { now: NOW })
  t.match(verdicts.at(-1), {
    verdict: 'not applicable',
    saw: 'the day of vaccination: the check holds from 2026-12-01 on'
  })
  t.end()
})

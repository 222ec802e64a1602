// Which doses count and what comes next: the programme files of this repository, and made-up ones for what they lack.
import fc from 'fast-check'
import t from 'tap'
import { compileAudience } from '../../src/programmes/cohort.js'
import { createCourses } from '../../src/programmes/course/assess-courses.js'
import type { CourseEvent, Person } from '../../src/programmes/course/course.js'
import type { Programme } from '../../src/programmes/programme.js'
import { readProgrammes } from '../support/programme-files.js'
import {
  dayBefore,
  doseOn,
  intervalOf,
  latest,
  memberBorn,
  personBorn,
  plus,
  textbookCourse
} from './textbook-course.js'

const files = readProgrammes()
const active = files.filter(({ status }) => status === 'active')
const courses = createCourses(files)

function fileOf(id: string): Programme {
  const file = files.find((one) => one.id === id)
  if (file === undefined) throw new Error(`no programme ${id}`)
  return file
}

/** What is said of one programme. */
function assess(programme: Programme, person: Person, events: readonly CourseEvent[], at: string, set = courses) {
  const { evaluations, forecasts } = set.assess(person, events, at)
  return {
    evaluations: evaluations.filter((one) => one.programme === undefined || one.programme.id === programme.id),
    forecast: forecasts.find((one) => one.programme.id === programme.id)
  }
}

const addDays = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10)

/** Days of birth for which the file has a whole course. */
function birthsFor(programme: Programme): fc.Arbitrary<string> {
  const births: string[] = []
  for (let day = '1935-01-01'; day < '2026-11-01'; day = addDays(day, 23))
    if (textbookCourse(programme, day) !== undefined) births.push(day)
  t.ok(births.length > 0, `${programme.id} has a course for somebody`)
  return fc.constantFrom(...births)
}

for (const programme of active) {
  t.test(`${programme.id}: a textbook course counts whole and is complete`, (t) => {
    fc.assert(
      fc.property(birthsFor(programme), (birth) => {
        const person = memberBorn(programme, birth)
        const doses = textbookCourse(programme, birth)!
        const events = doses.map(({ day }) => doseOn(programme, day))
        const at = latest(doses.map(({ day }) => day))!
        const { evaluations, forecast } = assess(programme, person, events, at)
        t.same(
          evaluations.map(({ status, doseNumber, reasons }) => ({ status, doseNumber, reasons })),
          doses.map(({ row }) => ({ status: 'valid', doseNumber: row.number, reasons: [] })),
          birth
        )
        t.equal(forecast?.status, 'complete', birth)
      }),
      { numRuns: 50 }
    )
    t.end()
  })

  t.test(`${programme.id}: a dose one day too early does not count, and is due again when it can count`, (t) => {
    fc.assert(
      fc.property(birthsFor(programme), (birth) => {
        const person = memberBorn(programme, birth)
        const doses = textbookCourse(programme, birth)!
        doses.forEach(({ row, limit }, index) => {
          const start = programme.season?.from ?? birth
          if (limit === undefined || limit <= start) return
          const early = dayBefore(limit)
          const events = [...doses.slice(0, index).map(({ day }) => day), early].map((day) => doseOn(programme, day))
          if (early < programme.effective.from) return
          const audience = compileAudience(programme.cohorts ?? [])
          if (audience({ ...person, occurrence: { first: early, last: early } }) !== 'in') return
          const { evaluations, forecast } = assess(programme, person, events, early)
          t.same(
            evaluations.map(({ status }) => status),
            [...doses.slice(0, index).map(() => 'valid'), 'not-valid'],
            `${birth}, dose ${row.number}`
          )
          const again = latest([...plus(birth, row.minAge), ...plus(early, intervalOf(programme, row))])!
          const due = latest([again, ...plus(birth, row.recommendedAge), ...plus(early, row.recommendedInterval)])
          if (again > (programme.season?.to ?? again)) {
            t.match(forecast, { status: 'not-eligible', reasons: ['season-over'], earliest: again }, birth)
            return
          }
          const then = { first: again, last: again }
          if (audience({ ...person, occurrence: then }) === 'out') {
            t.ok(forecast?.status === 'aged-out' || forecast?.status === 'not-eligible', `${birth} is too old by then`)
            return
          }
          t.match(forecast, { status: 'too-early', doseNumber: row.number, earliest: again, due }, birth)
          if (due !== undefined && due <= (forecast?.latest ?? due))
            t.equal(assess(programme, person, events, due).forecast?.status, 'due', `${birth}, on the day`)
        })
      }),
      { numRuns: 50 }
    )
    t.end()
  })
}

const child = personBorn('2025-02-01')
const mmrv = fileOf('mmrv-2026')
const said = (programme: Programme, person: Person, events: readonly CourseEvent[], at: string) => {
  const { evaluations, forecast } = assess(programme, person, events, at)
  return { evaluations: evaluations.map(({ status, reasons }) => [status, ...reasons]), forecast }
}

t.test(
  'before the first dose: too early the day before the day of the schedule, due on it, overdue after four weeks',
  (t) => {
    const on = (at: string) => said(mmrv, child, [], at).forecast
    const dates = { earliest: '2026-02-01', due: '2026-02-01', overdue: '2026-03-01', doseNumber: 1 }
    t.match(on('2026-01-31'), { status: 'too-early', ...dates })
    t.match(on('2026-02-01'), { status: 'due', ...dates })
    t.match(on('2026-02-28'), { status: 'due', ...dates })
    t.match(on('2026-03-01'), { status: 'overdue', ...dates })
    t.end()
  }
)

t.test('born on 29 February: an age is reached on 1 March, as everywhere in the rules', (t) => {
  const flu = fileOf('flu-2025-26')
  const person = personBorn('1961-02-28')
  const rsv = fileOf('rsv-2026')
  const leap = personBorn('1952-02-29', { CARE_HOME_OLDER: false, PREGNANT: false })
  const set = (at: string) => assess(rsv, leap, [], at).forecast
  t.match(set('2026-12-01'), { status: 'too-early', due: '2027-03-01' })
  t.match(set('2027-02-28'), { status: 'too-early' })
  t.match(set('2027-03-01'), { status: 'due' })
  t.match(said(flu, person, [], '2025-10-01').forecast, { status: 'due' }, '65 by the end of March')
  t.end()
})

t.test(
  'a course of two vaccines: an MMRV is a dose of MMR, an MMR is none of MMRV but counts for its interval',
  (t) => {
    const mmr = fileOf('mmr-2026')
    const person = personBorn('2024-09-10')
    const events = [doseOn(mmr, '2025-09-10'), doseOn(mmrv, '2025-10-07')]
    const at = '2026-11-01'
    t.same(said(mmr, person, events, at).evaluations, [
      ['valid'],
      ['not-valid', 'below-minimum-age', 'interval-too-short']
    ])
    t.same(said(mmrv, person, events, at).evaluations, [['not-valid', 'interval-too-short']])
    const right = [doseOn(mmr, '2025-09-10'), doseOn(mmrv, '2026-03-10')]
    t.same(said(mmr, person, right, at).evaluations, [['valid'], ['valid']])
    t.equal(said(mmr, person, right, at).forecast?.status, 'complete')
    t.match(said(mmrv, person, right, at).forecast, { doseNumber: 2 })
    t.end()
  }
)

t.test(
  'how many MMRV are due, and when, follows from the day of birth: the days before and after each boundary',
  (t) => {
    const next = (birth: string, had: readonly string[], at: string) => {
      const { forecast } = said(
        mmrv,
        personBorn(birth),
        had.map((day) => doseOn(mmrv, day)),
        at
      )
      return [forecast?.status, forecast?.doseNumber, forecast?.due]
    }
    t.same(next('2024-12-31', [], '2026-02-01'), ['too-early', 1, '2026-07-01'], 'at 18 months: MMR came first')
    t.same(next('2025-01-01', [], '2026-02-01'), ['overdue', 1, '2026-01-01'], 'at 12 months')
    t.same(next('2024-12-31', ['2026-07-01'], '2026-08-01'), ['too-early', 2, '2028-05-01'], 'and at 3 years 4 months')
    t.same(next('2025-01-01', ['2026-01-10'], '2026-08-01'), ['overdue', 2, '2026-07-01'], 'and at 18 months')
    t.same(next('2024-06-30', [], '2026-08-01'), ['too-early', 1, '2027-10-30'], 'one, at 3 years 4 months')
    t.same(next('2024-07-01', [], '2026-08-01'), ['overdue', 1, '2026-01-01'])
    t.same(next('2022-09-01', ['2026-01-05'], '2026-08-01'), ['complete', undefined, undefined], 'one is the course')
    t.same(next('2022-08-31', [], '2026-10-31'), ['too-early', 1, '2026-11-01'], 'when the catch-up begins')
    t.same(next('2022-08-31', ['2026-11-05'], '2026-12-01'), ['complete', undefined, undefined])
    t.same(next('2019-12-31', [], '2026-12-01'), ['not-eligible', undefined, undefined])
    t.end()
  }
)

t.test('partial dates leave open what they leave open', (t) => {
  const partial = { birth: { first: '2025-01-01', last: '2025-12-31' }, flags: {} }
  const dose = doseOn(mmrv, '2026-06-01')
  t.same(said(mmrv, partial, [dose], '2026-07-01').evaluations, [['cannot-tell', 'below-minimum-age']])
  t.match(said(mmrv, partial, [dose], '2026-07-01').forecast, { status: 'cannot-tell', reasons: ['dose-unclear'] })
  t.same(said(mmrv, partial, [doseOn(mmrv, '2025-12-31')], '2026-07-01').evaluations, [
    ['not-valid', 'below-minimum-age']
  ])
  t.same(said(mmrv, partial, [doseOn(mmrv, '2026-12-31')], '2027-01-01').evaluations, [['valid']])
  t.match(said(mmrv, partial, [], '2026-07-01').forecast, { status: 'cannot-tell', reasons: ['birth-date-unclear'] })
  const someday = { birth: { first: '2026-01-01', last: '2026-12-31' }, flags: {} }
  t.match(said(mmrv, someday, [], '2026-12-31').forecast, { status: 'too-early' })
  const month = doseOn(mmrv, '2026-02-01', { occurrence: { first: '2026-01-01', last: '2026-02-28' } })
  t.same(said(mmrv, child, [month], '2026-07-01').evaluations, [['cannot-tell', 'below-minimum-age']])
  t.match(said(mmrv, personBorn(undefined), [], '2026-07-01').forecast, {
    status: 'cannot-tell',
    reasons: ['birth-date-unclear', 'cohort-unclear']
  })
  t.end()
})

t.test('what is known beside the records decides about groups', (t) => {
  const rsv = fileOf('rsv-2026')
  const on = (flags: Record<string, boolean>) => said(rsv, personBorn('1996-05-05', flags), [], '2026-11-01').forecast
  t.match(on({}), { status: 'cannot-tell', reasons: ['cohort-unclear'], openFlags: ['CARE_HOME_OLDER', 'PREGNANT'] })
  t.match(on({ PREGNANT: true }), { status: 'due' })
  t.match(on({ PREGNANT: false, CARE_HOME_OLDER: false }), { status: 'too-early', due: '2071-05-05' })
  t.match(on({ PREGNANT: false }), { openFlags: ['CARE_HOME_OLDER'] })
  const again = [doseOn(rsv, '2026-05-01'), doseOn(rsv, '2026-10-01')]
  const second = (flags: Record<string, boolean>) =>
    said(rsv, personBorn('1996-05-05', flags), again, '2026-11-01').evaluations[1]
  t.same(second({}), ['cannot-tell', 'beyond-course'])
  t.same(second({ PREGNANT: true }), ['valid'])
  t.same(second({ PREGNANT: false }), ['not-valid', 'beyond-course'])
  t.end()
})

t.test('once a season: last season is judged by its own file, and this one begins anew', (t) => {
  const [last, now] = [fileOf('flu-2025-26'), fileOf('flu-2026-27')]
  const person = personBorn('1950-03-03')
  const events = [doseOn(last, '2025-10-10'), doseOn(now, '2026-10-10'), doseOn(now, '2026-12-10')]
  const all = courses.assess(person, events, '2026-12-31')
  t.same(
    all.evaluations.map(({ programme, status, reasons }) => [programme?.id, status, ...reasons]),
    [
      ['flu-2025-26', 'valid'],
      ['flu-2026-27', 'valid'],
      ['flu-2026-27', 'not-valid', 'beyond-course']
    ]
  )
  const on = (at: string) => said(now, person, events, at).forecast
  t.match(on('2026-09-30'), { status: 'too-early', due: '2026-10-01' }, 'adults begin in October')
  t.match(on('2026-10-01'), { status: 'due', latest: '2027-03-31' })
  t.match(on('2026-10-10'), { status: 'complete' })
  t.match(said(now, person, [], '2027-03-31').forecast, { status: 'due' })
  t.match(said(now, person, [], '2027-04-01').forecast, { status: 'not-eligible', reasons: ['season-over'] })
  t.notOk(
    all.forecasts.some(({ programme }) => programme.id === 'flu-2025-26'),
    'no forecast of a season that is over'
  )
  t.end()
})

t.test('potency, expiry, licence and live vaccines speak against a dose as far as the file is sure', (t) => {
  const at = '2026-11-01'
  const mmr = fileOf('mmr-2026')
  const dose = (changes: Partial<CourseEvent>) =>
    said(mmrv, child, [doseOn(mmrv, '2026-06-01', changes)], at).evaluations
  t.same(dose({ isSubpotent: true }), [['not-valid', 'subpotent']])
  t.same(dose({ expirationDate: '2026-05-31' }), [['not-valid', 'batch-expired']])
  t.same(dose({ expirationDate: '2026-06-01' }), [['valid']])
  t.same(dose({ expirationDate: '2026-06' }), [['valid']], 'good until the end of its month')
  const yellowFever = doseOn(mmr, '2026-05-20', { id: 'yf', antigens: ['16541001'] })
  const { vaccineType: _unknown, ...live } = yellowFever
  t.same(said(mmrv, child, [live, doseOn(mmrv, '2026-06-01')], at).evaluations, [
    ['cannot-tell', 'no-programme'],
    ['cannot-tell', 'live-vaccines-too-close']
  ])
  t.same(said(mmrv, child, [live, doseOn(mmrv, '2026-06-17')], at).evaluations.at(-1), ['valid'])
  const nasal = doseOn(fileOf('flu-2026-27'), '2026-10-10', { productCode: '43208811000001106' })
  t.same(said(fileOf('flu-2026-27'), personBorn('1950-03-03'), [nasal], at).evaluations, [
    ['cannot-tell', 'outside-licence']
  ])
  t.end()
})

t.test('a file with an end: the last day is told, and after it there is no way back', (t) => {
  const made: Programme = {
    ...mmrv,
    id: 'made-up',
    effective: { from: '2020-01-01' },
    cohorts: [],
    checks: [],
    doses: [
      { number: 1, recommendedAge: 'P8W', maxAge: 'P15W' },
      { number: 2, recommendedAge: 'P12W', maxAge: 'P24W', minIntervalFromPrevious: 'P4W' }
    ]
  }
  const set = createCourses([made])
  const on = (at: string, events: readonly CourseEvent[] = []) =>
    assess(made, personBorn('2026-01-01'), events, at, set).forecast
  t.match(on('2026-02-25'), { status: 'too-early', due: '2026-02-26', latest: '2026-04-15' })
  t.match(on('2026-04-15'), { status: 'overdue' })
  t.match(on('2026-04-16'), { status: 'aged-out', reasons: ['too-late'] })
  t.match(on('2026-06-17', [doseOn(made, '2026-04-01')]), { doseNumber: 2, status: 'overdue', latest: '2026-06-17' })
  t.match(on('2026-06-18', [doseOn(made, '2026-04-01')]), { status: 'aged-out' })
  const late = assess(made, personBorn('2026-01-01'), [doseOn(made, '2026-04-16')], '2026-05-01', set)
  t.match(late.evaluations, [{ status: 'not-valid', reasons: ['above-maximum-age'] }])
  t.match(on('2026-04-01', [doseOn(made, '2026-05-01')]), { doseNumber: 1 }, 'what was given later is left out')
  t.end()
})

t.test('a draft says nothing, and a day outside every period has no forecast', (t) => {
  const { forecasts } = courses.assess(personBorn('1940-01-01'), [], '2026-11-01')
  t.notOk(forecasts.some(({ programme }) => programme.status !== 'active'))
  t.same(courses.assess(personBorn('1940-01-01'), [], '1990-01-01').forecasts, [])
  t.end()
})

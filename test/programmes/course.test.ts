// Which doses count and what comes next: the programme files of this repository, and made-up ones for what they lack.
import fc from 'fast-check'
import t from 'tap'
import { createCourses } from '../../src/programmes/course/assess-courses.js'
import type { CourseEvent, Person } from '../../src/programmes/course/course.js'
import { parseProgramme } from '../../src/programmes/parse-programme.js'
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
      { numRuns: 25 }
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
          const { evaluations, forecast } = assess(programme, person, events, early)
          t.same(
            evaluations.map(({ status }) => status),
            [...doses.slice(0, index).map(() => 'valid'), 'not-valid'],
            `${birth}, dose ${row.number}`
          )
          const again = latest([...plus(birth, row.minAge), ...plus(early, intervalOf(programme, row))])!
          const due = latest([again, ...plus(birth, row.recommendedAge)])
          if (again > (programme.season?.to ?? again)) {
            t.match(forecast, { status: 'not-eligible', reasons: ['season-over'], earliest: again }, birth)
            return
          }
          t.match(forecast, { status: 'too-early', doseNumber: row.number, earliest: again, due }, birth)
          if (due !== undefined && due <= (forecast?.latest ?? due))
            t.equal(assess(programme, person, events, due).forecast?.status, 'due', `${birth}, on the day`)
        })
      }),
      { numRuns: 25 }
    )
    t.end()
  })
}

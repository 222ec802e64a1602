// Two properties of every programme file: a course by its own book is clean, and a day too early shows as just that.
import t from 'tap'
import { createProgrammeRules } from '../../src/programmes/programme-rules.js'
import type { Cohort, Programme } from '../../src/programmes/programme.js'
import { readProgrammes, readVaccineCodes } from '../support/programme-files.js'
import { buildCourse, type CourseDose } from '../support/textbook-course.js'

const NOW = new Date('2035-01-01T12:00:00Z')
const codes = readVaccineCodes()
/** Groups that are no course: doses that do not count, a dose without a number of its own. */
const WITHOUT_COURSE = ['hepb-selective dose-12-months', 'hepb-selective risk', 'mmr-2026 early']

interface Track {
  name: string
  programme: Programme
  cohort?: Cohort
}

const tracks: Track[] = readProgrammes().flatMap((programme) =>
  programme.cohorts === undefined
    ? [{ name: programme.id, programme }]
    : programme.cohorts.map((cohort) => ({ name: `${programme.id} ${cohort.id}`, programme, cohort }))
)

/** What the file says of each dose, drafts as if they were active. */
function judge(programme: Programme, course: readonly CourseDose[]): string[][] {
  const rules = createProgrammeRules([{ ...programme, status: 'active' }], codes)
  return course.map(({ facts, context }) =>
    rules.judge(facts, { now: NOW, ...context }).issues.map(({ severity, rule }) => `${severity} ${rule}`)
  )
}

t.test('every programme has a course by the book, and so has every group that is offered one', (t) => {
  const without = tracks.filter((track) => buildCourse({ ...track, pace: 'by-the-book' }) === undefined)

  t.same(without.map(({ name }) => name).sort(), WITHOUT_COURSE)
  t.end()
})

for (const track of tracks.filter(({ name }) => !WITHOUT_COURSE.includes(name))) {
  t.test(`${track.name}: a complete course by the book has no issue`, (t) => {
    const course = buildCourse({ ...track, pace: 'by-the-book' }) ?? []

    const said = judge(track.programme, course)

    t.ok(said.length > 0)
    for (const [index, issues] of said.entries())
      t.same(issues, [], `dose ${index + 1} ${course[index]?.facts.occurrence}`)
    t.end()
  })
}

const early = tracks
  .map((track) => ({ ...track, course: buildCourse({ ...track, pace: 'early' }) ?? [] }))
  .filter(({ course }) => course.some(({ isEarly }) => isEarly))

t.test('intervals are asked for by the programmes of more than one dose', (t) => {
  const ids = new Set(early.map(({ programme }) => programme.id))
  for (const id of [
    'rotavirus',
    'menb',
    'dtap-ipv-hib-hepb',
    'shingles',
    'mmrv-2026',
    'hpv',
    'td-ipv',
    'covid-spring-2026'
  ])
    t.ok(ids.has(id), id)
  t.end()
})

for (const { name, programme, course } of early) {
  t.test(`${name}: with every second dose a day too early the intervals are reported, and nothing else`, (t) => {
    const said = judge(programme, course)

    for (const [index, { isEarly, facts }] of course.entries())
      t.same(said[index], isEarly ? ['warning dose-too-early'] : [], `dose ${index + 1} ${facts.occurrence}`)
    t.end()
  })
}

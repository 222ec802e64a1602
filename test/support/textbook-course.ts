// A course by the book, built from a programme file's own groups, ages and intervals, for the properties of all files.
import { daysBetween } from '../../src/fhir/dates.js'
import type { ImmunizationFacts } from '../../src/fhir/immunization.js'
import { addAge, parseAge, reachedAge } from '../../src/programmes/age.js'
import type { HistoricEvent } from '../../src/programmes/check.js'
import { compileCohort } from '../../src/programmes/cohort.js'
import { isWithin } from '../../src/programmes/day-range.js'
import type { Cohort, Criterion, Programme, ProgrammeDose } from '../../src/programmes/programme.js'
import { createSubject, type JudgementContext } from '../../src/programmes/subject.js'
import { immunizationFacts } from './immunization-facts.js'

export interface CourseDose {
  facts: ImmunizationFacts
  context: Omit<JudgementContext, 'now'>
  /** Whether it is given a day before its interval is over. */
  isEarly: boolean
}

export interface CourseChoice {
  programme: Programme
  /** The group the patient is of; without one the file has no groups. */
  cohort?: Cohort
  /** `early`: every second dose is a day too early for its interval, and for nothing else. */
  pace: 'by-the-book' | 'early'
}

/** Far enough for every course that begins this year. */
const NOW = new Date('2035-01-01T12:00:00Z')
const DAYS = ['2026-03-02', '2026-10-05', '2026-01-01']
const NASAL = '46713006'
const ORAL = '26643006'

/** The doses in order; undefined where nobody can have the course: no rows for the group, or ages outside it. */
export function buildCourse(choice: CourseChoice): CourseDose[] | undefined {
  const rows = rowsOf(choice)
  if (rows.length === 0) return undefined
  const days = [...new Set([...DAYS, ...anchorsOf(choice)])]
  for (const day of days) {
    for (const birthDate of birthsOf(choice, rows, day)) {
      const course = planDays(choice, rows, birthDate, day)
      if (course?.every(({ day }) => isMeant(choice, birthDate, day)) === true)
        return course.map((_dose, index) => createDose(choice, birthDate, course, index))
    }
  }
  return undefined
}

function rowsOf({ programme, cohort }: CourseChoice): ProgrammeDose[] {
  return programme.doses.filter((row) => row.cohort === undefined || row.cohort === cohort?.id)
}

function anchorsOf({ programme, cohort }: CourseChoice): string[] {
  return [cohort?.period?.from, programme.season?.from, programme.effective.from].filter((day) => day !== undefined)
}

function criteriaOf(cohort: Cohort | undefined): Criterion[] {
  return [...(cohort?.all ?? []), ...(cohort?.any?.slice(0, 1) ?? [])]
}

// Every age and date that the file names gives some days of birth to try.
function birthsOf({ cohort }: CourseChoice, rows: readonly ProgrammeDose[], day: string): string[] {
  const criteria = criteriaOf(cohort)
  const ages = [
    ...rows.slice(0, 1).flatMap(({ recommendedAge, minAge }) => [recommendedAge, minAge]),
    ...criteria.map(({ ageAtLeast }) => ageAtLeast),
    ...criteria.map(({ schoolYearFrom }) => (schoolYearFrom === undefined ? undefined : `P${schoolYearFrom + 5}Y`)),
    'P0D',
    'P30Y'
  ].filter((age) => typeof age === 'string')
  const asOf = [day, ...criteria.map((criterion) => criterion.asOf)].filter((one) => one !== undefined)
  const dates = criteria.flatMap(({ bornOnOrAfter, bornOnOrBefore }) => [bornOnOrAfter, bornOnOrBefore])
  return [
    ...asOf.flatMap((one) => ages.flatMap((age) => before(one, age))),
    ...dates.filter((one) => one !== undefined)
  ]
}

/** Days on which somebody was born who has the age on a day, the last of them first. */
function before(day: string, age: string): string[] {
  const parsed = parseAge(age)
  const earliest = addDays(
    `${Number(day.slice(0, 4)) - parsed.years}${day.slice(4)}`,
    -31 * parsed.months - parsed.days
  )
  return Array.from({ length: daysBetween(earliest, day) > 0 ? 35 : 1 }, (_, index) => addDays(earliest, 34 - index))
    .concat(earliest)
    .filter((birth) => addAge(birth, parsed) <= day)
    .slice(0, 3)
}

interface PlannedDose {
  row: ProgrammeDose
  day: string
  isEarly: boolean
}

function planDays(
  { pace }: CourseChoice,
  rows: readonly ProgrammeDose[],
  birthDate: string,
  firstDay: string
): PlannedDose[] | undefined {
  const planned: PlannedDose[] = []
  for (const [index, row] of rows.entries()) {
    const last = planned.at(-1)
    const isEarly = pace === 'early' && row.minIntervalFromPrevious !== undefined && isSecond(rows, index)
    const due = last === undefined ? firstDay : after(last.day, row)
    const day = last !== undefined && isEarly ? addDays(due, -1) : latest(due, dueByAge(row, birthDate))
    const next = rows[index + 1]
    // So late that the next dose, a day before its interval is over, is not too early for its age.
    const waiting =
      pace === 'early' && next !== undefined && isSecond(rows, index + 1) ? waitFor(next, birthDate, day) : day
    if (row.maxAge !== undefined && waiting >= addAge(birthDate, parseAge(row.maxAge))) return undefined
    planned.push({ row, day: waiting, isEarly })
  }
  return planned
}

// A course may begin in the middle, after doses of other programmes: then its first dose has an interval already.
function isSecond(rows: readonly ProgrammeDose[], index: number): boolean {
  return index % 2 === (rows[0]?.minIntervalFromPrevious === undefined ? 1 : 0)
}

function waitFor(next: ProgrammeDose, birthDate: string, day: string): string {
  let waiting = day
  while (addDays(after(waiting, next), -1) < dueByAge(next, birthDate)) waiting = addDays(waiting, 1)
  return waiting
}

function after(day: string, { minIntervalFromPrevious }: ProgrammeDose): string {
  return minIntervalFromPrevious === undefined ? addDays(day, 1) : addAge(day, parseAge(minIntervalFromPrevious))
}

function dueByAge({ minAge, recommendedAge }: ProgrammeDose, birthDate: string): string {
  return latest(
    birthDate,
    ...[minAge, recommendedAge].flatMap((age) => (age ? [addAge(birthDate, parseAge(age))] : []))
  )
}

function isMeant({ programme, cohort }: CourseChoice, birthDate: string, day: string): boolean {
  const range = { first: day, last: day }
  const subject = createSubject(immunizationFacts({ birthDate, occurrence: day }), {
    now: NOW,
    flags: flagsOf(programme, cohort)
  })
  return (
    isWithin(range, programme.effective) === 'yes' &&
    (programme.season === undefined || isWithin(range, programme.season) === 'yes') &&
    (cohort === undefined || compileCohort(cohort)(subject) === 'in')
  )
}

/** What the group asks for is true, whatever else the file knows is false. */
function flagsOf({ cohorts = [] }: Programme, cohort: Cohort | undefined): Record<string, boolean> {
  const known = cohorts.flatMap(({ all = [], any = [] }) => [...all, ...any]).flatMap(({ flag }) => flag ?? [])
  const own = criteriaOf(cohort).flatMap(({ flag }) => flag ?? [])
  return Object.fromEntries(known.map((flag) => [flag, own.includes(flag)]))
}

function createDose(
  { programme, cohort, pace }: CourseChoice,
  birthDate: string,
  course: readonly PlannedDose[],
  index: number
): CourseDose {
  const { row, day, isEarly } = course[index]!
  const product = programme.products.find((one) => {
    const birth = { first: birthDate, last: birthDate }
    const on = { first: day, last: day }
    const isOldEnough =
      one.licensedMinAge === undefined || reachedAge(birth, parseAge(one.licensedMinAge), on) === 'yes'
    const isTooOld =
      one.licensedMaxAgeBefore !== undefined && reachedAge(birth, parseAge(one.licensedMaxAgeBefore), on) === 'yes'
    return one.code !== undefined && (one.from ?? day) <= day && isOldEnough && !isTooOld
  })
  const route = product?.routes?.[0]
  const procedure = programme.procedures?.find(
    (one) => (one.dose ?? row.number) === row.number && (one.route ?? route) === route && one.certainty !== 'L'
  )
  const gestation = programme.checks.find(({ check }) => check === 'gestation')?.params?.['minDays']
  const facts = immunizationFacts({
    birthDate,
    occurrence: day,
    expirationDate: day,
    targetDiseases: programme.targetDiseases,
    doseNumber: row.number,
    procedureCodes: procedure === undefined ? [] : [procedure.code],
    ...(product?.code === undefined ? {} : { productCode: product.code }),
    ...(route === undefined ? {} : { routeCode: route, ...siteOf(route) }),
    ...(product?.doseMl === undefined ? {} : { doseQuantity: { value: product.doseMl, unit: 'ml' } })
  })
  const context = {
    history: historyOf(programme, course, index, pace),
    flags: flagsOf(programme, cohort),
    ...(typeof gestation === 'number' ? { gestationDays: gestation } : {})
  }
  return { facts, context, isEarly }
}

function siteOf(route: string): { siteCode?: string } {
  if (route === ORAL) return {}
  return { siteCode: route === NASAL ? '279549004' : '61396006' }
}

function historyOf(
  { targetDiseases, vaccineType }: Programme,
  course: readonly PlannedDose[],
  index: number,
  pace: CourseChoice['pace']
): HistoricEvent[] {
  const days = course.slice(0, index).map(({ day }) => day)
  const [first] = course
  if (first?.row.minIntervalFromPrevious !== undefined) {
    const [earlier = ''] = before(first.day, first.row.minIntervalFromPrevious)
    days.unshift(pace === 'early' ? addDays(earlier, 1) : earlier)
  }
  return days.map((day) => ({ day, antigens: targetDiseases, vaccineType }))
}

function latest(...days: string[]): string {
  return days.reduce((late, day) => (day > late ? day : late))
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

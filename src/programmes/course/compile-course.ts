// A programme file as a course: which rows ask what of each dose, whose doses count, and when its groups begin and end.
import type { VaccineType } from '../../fhir/vaccine-types.js'
import { parseAge, type Age } from '../age.js'
import { LIVE_ANTIGENS } from '../checks/spacing-other-live.js'
import { compileAudience, compileCohort, type CohortSubject, type Membership } from '../cohort.js'
import type { Answer, DayRange } from '../day-range.js'
import type { CheckName, Cohort, Programme, ProgrammeDose } from '../programme.js'
import type { Person } from './course.js'

/** What one row of `doses` asks. */
export interface CourseRow {
  minAge?: Age
  maxAge?: Age
  recommendedAge?: Age
  /** Since the last dose against the same disease; of the row, else of the check minInterval. */
  minInterval?: Age
  recommendedInterval?: Age
  cohort?: Cohort
  member: (subject: CohortSubject) => Membership
}

/** The rows with one dose number. */
export interface CourseStep {
  number: number
  rows: readonly CourseRow[]
}

export interface Course {
  programme: Programme
  /** One dose each season: only doses of the file's own period count. */
  isSeasonal: boolean
  steps: readonly CourseStep[]
  audience: (subject: CohortSubject) => Membership
  /** Vaccine types whose doses are doses of this course. */
  countedTypes: ReadonlySet<VaccineType>
  /** Diseases that the interval to the last dose is counted by. */
  intervalAntigens: ReadonlySet<string>
  /** Distance from other live vaccines, and how sure the file is of it. */
  liveSpacing?: { age: Age; antigens: ReadonlySet<string>; isCertain: boolean }
  /** Who may have the course again. */
  repeats?: { cohort: Cohort; member: (subject: CohortSubject) => Membership }
}

export function compileCourse(programme: Programme): Course {
  const interval = paramsOf(programme, 'minInterval')
  const fallback = typeof interval['days'] === 'number' ? daysOf(interval['days']) : undefined
  const numbers = [...new Set(programme.doses.map(({ number }) => number))].sort((a, b) => a - b)
  const liveSpacing = compileLiveSpacing(programme)
  const repeats = cohortOf(programme, paramsOf(programme, 'oncePerLifetime')['exceptCohort'])
  return {
    programme,
    isSeasonal: programme.season !== undefined || programme.dedup?.oncePerSeason === true,
    steps: numbers.map((number) => ({
      number,
      rows: programme.doses
        .filter((dose) => dose.number === number)
        .map((dose) => compileRow(programme, dose, fallback))
    })),
    audience: compileAudience(programme.cohorts ?? []),
    countedTypes: new Set([programme.vaccineType, ...(programme.alsoCounts ?? [])]),
    intervalAntigens: new Set(codesOf(interval['antigens']) ?? programme.targetDiseases),
    ...(liveSpacing === undefined ? {} : { liveSpacing }),
    ...(repeats === undefined ? {} : { repeats: { cohort: repeats, member: compileCohort(repeats) } })
  }
}

/**
 * The rows of a step that are for a person on a day: those of a group the person is in take the place of those for
 * everybody. `needed`: whether the step is for them at all.
 */
export function rowsFor(
  step: CourseStep,
  person: Person,
  occurrence: DayRange
): { needed: Answer; rows: readonly CourseRow[] } {
  const subject = subjectOf(person, occurrence)
  const placed = step.rows.map((row) => ({ row, membership: row.member(subject) }))
  const rowsOf = (membership: Membership, hasCohort: boolean): CourseRow[] =>
    placed.flatMap(({ row, membership: found }) =>
      found === membership && (row.cohort !== undefined) === hasCohort ? [row] : []
    )
  const [own, everybody, perhaps] = [rowsOf('in', true), rowsOf('in', false), rowsOf('unknown', true)]
  if (own.length > 0) return { needed: 'yes', rows: own }
  if (everybody.length > 0) return { needed: 'yes', rows: [...everybody, ...perhaps] }
  return perhaps.length > 0 ? { needed: 'unknown', rows: perhaps } : { needed: 'no', rows: [] }
}

export function subjectOf({ birth, flags }: Person, occurrence: DayRange): CohortSubject {
  return birth === undefined ? { occurrence, flags } : { birth, occurrence, flags }
}

function compileRow(programme: Programme, dose: ProgrammeDose, fallback: Age | undefined): CourseRow {
  const cohort = cohortOf(programme, dose.cohort)
  const minInterval = dose.minIntervalFromPrevious === undefined ? fallback : parseAge(dose.minIntervalFromPrevious)
  return {
    ...optional('minAge', dose.minAge),
    ...optional('maxAge', dose.maxAge),
    ...optional('recommendedAge', dose.recommendedAge),
    ...optional('recommendedInterval', dose.recommendedInterval),
    ...(minInterval === undefined ? {} : { minInterval }),
    ...(cohort === undefined ? {} : { cohort }),
    member: cohort === undefined ? () => 'in' : compileCohort(cohort)
  }
}

function optional<Name extends string>(name: Name, text: string | undefined): Partial<Record<Name, Age>> {
  if (text === undefined) return {}
  const limits: Partial<Record<Name, Age>> = {}
  limits[name] = parseAge(text)
  return limits
}

function compileLiveSpacing(programme: Programme): Course['liveSpacing'] {
  const check = programme.checks.find((entry) => entry.check === 'spacingOtherLive')
  const days = check?.params?.['days']
  if (typeof days !== 'number') return undefined
  const antigens = codesOf(check?.params?.['antigens']) ?? LIVE_ANTIGENS
  return { age: daysOf(days), antigens: new Set(antigens), isCertain: check?.certainty !== 'L' }
}

function cohortOf({ cohorts }: Programme, id: unknown): Cohort | undefined {
  return cohorts?.find((cohort) => cohort.id === id)
}

function paramsOf({ checks }: Programme, name: CheckName): Readonly<Record<string, unknown>> {
  return checks.find(({ check }) => check === name)?.params ?? {}
}

function codesOf(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined
}

function daysOf(days: number): Age {
  return { years: 0, months: 0, days }
}

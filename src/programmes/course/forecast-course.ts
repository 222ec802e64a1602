// What comes next in a course on a day: from what counted so far, the groups of the programme and the ages of the next row.
import { addAge, parseAge, type Age } from '../age.js'
import { isExactDay, type Answer, type DayRange } from '../day-range.js'
import type { Cohort, Criterion } from '../programme.js'
import { rowsFor, subjectOf, type Course, type CourseRow, type CourseStep } from './compile-course.js'
import type { CourseEvent, DoseEvaluation, Forecast, ForecastReason, ForecastStatus, Person } from './course.js'
import { lastSharing, otherLive } from './evaluate-course.js'
import { dayBefore, offerOn, type Offer } from './offer-days.js'

/**
 * How long after the day of the schedule a dose is called overdue. Ours: the files name no such day, and infants are called
 * every four weeks.
 */
const OVERDUE_AFTER = parseAge('P4W')

/** What a forecast is made from. */
export interface Standing {
  person: Person
  /** YYYY-MM-DD */
  at: string
  /** Of the doses of this course. */
  evaluations: readonly DoseEvaluation[]
  /** Everything the person had, in the order given. */
  events: readonly CourseEvent[]
}

export function forecastCourse(course: Course, standing: Standing): Forecast {
  const { person, at, evaluations } = standing
  const counted = evaluations.filter(({ status }) => status === 'valid').length
  const open = stepsFor(course, person, at).slice(counted)
  const { programme } = course
  if (counted > 0 && !open.some(({ needed }) => needed === 'yes')) {
    const forSome = [
      ...open.flatMap(({ rows }) => rows.flatMap(({ cohort }) => cohort ?? [])),
      ...againFor(course, standing)
    ]
    return {
      programme,
      status: 'complete',
      reasons: forSome.length === 0 ? [] : ['more-for-some'],
      openFlags: flagsOf(forSome, person)
    }
  }
  const offer = offerOn(course, person, at)
  const [next] = open
  if (next === undefined || offer.now === 'out') return notOffered(course, offer, counted, standing)
  return planDose(course, next, offer, standing)
}

// The course may be had again by people of a group: whether they are in it may be what is not known.
function againFor({ repeats }: Course, { person, at }: Standing): Cohort[] {
  if (repeats === undefined) return []
  return repeats.member(subjectOf(person, { first: at, last: at })) === 'out' ? [] : [repeats.cohort]
}

/** A step that is, or may be, for a person on a day. */
interface PersonalStep {
  step: CourseStep
  rows: readonly CourseRow[]
  needed: Answer
}

function stepsFor(course: Course, person: Person, day: string): PersonalStep[] {
  return course.steps
    .map((step) => ({ step, ...rowsFor(step, person, { first: day, last: day }) }))
    .filter(({ needed }) => needed !== 'no')
}

function notOffered(course: Course, offer: Offer, counted: number, standing: Standing): Forecast {
  const { programme } = course
  const next = offer.until === undefined ? undefined : stepsFor(course, standing.person, offer.until)[counted]
  if (offer.until !== undefined && next !== undefined) {
    // Intervals and ages may ask for a later day than the group does.
    const days = daysOfDose(course, next.rows, { now: 'in', since: offer.until, wasIn: false }, standing)
    const common = { ...written(course, next, days), reasons: ['outside-cohorts'], openFlags: [] } as const
    return { ...common, status: 'too-early' }
  }
  if (offer.wasIn) return { programme, status: 'aged-out', reasons: ['cohort-left'], openFlags: [] }
  return { programme, status: 'not-eligible', reasons: ['outside-cohorts'], openFlags: [] }
}

function written({ programme }: Course, { step }: PersonalStep, days: DoseDays) {
  return {
    programme,
    doseNumber: step.number,
    ...exact('earliest', days.earliest),
    ...exact('due', days.due),
    ...exact('overdue', days.overdue),
    ...exact('latest', days.latest)
  }
}

function planDose(course: Course, next: PersonalStep, offer: Offer, standing: Standing): Forecast {
  const { person, at, evaluations } = standing
  const days = daysOfDose(course, next.rows, offer, standing)
  const common = written(course, next, days)
  const isUnclear = days.due === undefined
  const unclear: ForecastReason[] = [
    ...(isUnclear || (offer.now === 'unknown' && !isKnown(person)) ? (['birth-date-unclear'] as const) : []),
    ...(offer.now === 'unknown' || next.needed === 'unknown' ? (['cohort-unclear'] as const) : []),
    ...(evaluations.some(({ status }) => status === 'cannot-tell') ? (['dose-unclear'] as const) : [])
  ]
  const over = isOver(course, days, at)
  if (over !== undefined) return { ...common, status: over[0], reasons: [over[1]], openFlags: [] }
  if (unclear.length > 0) {
    const cohorts = unclear.includes('cohort-unclear') ? (course.programme.cohorts ?? []) : []
    return { ...common, status: 'cannot-tell', reasons: unclear, openFlags: flagsOf(cohorts, person) }
  }
  const status = statusOn(at, days)
  return { ...common, status, reasons: status === 'cannot-tell' ? ['birth-date-unclear'] : [], openFlags: [] }
}

interface DoseDays {
  /** Undefined: an age is asked for, and the day of birth is not known. */
  earliest?: DayRange
  due?: DayRange
  /** Undefined also where the file names no day of a schedule. */
  overdue?: DayRange
  latest?: DayRange
}

function daysOfDose(course: Course, rows: readonly CourseRow[], offer: Offer, standing: Standing): DoseDays {
  const { person, events } = standing
  const { programme } = course
  const live = otherLive(course, events).at(-1)
  const last = lastSharing(events, course.intervalAntigens)
  const since = (event: CourseEvent | undefined, age: Age | undefined): DayRange[] =>
    event === undefined || age === undefined ? [] : [later(event.occurrence, age)]
  const starts = [programme.season?.from ?? (course.isSeasonal ? programme.effective.from : undefined), offer.since]
  const fixed = [
    ...starts.flatMap((day) => (day === undefined ? [] : [{ first: day, last: day }])),
    ...since(live, course.liveSpacing?.age)
  ]
  const needsBirth = person.birth === undefined && rows.some((row) => row.minAge ?? row.recommendedAge ?? row.maxAge)
  const ends = [programme.season?.to, programme.effective.to, offer.until].filter((day) => day !== undefined).sort()
  const end = ends[0] === undefined ? [] : [{ first: ends[0], last: ends[0] }]
  if (needsBirth) return end[0] === undefined ? {} : { latest: end[0] }
  // Of several rows that may be for the person the most lenient one counts.
  const plans = rows.map((row) => {
    const earliest = latestOf([...fixed, ...agesOf([row], person, 'minAge'), ...since(last, row.minInterval)])
    const asked = [...agesOf([row], person, 'recommendedAge'), ...since(last, row.recommendedInterval)]
    const due = latestOf([earliest, ...asked].filter((day) => day !== undefined))
    const overdue = asked.length === 0 || due === undefined ? undefined : later(due, OVERDUE_AFTER)
    return { row, earliest: earliest ?? due, due, overdue }
  })
  const [plan] = plans.sort((a, b) => ((a.due?.first ?? '') < (b.due?.first ?? '') ? -1 : 1))
  const anytime = { first: programme.effective.from, last: programme.effective.from }
  const ageEnds = plan === undefined ? [] : agesOf([plan.row], person, 'maxAge').map(previous)
  const latest = [...ageEnds, ...end].sort((a, b) => (a.first < b.first ? -1 : 1))[0]
  return {
    earliest: plan?.earliest ?? anytime,
    due: plan?.due ?? anytime,
    ...(plan?.overdue === undefined ? {} : { overdue: plan.overdue }),
    ...(latest === undefined ? {} : { latest })
  }
}

function isOver(
  { programme }: Course,
  { earliest, latest }: DoseDays,
  at: string
): [ForecastStatus, ForecastReason] | undefined {
  const season = programme.season
  if (season?.to !== undefined && (at > season.to || (earliest !== undefined && earliest.first > season.to)))
    return ['not-eligible', 'season-over']
  if (latest === undefined) return undefined
  const isPassed = at > latest.last || (earliest !== undefined && earliest.first > latest.last)
  return isPassed ? ['aged-out', 'too-late'] : undefined
}

function statusOn(at: string, { due, overdue }: DoseDays): ForecastStatus {
  if (due === undefined) return 'cannot-tell'
  if (at < due.first) return 'too-early'
  if (at < due.last) return 'cannot-tell'
  return overdue !== undefined && at >= overdue.last ? 'overdue' : 'due'
}

function agesOf(
  rows: readonly CourseRow[],
  { birth }: Person,
  field: 'minAge' | 'recommendedAge' | 'maxAge'
): DayRange[] {
  if (birth === undefined) return []
  return rows.flatMap((row) => (row[field] === undefined ? [] : [later(birth, row[field])]))
}

function later({ first, last }: DayRange, age: Age): DayRange {
  return { first: addAge(first, age), last: addAge(last, age) }
}

function previous({ first, last }: DayRange): DayRange {
  return { first: dayBefore(first), last: dayBefore(last) }
}

function latestOf(days: readonly DayRange[]): DayRange | undefined {
  const pick = (bound: 'first' | 'last'): string | undefined =>
    days
      .map((day) => day[bound])
      .sort()
      .at(-1)
  const [first, last] = [pick('first'), pick('last')]
  return first === undefined || last === undefined ? undefined : { first, last }
}

function exact<Name extends 'earliest' | 'due' | 'overdue' | 'latest'>(
  name: Name,
  day: DayRange | undefined
): Pick<Forecast, Name> | object {
  return day !== undefined && isExactDay(day) ? { [name]: day.first } : {}
}

function isKnown({ birth }: Person): boolean {
  return birth !== undefined && isExactDay(birth)
}

function flagsOf(cohorts: readonly Cohort[], { flags }: Person): string[] {
  const named = cohorts
    .flatMap(({ all = [], any = [] }): Criterion[] => [...all, ...any])
    .flatMap(({ flag }) => (flag === undefined || flags[flag] !== undefined ? [] : [flag]))
  return [...new Set(named)].sort()
}

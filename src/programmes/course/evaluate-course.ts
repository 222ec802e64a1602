// Which of a person's vaccinations count in a course, in the order they were given. What a partial date leaves open stays
// open: `cannot-tell`. There is no grace period: the schedule of England has none, so a day too early is too early.
import { addAge, parseAge, reachedAge, type Age } from '../age.js'
import { isAfter, isExactDay, isWithin, parseDayRange, type Answer, type DayRange } from '../day-range.js'
import { rowsFor, subjectOf, type Course, type CourseRow } from './compile-course.js'
import type { CourseEvent, DoseEvaluation, DoseReason, Person } from './course.js'

interface Finding {
  reason: DoseReason
  holds: Answer
}

/**
 * `doses`: the events that are doses of this course; `events`: everything the person had. Both in the order of
 * {@link inOrderGiven}.
 */
export function evaluateCourse(
  course: Course,
  person: Person,
  doses: readonly CourseEvent[],
  events: readonly CourseEvent[]
): DoseEvaluation[] {
  let step = 0
  return doses.map((dose) => {
    while (isNotNeeded(course, step, person, dose)) step++
    const current = course.steps[step]
    const common = { event: dose.id, programme: course.programme }
    if (current === undefined) return { ...common, ...judgeExtra(course, step, person, dose, events) }
    const { rows } = rowsFor(current, person, dose.occurrence)
    const verdict = judgeDose(course, rows, person, dose, events)
    if (verdict.status !== 'not-valid') step++
    return { ...common, ...verdict, doseNumber: current.number, ...lastNeeded(course, person, dose) }
  })
}

/** By first possible day; the id settles the rest, so that the same events always stand in the same order. */
export function inOrderGiven(events: readonly CourseEvent[]): CourseEvent[] {
  const keyOf = ({ occurrence, id }: CourseEvent): string => `${occurrence.first} ${occurrence.last} ${id}`
  return events.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** The last one before `event` that shares a disease, counted or not: an interval runs from whatever was given. */
export function lastSharing(
  events: readonly CourseEvent[],
  antigens: ReadonlySet<string>,
  event?: CourseEvent
): CourseEvent | undefined {
  const before = event === undefined ? events : events.slice(0, events.indexOf(event))
  return before.findLast((earlier) => earlier.antigens.some((antigen) => antigens.has(antigen)))
}

/** Live vaccines of other diseases: another dose of the same is the matter of the interval. */
export function otherLive(course: Course, events: readonly CourseEvent[]): CourseEvent[] {
  const spacing = course.liveSpacing
  if (spacing === undefined) return []
  const own = new Set(course.programme.targetDiseases)
  return events.filter(
    ({ antigens }) => antigens.some((code) => spacing.antigens.has(code)) && !antigens.some((code) => own.has(code))
  )
}

function isNotNeeded(course: Course, step: number, person: Person, { occurrence }: CourseEvent): boolean {
  const current = course.steps[step]
  return current !== undefined && rowsFor(current, person, occurrence).needed === 'no'
}

function lastNeeded(course: Course, person: Person, { occurrence }: CourseEvent): { lastDoseNumber?: number } {
  const last = course.steps.findLast((step) => rowsFor(step, person, occurrence).needed === 'yes')
  return last === undefined ? {} : { lastDoseNumber: last.number }
}

type Verdict = Pick<DoseEvaluation, 'status' | 'reasons'>

// After the last dose of the course, or of somebody whom no row is for.
function judgeExtra(
  course: Course,
  step: number,
  person: Person,
  dose: CourseEvent,
  events: readonly CourseEvent[]
): Verdict {
  const isFirst = !course.steps.slice(0, step).some((one) => rowsFor(one, person, dose.occurrence).needed !== 'no')
  if (isFirst) return { status: 'cannot-tell', reasons: ['outside-cohort'] }
  const mayRepeat = course.repeats?.member(subjectOf(person, dose.occurrence)) ?? 'out'
  if (mayRepeat === 'out') return { status: 'not-valid', reasons: ['beyond-course'] }
  const rows = course.steps.slice(-1).flatMap((last) => rowsFor(last, person, dose.occurrence).rows)
  const verdict = judgeDose(course, rows, person, dose, events)
  return mayRepeat === 'in' || verdict.status === 'not-valid'
    ? verdict
    : { status: 'cannot-tell', reasons: ['beyond-course'] }
}

function judgeDose(
  course: Course,
  rows: readonly CourseRow[],
  person: Person,
  dose: CourseEvent,
  events: readonly CourseEvent[]
): Verdict {
  const { occurrence } = dose
  const last = lastSharing(events, course.intervalAntigens, dose)
  const overRows = (ask: (row: CourseRow) => Answer): Answer => agreed(rows.map(ask))
  const findings: Finding[] = [
    { reason: 'below-minimum-age', holds: overRows(({ minAge }) => not(aged(person, minAge, occurrence, 'yes'))) },
    { reason: 'above-maximum-age', holds: overRows(({ maxAge }) => aged(person, maxAge, occurrence, 'no')) },
    { reason: 'interval-too-short', holds: overRows(({ minInterval }) => isTooSoon(last, minInterval, occurrence)) },
    { reason: 'live-vaccines-too-close', holds: isNearLive(course, dose, events) },
    { reason: 'outside-licence', holds: isOutsideLicence(course, person, dose) },
    { reason: 'subpotent', holds: dose.isSubpotent ? 'yes' : 'no' },
    { reason: 'batch-expired', holds: isExpired(dose) },
    { reason: 'season-unclear', holds: isSeasonUnclear(course, occurrence) }
  ]
  const reasonsFor = (answer: Answer): DoseReason[] =>
    findings.flatMap(({ reason, holds }) => (holds === answer ? [reason] : []))
  const [against, unclear] = [reasonsFor('yes'), reasonsFor('unknown')]
  if (against.length > 0) return { status: 'not-valid', reasons: against }
  return { status: unclear.length > 0 ? 'cannot-tell' : 'valid', reasons: unclear }
}

function aged({ birth }: Person, age: Age | undefined, occurrence: DayRange, without: Answer): Answer {
  if (age === undefined) return without
  return birth === undefined ? 'unknown' : reachedAge(birth, age, occurrence)
}

function isTooSoon(last: CourseEvent | undefined, interval: Age | undefined, occurrence: DayRange): Answer {
  if (last === undefined || interval === undefined) return 'no'
  if (occurrence.first >= addAge(last.occurrence.last, interval)) return 'no'
  return occurrence.last < addAge(last.occurrence.first, interval) ? 'yes' : 'unknown'
}

// The later of two live vaccines may not have taken; on one day both do.
function isNearLive(course: Course, dose: CourseEvent, events: readonly CourseEvent[]): Answer {
  const spacing = course.liveSpacing
  if (spacing === undefined) return 'no'
  const answers = otherLive(course, events.slice(0, events.indexOf(dose)))
    .filter(({ occurrence }) => !(isExactDay(occurrence) && occurrence.first === dose.occurrence.first))
    .map((other) => isTooSoon(other, spacing.age, dose.occurrence))
  if (answers.includes('yes')) return spacing.isCertain ? 'yes' : 'unknown'
  return answers.includes('unknown') ? 'unknown' : 'no'
}

// What is only recalled (L) says nothing, what a secondary page says (M) leaves it open: only H speaks against a dose.
function isOutsideLicence({ programme }: Course, person: Person, { productCode, occurrence }: CourseEvent): Answer {
  const product = programme.products.find(({ code }) => code !== undefined && code === productCode)
  const certainty = product?.licenceCertainty ?? product?.certainty
  if (product === undefined || certainty === 'L') return 'no'
  const [least, end] = [product.licensedMinAge, product.licensedMaxAgeBefore].map((text) =>
    text === undefined ? undefined : parseAge(text)
  )
  const answers = [not(aged(person, least, occurrence, 'yes')), aged(person, end, occurrence, 'no')]
  const isOutside: Answer = answers.includes('yes') ? 'yes' : answers.includes('unknown') ? 'unknown' : 'no'
  return isOutside === 'yes' && certainty === 'M' ? 'unknown' : isOutside
}

function isExpired({ expirationDate, occurrence }: CourseEvent): Answer {
  const expiry = expirationDate === undefined ? undefined : parseDayRange(expirationDate)
  return expiry === undefined ? 'no' : isAfter(occurrence, expiry.last)
}

function isSeasonUnclear({ isSeasonal, programme }: Course, occurrence: DayRange): Answer {
  return isSeasonal && isWithin(occurrence, programme.effective) === 'unknown' ? 'unknown' : 'no'
}

// Where several rows may be for the person, only what all of them say is sure.
function agreed(answers: readonly Answer[]): Answer {
  const [first = 'no', ...others] = answers
  return others.every((answer) => answer === first) ? first : 'unknown'
}

function not(answer: Answer): Answer {
  if (answer === 'unknown') return 'unknown'
  return answer === 'yes' ? 'no' : 'yes'
}

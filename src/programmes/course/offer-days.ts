// Days on which somebody may enter or leave the groups of a programme: between two of them nothing changes.
import { addAge, parseAge } from '../age.js'
import { isExactDay } from '../day-range.js'
import type { Criterion } from '../programme.js'
import { schoolYearOn } from '../school-year.js'
import { subjectOf, type Course } from './compile-course.js'
import type { Membership } from '../cohort.js'
import type { Person } from './course.js'

/** How a person stands to the groups of a programme around a day. */
export interface Offer {
  now: Membership
  /** In a group: since when, where that is a day of theirs or of the file. */
  since?: string
  /** In a group: the last day; out of all: the day on which one begins. */
  until?: string
  /** Out of all groups, but was in one. */
  wasIn: boolean
}

export function offerOn(course: Course, person: Person, at: string): Offer {
  const membershipOn = (day: string): Membership => course.audience(subjectOf(person, { first: day, last: day }))
  const days = changeDays(course, person)
  const now = membershipOn(at)
  const before = days.filter((day) => day <= at).reverse()
  const after = days.filter((day) => day > at)
  if (now === 'in') {
    const since = beginning(before, membershipOn)
    const end = after.find((day) => membershipOn(day) === 'out')
    return {
      now,
      ...(since === undefined ? {} : { since }),
      ...(end === undefined ? {} : { until: dayBefore(end) }),
      wasIn: true
    }
  }
  const begins = now === 'out' ? after.find((day) => membershipOn(day) === 'in') : undefined
  return {
    now,
    ...(begins === undefined ? {} : { until: begins }),
    wasIn: before.some((day) => membershipOn(day) === 'in')
  }
}

/** `days`: latest first. Undefined for who was in before all of them. */
function beginning(days: readonly string[], membershipOn: (day: string) => Membership): string | undefined {
  const lastOut = days.findIndex((day) => membershipOn(day) !== 'in')
  const first = days.slice(0, lastOut === -1 ? days.length : lastOut).at(-1)
  return first === undefined || membershipOn(dayBefore(first)) === 'in' ? undefined : first
}

export function dayBefore(day: string): string {
  return new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10)
}

function changeDays({ programme }: Course, person: Person): string[] {
  const birthDay = person.birth !== undefined && isExactDay(person.birth) ? person.birth.first : undefined
  const days = (programme.cohorts ?? []).flatMap(({ period, all = [], any = [] }) => [
    ...(period === undefined ? [] : [period.from]),
    ...(period?.to === undefined ? [] : [dayAfter(period.to)]),
    ...(birthDay === undefined ? [] : [...all, ...any].flatMap((criterion) => ageDays(criterion, birthDay)))
  ])
  const { from, to = '9999-12-31' } = programme.effective
  return [...new Set(days)].filter((day) => day >= from && day <= to).sort()
}

function ageDays({ ageAtLeast, ageBelow, asOf, schoolYearFrom, schoolYearTo }: Criterion, birthDay: string): string[] {
  const ages = asOf === undefined ? [ageAtLeast, ageBelow] : []
  return [
    ...ages.flatMap((age) => (age === undefined ? [] : [addAge(birthDay, parseAge(age))])),
    ...(schoolYearFrom === undefined ? [] : [startOfSchoolYear(birthDay, schoolYearFrom)]),
    ...(schoolYearTo === undefined ? [] : [startOfSchoolYear(birthDay, schoolYearTo + 1)])
  ]
}

function startOfSchoolYear(birthDay: string, schoolYear: number): string {
  // Below Reception: -5 in the September of the year of birth, -4 for who was born before it.
  const september = `${birthDay.slice(0, 4)}-09-01`
  const years = schoolYear - schoolYearOn(birthDay, september)
  return addAge(september, { years, months: 0, days: 0 })
}

function dayAfter(day: string): string {
  return addAge(day, { years: 0, months: 0, days: 1 })
}

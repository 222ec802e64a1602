// A course given exactly as a programme file asks, built from the file alone and not from the code that judges it.
import { addAge, parseAge } from '../../src/programmes/age.js'
import { compileAudience, compileCohort } from '../../src/programmes/cohort.js'
import type { CourseEvent, Person } from '../../src/programmes/course/course.js'
import type { Programme, ProgrammeDose } from '../../src/programmes/programme.js'

export interface TextbookDose {
  row: ProgrammeDose
  /** The first day on which it counts: undefined where the file sets no limit. */
  limit: string | undefined
  /** The day of the schedule. */
  day: string
}

export function personBorn(birth: string | undefined, flags: Record<string, boolean> = {}): Person {
  return birth === undefined ? { flags } : { birth: { first: birth, last: birth }, flags }
}

/** Every flag that the file names is set. */
export function memberBorn(programme: Programme, birth: string): Person {
  const criteria = (programme.cohorts ?? []).flatMap(({ all = [], any = [] }) => [...all, ...any])
  return personBorn(
    birth,
    Object.fromEntries(criteria.flatMap(({ flag }) => (flag === undefined ? [] : [[flag, true]])))
  )
}

/** Undefined when somebody born on that day is in two groups with courses of their own, or not in a group of the file on every day of the course. */
export function textbookCourse(programme: Programme, birth: string): TextbookDose[] | undefined {
  const person = memberBorn(programme, birth)
  const audience = compileAudience(programme.cohorts ?? [])
  const doses: TextbookDose[] = []
  for (const number of [...new Set(programme.doses.map((dose) => dose.number))].sort()) {
    const rows = programme.doses.filter((dose) => dose.number === number)
    const planned = rows
      .map((row) => planDose(programme, row, birth, doses.at(-1)))
      .filter(({ row, day }) => {
        // Too old by the time the programme began.
        if (row.maxAge !== undefined && day >= addAge(birth, parseAge(row.maxAge))) return false
        const cohort = programme.cohorts?.find(({ id }) => id === row.cohort)
        return (
          cohort === undefined || compileCohort(cohort)({ ...person, occurrence: { first: day, last: day } }) === 'in'
        )
      })
      .sort((a, b) => Number(b.row.cohort !== undefined) - Number(a.row.cohort !== undefined))
    if (planned[0] === undefined) {
      if (rows.some(({ maxAge }) => maxAge !== undefined)) return undefined
      break
    }
    // In two groups at once, that ask for different things: nobody's textbook.
    if (planned.filter(({ row }) => row.cohort !== undefined).length > 1) return undefined
    doses.push(planned[0])
  }
  const end = programme.season?.to ?? programme.effective.to ?? '9999-12-31'
  const isOffered = doses.every(
    ({ day }) => day <= end && audience({ ...person, occurrence: { first: day, last: day } }) === 'in'
  )
  return isOffered && doses.length > 0 && staysInGroups(programme, person, doses) ? doses : undefined
}

// Who leaves a group with a course of its own between two doses, or soon after, is nobody's textbook either.
function staysInGroups(programme: Programme, person: Person, doses: readonly TextbookDose[]): boolean {
  const asking = new Set(programme.doses.map(({ cohort }) => cohort))
  const days = doses.map(({ day }) => day)
  const later = addAge(doses.at(-1)?.day ?? '', parseAge('P7M'))
  return (programme.cohorts ?? [])
    .filter(({ id }) => asking.has(id))
    .every((cohort) => {
      const isMember = compileCohort({ ...cohort, ...WITHOUT_PERIOD })
      const memberships = [...days, later].map((day) => isMember({ ...person, occurrence: { first: day, last: day } }))
      return new Set(memberships).size === 1
    })
}

const WITHOUT_PERIOD = { period: { from: '1900-01-01' } }

export function intervalOf(programme: Programme, row: ProgrammeDose): string | undefined {
  const days = programme.checks.find(({ check }) => check === 'minInterval')?.params?.['days']
  return row.minIntervalFromPrevious ?? (typeof days === 'number' ? `P${days}D` : undefined)
}

export function doseOn(programme: Programme, day: string, changes: Partial<CourseEvent> = {}): CourseEvent {
  return {
    id: `${programme.vaccineType} ${day}`,
    occurrence: { first: day, last: day },
    antigens: programme.targetDiseases,
    vaccineType: programme.vaccineType,
    isSubpotent: false,
    ...changes
  }
}

export function plus(day: string, age: string | undefined): string[] {
  return age === undefined ? [] : [addAge(day, parseAge(age))]
}

export function latest(days: readonly string[]): string | undefined {
  return [...days].sort().at(-1)
}

export function dayBefore(day: string): string {
  return new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10)
}

function planDose(
  programme: Programme,
  row: ProgrammeDose,
  birth: string,
  before: TextbookDose | undefined
): TextbookDose {
  const limit = latest([
    ...plus(birth, row.minAge),
    ...(before === undefined ? [] : plus(before.day, intervalOf(programme, row)))
  ])
  const floor = programme.season?.from ?? programme.effective.from
  const day = latest([floor, birth, ...(limit === undefined ? [] : [limit]), ...plus(birth, row.recommendedAge)])!
  return { row, limit, day }
}

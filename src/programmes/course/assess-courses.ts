// Everything that the programme files in force say of one person on a day: each dose in its course, and what comes next.
import { isWithin, overlaps } from '../day-range.js'
import type { Programme } from '../programme.js'
import { compileCourse, subjectOf, type Course } from './compile-course.js'
import type { CourseEvent, DoseEvaluation, Forecast, Person } from './course.js'
import { evaluateCourse, inOrderGiven } from './evaluate-course.js'
import { forecastCourse } from './forecast-course.js'

export interface Assessment {
  /** At least one for each event, in the order given; one for each course that a dose is of. */
  evaluations: DoseEvaluation[]
  /** One for each programme in force on the day. */
  forecasts: Forecast[]
}

export interface Courses {
  /**
   * `at`: YYYY-MM-DD; what was given later is left out. A course is judged as the files in force on that day have it, whenever
   * the doses were given; the doses of a season by the file of that season. Pure.
   */
  assess(person: Person, events: readonly CourseEvent[], at: string): Assessment
}

export function createCourses(programmes: readonly Programme[]): Courses {
  const courses = programmes.filter(({ status }) => status === 'active').map(compileCourse)
  return {
    assess(person, given, at) {
      const events = inOrderGiven(given.filter(({ occurrence }) => occurrence.first <= at))
      const inForce = courses.filter(({ programme }) => isInForce(programme, at))
      const homes = events.map((event) => ({ event, homes: homesOf(event, courses, inForce, person) }))
      const byCourse = new Map(
        courses.map((course) => {
          const doses = homes.filter((placed) => placed.homes.includes(course)).map(({ event }) => event)
          return [course, evaluateCourse(course, person, doses, events)] as const
        })
      )
      const all = [...byCourse.values()].flat()
      return {
        evaluations: events.flatMap((event) => {
          const own = all.filter((evaluation) => evaluation.event === event.id)
          return own.length > 0 ? own : [unplaced(event)]
        }),
        forecasts: inForce.map((course) =>
          forecastCourse(course, { person, at, events, evaluations: byCourse.get(course) ?? [] })
        )
      }
    }
  }
}

function isInForce({ effective }: Programme, at: string): boolean {
  return isWithin({ first: at, last: at }, effective) === 'yes'
}

function unplaced({ id }: CourseEvent): DoseEvaluation {
  return { event: id, status: 'cannot-tell', reasons: ['no-programme'] }
}

// Where several files of one vaccine type might have the dose, those have it whose groups the person was in on that day,
// else those whose groups they may have been in: a dose of infancy is not the dose of an adult.
function homesOf(event: CourseEvent, courses: readonly Course[], inForce: readonly Course[], person: Person): Course[] {
  const { vaccineType, occurrence } = event
  if (vaccineType === undefined) return []
  const possible = courses.filter(
    (course) =>
      course.countedTypes.has(vaccineType) &&
      (course.isSeasonal ? overlaps(occurrence, course.programme.effective) : inForce.includes(course))
  )
  const types = [...new Set(possible.map(({ programme }) => programme.vaccineType))]
  return types.flatMap((type) => {
    const files = possible.filter(({ programme }) => programme.vaccineType === type)
    if (files.length < 2) return files
    const placed = files.map((course) => ({ course, membership: course.audience(subjectOf(person, occurrence)) }))
    const best = (['in', 'unknown', 'out'] as const).find((one) => placed.some(({ membership }) => membership === one))
    return placed.filter(({ membership }) => membership === best).map(({ course }) => course)
  })
}

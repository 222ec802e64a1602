// Whether somebody is meant by a programme: in, out, or nobody can tell.
import { addAge, parseAge, reachedAge, type Age } from './age.js'
import type { Subject } from './check.js'
import { isBefore, isExactDay, isWithin, type Answer, type DayRange } from './day-range.js'
import type { Cohort, Criterion } from './programme.js'
import { schoolYearOn } from './school-year.js'

export type Membership = 'in' | 'out' | 'unknown'
/** What membership is judged by. */
export type CohortSubject = Pick<Subject, 'birth' | 'occurrence' | 'flags'>
type Question = (subject: CohortSubject) => Answer

/** Compiles a cohort: its period, all of `all` and at least one of `any` must hold on the day of vaccination. */
export function compileCohort(cohort: Cohort): (subject: CohortSubject) => Membership {
  const { all = [], any = [], period } = cohort
  const isMember = allOf([
    ...(period === undefined ? [] : [({ occurrence }: CohortSubject): Answer => isWithin(occurrence, period)]),
    ...all.map(compileCriterion),
    ...(any.length === 0 ? [] : [anyOf(any.map(compileCriterion))])
  ])
  return (subject) => membershipOf(isMember(subject))
}

/** Membership of at least one of the cohorts; without cohorts everybody is in. */
export function compileAudience(cohorts: readonly Cohort[]): (subject: CohortSubject) => Membership {
  if (cohorts.length === 0) return () => 'in'
  const compiled = cohorts.map(compileCohort)
  return (subject) => {
    let best: Membership = 'out'
    for (const member of compiled) {
      const membership = member(subject)
      if (membership === 'in') return 'in'
      if (membership === 'unknown') best = 'unknown'
    }
    return best
  }
}

function compileCriterion(criterion: Criterion): Question {
  const { asOf, ageAtLeast, ageBelow, bornOnOrAfter, bornOnOrBefore, schoolYearFrom, schoolYearTo, flag } = criterion
  const questions: Question[] = []
  if (ageAtLeast !== undefined) questions.push(aged(parseAge(ageAtLeast), asOf))
  if (ageBelow !== undefined) questions.push(not(aged(parseAge(ageBelow), asOf)))
  if (bornOnOrAfter !== undefined) questions.push(not(bornBefore(bornOnOrAfter)))
  if (bornOnOrBefore !== undefined) questions.push(bornBefore(addAge(bornOnOrBefore, parseAge('P1D'))))
  if (schoolYearFrom !== undefined || schoolYearTo !== undefined) {
    questions.push(inSchoolYears(schoolYearFrom ?? 0, schoolYearTo ?? 13))
  }
  if (flag !== undefined) questions.push(flagged(flag))
  return allOf(questions)
}

function aged(age: Age, asOf: string | undefined): Question {
  const fixedDay: DayRange | undefined = asOf === undefined ? undefined : { first: asOf, last: asOf }
  return ({ birth, occurrence }) => (birth === undefined ? 'unknown' : reachedAge(birth, age, fixedDay ?? occurrence))
}

function bornBefore(day: string): Question {
  return ({ birth }) => (birth === undefined ? 'unknown' : isBefore(birth, day))
}

// A later birth day never gives a higher school year, a later day never a lower one: the corners bound the whole range.
function inSchoolYears(from: number, to: number): Question {
  return ({ birth, occurrence }) => {
    if (birth === undefined) return 'unknown'
    const lowest = schoolYearOn(birth.last, occurrence.first)
    const highest = isExactDay(birth) && isExactDay(occurrence) ? lowest : schoolYearOn(birth.first, occurrence.last)
    if (lowest >= from && highest <= to) return 'yes'
    return highest < from || lowest > to ? 'no' : 'unknown'
  }
}

function flagged(flag: string): Question {
  return ({ flags }) => {
    const known = flags[flag]
    if (known === undefined) return 'unknown'
    return known ? 'yes' : 'no'
  }
}

function not(question: Question): Question {
  return (subject) => {
    const answer = question(subject)
    if (answer === 'unknown') return 'unknown'
    return answer === 'yes' ? 'no' : 'yes'
  }
}

function allOf(questions: readonly Question[]): Question {
  return decidedBy('no', 'yes', questions)
}

function anyOf(questions: readonly Question[]): Question {
  return decidedBy('yes', 'no', questions)
}

// The first answer that decides ends the asking; otherwise one that nobody can tell leaves it open.
function decidedBy(deciding: Answer, otherwise: Answer, questions: readonly Question[]): Question {
  return (subject) => {
    let answer = otherwise
    for (const question of questions) {
      const said = question(subject)
      if (said === deciding) return said
      if (said === 'unknown') answer = said
    }
    return answer
  }
}

function membershipOf(answer: Answer): Membership {
  switch (answer) {
    case 'yes':
      return 'in'
    case 'no':
      return 'out'
    case 'unknown':
      return 'unknown'
  }
}

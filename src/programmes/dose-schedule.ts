// What the rows of `doses` ask of the dose being judged. Where several rows fit, the most lenient one counts: a warning is
// only given when it holds for everybody who may be meant.
import { parseAge, type Age } from './age.js'
import type { Subject } from './check.js'
import { compileCohort, type Membership } from './cohort.js'
import type { Programme, ProgrammeDose } from './programme.js'

type AgeField = 'minAge' | 'recommendedAge' | 'maxAge' | 'minIntervalFromPrevious'

/**
 * Compiles the limits of one field: those of the rows with the record's dose number, or of all rows where the record
 * gives none, without rows for a cohort the patient is not in. No dose is earlier than the one before it, so a row
 * without a least age has that of the others; a row without a greatest age has none, and then there is no limit.
 */
export function compileDoseLimits(programme: Programme, field: AgeField): (subject: Subject) => Age[] {
  const rows = programme.doses.flatMap((dose) => {
    const limit = dose[field]
    if (limit === undefined && field !== 'maxAge') return []
    return [
      {
        number: dose.number,
        limit: limit === undefined ? undefined : parseAge(limit),
        member: memberOf(programme, dose)
      }
    ]
  })
  return (subject) => {
    const limits: Age[] = []
    for (const { number, limit, member } of rows) {
      const isMeant = subject.facts.doseNumber === undefined || subject.facts.doseNumber === number
      if (!isMeant || member(subject) === 'out') continue
      if (limit === undefined) return []
      limits.push(limit)
    }
    return limits
  }
}

function memberOf(programme: Programme, dose: ProgrammeDose): (subject: Subject) => Membership {
  const cohort = programme.cohorts?.find(({ id }) => id === dose.cohort)
  return cohort === undefined ? () => 'in' : compileCohort(cohort)
}

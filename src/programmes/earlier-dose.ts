// The question of oncePerSeason and oncePerLifetime: was there a dose before, on another day?
import { addAge, parseAge } from './age.js'
import { compileCohort } from './cohort.js'
import type { ParamsSchema, Subject } from './check.js'
import { overlaps, type Period } from './day-range.js'
import { enough, type Ground } from './ground.js'
import type { Programme } from './programme.js'

export interface OnceParams {
  exceptCohort?: string
  exceptFlag?: string
  countsFromAge?: string
}

export const ONCE_PARAMS: ParamsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    exceptCohort: { description: 'Cohort that may have more than one dose.', type: 'string', minLength: 1 },
    exceptFlag: {
      description: 'Flag of patients who may have more than one dose.',
      type: 'string',
      pattern: '^[A-Z_]+$'
    },
    countsFromAge: {
      description: 'Only doses given at this age or later count: not those of infancy, where the offer is for later.',
      type: 'string',
      format: 'age'
    }
  }
}

/** True when a dose against a disease of the programme was given in the period before this one, and no exception may hold. */
export function compileHadDose(
  params: OnceParams,
  programme: Programme,
  period: Period
): (subject: Subject) => boolean {
  const diseases = new Set(programme.targetDiseases)
  const cohort = programme.cohorts?.find(({ id }) => id === params.exceptCohort)
  const isException = cohort === undefined ? () => 'out' as const : compileCohort(cohort)
  const countsFrom = params.countsFromAge === undefined ? undefined : parseAge(params.countsFromAge)
  return (subject) => {
    const { history, occurrence, flags, birth } = subject
    if (history.length === 0 || !overlaps(occurrence, period)) return false
    // Nobody can tell which doses count of somebody whose birth is not known.
    if (countsFrom !== undefined && birth === undefined) return false
    const firstDay = countsFrom === undefined || birth === undefined ? period.from : addAge(birth.last, countsFrom)
    const from = firstDay > period.from ? firstDay : period.from
    // The same day is left out: whether that is the same vaccination is for deduplication to say.
    const before = history.some(
      ({ day, antigens }) => day >= from && day < occurrence.first && antigens.some((antigen) => diseases.has(antigen))
    )
    if (!before || isException(subject) !== 'out') return false
    return params.exceptFlag === undefined || flags[params.exceptFlag] === false
  }
}

/** What both checks have before them: the doses that are known. */
export function lookForEarlierDose(programme: Programme, when: string): (subject: Subject) => Ground {
  const diseases = new Set(programme.targetDiseases)
  return ({ history }) => {
    const isKnown = history.some(({ antigens }) => antigens.some((antigen) => diseases.has(antigen)))
    return enough(
      isKnown
        ? `earlier doses ${when}, their days, and who may have more than one`
        : `earlier doses ${when}: none is known`
    )
  }
}

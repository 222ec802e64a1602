// What a schema cannot say of one programme file.
import { VACCINE_TYPES } from '../fhir/vaccine-types.js'
import { addAge, parseAge } from './age.js'
import type { Period } from './day-range.js'
import type { FileProblem } from './file-schema.js'
import type { Programme, ProgrammeCheck } from './programme.js'

/** Faults within one file. */
export function lintProgramme(programme: Programme): FileProblem[] {
  return [
    ...lintDiseases(programme),
    ...lintPeriods(programme),
    ...lintReferences(programme),
    ...lintTwice(
      '/products',
      'code',
      programme.products.map(({ code }) => code)
    ),
    ...lintTwice(
      '/procedures',
      'code',
      (programme.procedures ?? []).map(({ code }) => code)
    ),
    ...lintTwice(
      '/cohorts',
      'id',
      (programme.cohorts ?? []).map(({ id }) => id)
    ),
    ...lintTwice(
      '/sources',
      'id',
      programme.sources.map(({ id }) => id)
    ),
    ...lintDoses(programme),
    ...programme.checks.flatMap((check, index) => lintCheck(programme, check, `/checks/${index}`))
  ]
}

function lintDiseases({ vaccineType, targetDiseases }: Programme): FileProblem[] {
  const expected: readonly string[] = VACCINE_TYPES[vaccineType]
  if (expected.length === targetDiseases.length && expected.every((code) => targetDiseases.includes(code))) return []
  return [{ path: '/targetDiseases', message: `must be those of ${vaccineType}: ${expected.join(', ')}` }]
}

function lintPeriods(programme: Programme): FileProblem[] {
  const { effective, season, cohorts = [], products } = programme
  const isBackward = ({ from, to }: Period): boolean => to !== undefined && to < from
  const problems: FileProblem[] = []
  if (isBackward(effective)) problems.push({ path: '/effective', message: '"to" is before "from"; swap them' })
  if (season !== undefined) {
    if (isBackward(season)) problems.push({ path: '/season', message: '"to" is before "from"; swap them' })
    const isInside =
      season.from >= effective.from &&
      (effective.to === undefined || (season.to !== undefined && season.to <= effective.to))
    if (!isInside) problems.push({ path: '/season', message: 'must lie within "effective"; widen that or narrow this' })
  }
  cohorts.forEach(({ period }, index) => {
    if (period !== undefined && isBackward(period))
      problems.push({ path: `/cohorts/${index}/period`, message: '"to" is before "from"; swap them' })
  })
  products.forEach(({ from, to }, index) => {
    if (from !== undefined && to !== undefined && to < from)
      problems.push({ path: `/products/${index}`, message: '"to" is before "from"; swap them' })
  })
  return problems
}

function lintReferences({ cohorts = [], doses, checks, sources }: Programme): FileProblem[] {
  const cohortIds = new Set(cohorts.map(({ id }) => id))
  const sourceIds = new Set(sources.map(({ id }) => id))
  const unknownCohort = (path: string, id: unknown): FileProblem[] =>
    typeof id !== 'string' || cohortIds.has(id)
      ? []
      : [
          {
            path,
            message: `cohort "${id}" is not among "cohorts" (${[...cohortIds].join(', ')}); add it or mend the name`
          }
        ]
  return [
    ...doses.flatMap(({ cohort }, index) => unknownCohort(`/doses/${index}/cohort`, cohort)),
    ...checks.flatMap(({ params }, index) =>
      unknownCohort(`/checks/${index}/params/exceptCohort`, params?.['exceptCohort'])
    ),
    ...checks.flatMap(({ source }, index) =>
      source === undefined || sourceIds.has(source)
        ? []
        : [{ path: `/checks/${index}/source`, message: `source "${source}" is not among "sources"; add it` }]
    )
  ]
}

function lintTwice(path: string, key: string, values: readonly (string | undefined)[]): FileProblem[] {
  return values.flatMap((value, index) =>
    value !== undefined && values.indexOf(value) < index
      ? [{ path: `${path}/${index}/${key}`, message: `"${value}" is there before; keep one` }]
      : []
  )
}

function lintDoses({ doses, maxDoseNumber }: Programme): FileProblem[] {
  const highest = Math.max(...doses.map(({ number }) => number))
  if (maxDoseNumber === undefined || maxDoseNumber >= highest) return []
  return [{ path: '/maxDoseNumber', message: `is ${maxDoseNumber}, but "doses" go up to ${highest}; raise it` }]
}

function lintCheck(programme: Programme, entry: ProgrammeCheck, path: string): FileProblem[] {
  const problems: FileProblem[] = []
  if (entry.severity === 'error' && entry.certainty === 'L') {
    const message =
      'a fact of certainty L cannot carry an error; make it a warning, or read the source and raise the certainty'
    problems.push({ path: `${path}/severity`, message })
  }
  if (entry.overridableBy !== undefined && entry.severity !== 'error') {
    problems.push({ path: `${path}/overridableBy`, message: 'only an error can be overridden; remove it' })
  }
  const lacking = findLackingField(programme, entry)
  if (lacking !== undefined) {
    const message = `${entry.check} looks at "${lacking}", which this file has not; add it or remove the check`
    problems.push({ path, message })
  }
  return entry.check === 'minInterval' ? [...problems, ...lintInterval(programme, entry, path)] : problems
}

// A check without what it looks at could never say anything.
function findLackingField(programme: Programme, { check, params }: ProgrammeCheck): string | undefined {
  if (check === 'doseNumberMax' && programme.maxDoseNumber === undefined) return 'maxDoseNumber'
  if (check === 'withinSeason' && programme.season === undefined) return 'season'
  if (check === 'inCohort' && programme.cohorts === undefined) return 'cohorts'
  if (check === 'minAge' || check === 'recommendedAge' || check === 'maxAge') {
    const hasAge = params?.['age'] !== undefined || programme.doses.some((dose) => dose[check] !== undefined)
    return hasAge ? undefined : `doses.${check}`
  }
  return undefined
}

// An interval of the check that is longer than a dose row's would report a course given by the book.
function lintInterval({ doses }: Programme, entry: ProgrammeCheck, path: string): FileProblem[] {
  const days = entry.params?.['days']
  const intervals = doses.flatMap(({ minIntervalFromPrevious: interval }) => (interval === undefined ? [] : [interval]))
  if (days === undefined) {
    if (intervals.length > 0) return []
    return [{ path, message: 'has neither params.days nor a dose row with minIntervalFromPrevious; add one' }]
  }
  const afterDays = addAge('2001-03-01', { years: 0, months: 0, days: Number(days) })
  return intervals
    .filter((interval) => afterDays > addAge('2001-03-01', parseAge(interval)))
    .map((interval) => ({ path, message: `params.days is longer than ${interval} of a dose row; make them agree` }))
}

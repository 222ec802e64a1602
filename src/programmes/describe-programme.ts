// A programme file as facts and tables in words, for the schedule page and for the command line.
import { CHECKS } from './check-catalogue.js'
import { ageWords, bodyWords, CERTAINTY_WORDS, criteriaWords, paramsWords, periodWords } from './programme-words.js'
import type { Certainty, Programme, ProgrammeCheck, ProgrammeProduct } from './programme.js'

export interface ProgrammeDescription {
  title: string
  facts: [name: string, value: string][]
  tables: DescribedTable[]
}

/** Rows hold a cell for every head; a column that is empty throughout is not there. */
export interface DescribedTable {
  title: string
  heads: string[]
  rows: string[][]
}

export function describeProgramme(programme: Programme): ProgrammeDescription {
  const { title, vaccineType, status, effective, season, settings, targetDiseases, maxDoseNumber, dedup } = programme
  const facts: [string, string | undefined][] = [
    ['File', `${programme.file}, ${status}`],
    ['Vaccine', `${vaccineType} (target diseases SNOMED CT ${targetDiseases.join(', ')})`],
    ['Holds for doses given', periodWords(effective)],
    ['Season', season === undefined ? undefined : periodWords(season)],
    ['Given at', settings?.join(', ')],
    ['Highest dose number', maxDoseNumber?.toString()],
    [
      'Two reports may be one vaccination within',
      dedup?.windowDays === undefined ? undefined : `${dedup.windowDays} days`
    ],
    ['Offered to', programme.cohorts === undefined ? 'everybody' : undefined]
  ]
  return {
    title: `${title} (${programme.id} ${programme.version})`,
    facts: facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    tables: [doses, cohorts, products, procedures, checks, sources]
      .map((describe) => withoutEmptyColumns(describe(programme)))
      .filter(({ rows }) => rows.length > 0)
  }
}

function doses({ doses: rows, cohorts: groups = [] }: Programme): DescribedTable {
  return {
    title: 'Doses',
    heads: ['dose', 'for', 'not before', 'recommended at', 'too late from', 'least interval', 'recommended interval'],
    rows: rows.map((dose) => [
      String(dose.number),
      groups.find(({ id }) => id === dose.cohort)?.label ?? 'everybody',
      optional(dose.minAge, ageWords),
      optional(dose.recommendedAge, ageWords),
      optional(dose.maxAge, ageWords),
      optional(dose.minIntervalFromPrevious, ageWords),
      optional(dose.recommendedInterval, ageWords)
    ])
  }
}

function cohorts({ cohorts: rows = [] }: Programme): DescribedTable {
  return {
    title: 'Offered to',
    heads: ['group', 'who', 'when', 'where', 'certainty'],
    rows: rows.map((cohort) => [
      cohort.label,
      criteriaWords(cohort) || 'everybody',
      optional(cohort.period, periodWords),
      optional(cohort.settings, (settings) => settings.join(', ')),
      certaintyCell(cohort.certainty)
    ])
  }
}

function products({ products: rows }: Programme): DescribedTable {
  return {
    title: 'Products',
    heads: ['product', 'dm+d code', 'in use', 'licensed', 'dose', 'routes', 'sites', 'certainty', 'of the licence'],
    rows: rows.map((product) => [
      product.display,
      product.code ?? 'not known yet',
      timeWords(product),
      licence(product),
      optional(product.doseMl, (volume) => `${volume} ml`),
      optional(product.routes, (codes) => codes.map(bodyWords).join(', ')),
      optional(product.sites, (codes) => codes.map(bodyWords).join(', ')),
      certaintyCell(product.certainty),
      certaintyCell(product.licenceCertainty)
    ])
  }
}

function licence({ licensedMinAge, licensedMaxAgeBefore }: ProgrammeProduct): string {
  return [
    ...(licensedMinAge === undefined ? [] : [`from ${ageWords(licensedMinAge)}`]),
    ...(licensedMaxAgeBefore === undefined ? [] : [`before ${ageWords(licensedMaxAgeBefore)}`])
  ].join(' ')
}

function procedures({ procedures: rows = [] }: Programme): DescribedTable {
  return {
    title: 'Procedures',
    heads: ['procedure', 'SNOMED CT code', 'dose', 'route', 'certainty'],
    rows: rows.map(({ display, code, dose, route, certainty }) => [
      display,
      code,
      optional(dose, String),
      optional(route, bodyWords),
      certaintyCell(certainty)
    ])
  }
}

function checks({ checks: rows }: Programme): DescribedTable {
  return {
    title: 'Checks',
    heads: ['check', 'what is looked at', 'otherwise', 'settings', 'certainty', 'source'],
    rows: rows.map((entry) => [
      entry.check,
      CHECKS[entry.check].description,
      severityWords(entry),
      paramsWords(entry.params),
      certaintyCell(entry.certainty),
      entry.source ?? ''
    ])
  }
}

/** "error; a warning with the reason routeReason". */
export function severityWords(entry: Pick<ProgrammeCheck, 'severity' | 'overridableBy' | 'from' | 'to'>): string {
  const { severity, overridableBy } = entry
  const reason = overridableBy === undefined ? '' : `; a warning with the reason ${overridableBy}`
  const time = timeWords(entry)
  return `${severity}${reason}${time === '' ? '' : `; for doses given ${time}`}`
}

function sources({ sources: rows }: Programme): DescribedTable {
  return {
    title: 'Sources',
    heads: ['source', 'title', 'address', 'read'],
    rows: rows.map(({ id, title, url, read }) => [id, title, url ?? '', read])
  }
}

function timeWords({ from, to }: { from?: string; to?: string }): string {
  return [...(from === undefined ? [] : [`from ${from}`]), ...(to === undefined ? [] : [`to ${to}`])].join(' ')
}

function certaintyCell(certainty: Certainty | undefined): string {
  return optional(certainty, (value) => CERTAINTY_WORDS[value])
}

function optional<Value>(value: Value | undefined, say: (value: Value) => string): string {
  return value === undefined ? '' : say(value)
}

function withoutEmptyColumns({ title, heads, rows }: DescribedTable): DescribedTable {
  const isShown = heads.map((_, index) => rows.some((row) => row[index] !== ''))
  const keep = (cells: readonly string[]): string[] => cells.filter((_, index) => isShown[index] === true)
  return { title, heads: keep(heads), rows: rows.map(keep) }
}

// What is served besides Immunizations, as one kind of query: demands, who looks, and a page by last update. What a
// resource is made of is a source; values are always parameters.
import type { VaccineType } from '../fhir/vaccine-types.js'
import { instantIn, type Bind } from './instant-range.js'
import type { DateRange } from './record-filter.js'
import type { Sql } from './sql.js'

/** One demand: any of the values will do. Several demands must all be met. */
export type ResourceFilter =
  | { kind: 'any-of'; name: string; anyOf: readonly string[] }
  | { kind: 'instant'; name: string; anyOf: readonly DateRange[] }

/** Whoever looks. What they may not see is as if it were not there. */
export interface SeenBy {
  client: string
  vaccineTypes: readonly VaccineType[]
  /** Staff of the Hub. */
  ops: boolean
}

export interface ResourceQuery<Filter = ResourceFilter> {
  seenBy: SeenBy
  filters: readonly Filter[]
  patient?: { nhsNumber: string } | { patientKey: string }
  descending: boolean
  /** The last one of the page before. */
  after?: { sortKey: string; id: string }
  limit: number
}

/** What every row has, whatever it becomes. */
export interface ResourceRow {
  id: string
  version: number
  lastUpdated: Date
  /** Where it stands in the order: opaque, to be handed back as `after`. */
  sortKey: string
  patientKey: string | null
}

export interface ResourceStore<Row extends ResourceRow> {
  /** Latest or earliest first. */
  find(query: ResourceQuery): Promise<Row[]>
  /** How many match, whatever `after` and `limit` say. */
  count(query: ResourceQuery): Promise<number>
}

/** Where a resource comes from. Every part is SQL; columns come back named as the fields of the row. */
export interface ResourceSource {
  columns: string
  from: (bind: Bind, seenBy: SeenBy) => string
  /** What must hold for the one who looks. */
  visible: (bind: Bind, seenBy: SeenBy) => readonly string[]
  /** Text, unique; decides between two of one instant. */
  id: string
  lastUpdated: string
  patientKey: string
  /** Conditions by the name of an `any-of`. */
  conditions: Readonly<Record<string, (bind: Bind, values: readonly string[], seenBy: SeenBy) => string>>
  /** Columns by the name of an `instant`. */
  instants: Readonly<Record<string, string>>
}

export function createResourceStore<Row extends ResourceRow>(sql: Sql, source: ResourceSource): ResourceStore<Row> {
  return {
    async find(query) {
      const values: unknown[] = []
      const bind: Bind = (value) => `$${values.push(value)}`
      const { id, lastUpdated } = source
      const direction = query.descending ? 'desc' : 'asc'
      const text = `
select ${id} as id, ${lastUpdated} as "lastUpdated", ${lastUpdated}::text as "sortKey",
       ${source.patientKey} as "patientKey", ${source.columns}
${matching(source, query, bind)}${afterLast(source, query, bind)}
 order by ${lastUpdated} ${direction}, ${id} collate "C" ${direction}
 limit ${bind(query.limit)}`
      return (await sql.query<Row>(text, values)).rows
    },
    async count(query) {
      const values: unknown[] = []
      const bind: Bind = (value) => `$${values.push(value)}`
      const text = `select count(*)::integer as total ${matching(source, query, bind)}`
      return (await sql.query<{ total: number }>(text, values)).rows[0]?.total ?? 0
    }
  }
}

function matching(source: ResourceSource, { seenBy, filters, patient }: ResourceQuery, bind: Bind): string {
  const conditions = [
    'true',
    ...source.visible(bind, seenBy),
    ...(patient === undefined ? [] : [ofPatient(source.patientKey, patient, bind)]),
    ...filters.map((filter) => conditionOf(source, filter, seenBy, bind))
  ]
  return `${source.from(bind, seenBy)}\n where ${conditions.join('\n   and ')}`
}

function ofPatient(column: string, patient: NonNullable<ResourceQuery['patient']>, bind: Bind): string {
  if ('patientKey' in patient) return `${column} = ${bind(patient.patientKey)}::uuid`
  return `${column} = (select coalesce(merged_into, patient_key) from patient where nhs_number = ${bind(patient.nhsNumber)})`
}

function conditionOf(source: ResourceSource, filter: ResourceFilter, seenBy: SeenBy, bind: Bind): string {
  if (filter.kind === 'any-of') {
    const condition = source.conditions[filter.name]
    if (condition === undefined) throw new Error(`${filter.name} is no condition of this resource`)
    return condition(bind, filter.anyOf, seenBy)
  }
  const column = source.instants[filter.name]
  if (column === undefined) throw new Error(`${filter.name} is no instant of this resource`)
  return `(${filter.anyOf.map((range) => instantIn(column, range, bind)).join(' or ')})`
}

function afterLast({ id, lastUpdated }: ResourceSource, { after, descending }: ResourceQuery, bind: Bind): string {
  if (after === undefined) return ''
  const past = descending ? '<' : '>'
  const at = `${bind(after.sortKey)}::timestamptz`
  // The first part alone is what an index answers.
  return `
   and ${lastUpdated} ${past}= ${at}
   and (${lastUpdated} ${past} ${at} or ${id} collate "C" ${past} ${bind(after.id)})`
}

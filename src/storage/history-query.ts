// A search over records as data, and the SQL that answers it. Nothing of a query stands in the text: values are
// parameters, and what becomes text (a column, a direction) is chosen here from a closed list.
import type { VaccineType } from '../fhir/vaccine-types.js'

/** FHIR R4 search prefixes of dates, http://hl7.org/fhir/R4/search.html#prefix; `ap` is not served. */
export type DatePrefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb'

/** From the first instant on, up to but without the second. */
export interface DateRange {
  prefix: DatePrefix
  from: Date
  until: Date
}

/** A coding looked for. `system`: undefined for any, null for a coding without one. `code`: undefined for any. */
export interface CodingToken {
  system?: string | null
  code?: string
}

/** One demand on a record: any of the values will do. Several demands must all be met. */
export type RecordFilter =
  | { kind: 'identifier'; anyOf: readonly { system: string; value: string }[] }
  | { kind: 'record-id'; anyOf: readonly string[] }
  | { kind: 'status'; anyOf: readonly string[] }
  | { kind: 'occurrence'; anyOf: readonly DateRange[] }
  | { kind: 'last-updated'; anyOf: readonly DateRange[] }
  | { kind: 'coding'; element: 'vaccineCode' | 'targetDisease'; anyOf: readonly CodingToken[] }

export interface RecordOrder {
  by: 'occurrence' | 'last-updated'
  descending: boolean
}

export interface RecordQuery {
  /** The only types that may be found: what the caller may search. */
  vaccineTypes: readonly VaccineType[]
  /** `patientKey`: of the number that was asked for; what it was merged into is looked up each time. */
  patient?: { nhsNumber: string } | { patientKey: string }
  filters: readonly RecordFilter[]
  /** Leave out records whose event group counts another record. */
  survivorsOnly: boolean
  order: RecordOrder
  /** The last record of the page before. */
  after?: { sortKey: string; recordId: string }
  limit: number
}

export interface Statement {
  text: string
  values: unknown[]
}

const SORT_COLUMNS = { occurrence: 'record.occurrence_from', 'last-updated': 'record.last_updated' } as const

/**
 * `from … where …` for the live records that match; `after` and `limit` are left aside. `patientKey`: the key of the
 * number that was asked for, for the next page.
 */
export function matchingRecords(query: RecordQuery): Statement & { patientKey: string } {
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const vaccineTypes = bind(query.vaccineTypes)
  const conditions = [`not record.deleted`, `record.vaccine_type = any (${vaccineTypes})`]
  const asked = query.patient === undefined ? undefined : askedPatient(query.patient, bind)
  if (asked !== undefined) conditions.push(`record.patient_key = (select coalesce(merged_into, patient_key) ${asked})`)
  if (query.survivorsOnly) conditions.push(countsForItsEvent(vaccineTypes))
  for (const filter of query.filters) conditions.push(anyOf(filter, bind))
  return {
    text: `
  from record
  join record_version version
    on version.record_id = record.record_id and version.version = record.current_version
 where ${conditions.join('\n   and ')}`,
    values,
    patientKey: asked === undefined ? 'record.patient_key' : `(select patient_key ${asked})`
  }
}

/**
 * The statement with its page: keyset, so that a page costs the same wherever it lies and writes between two pages
 * move nothing. Ascending order is the exact mirror of descending order, so that one index serves both.
 */
export function orderAndLimit(
  matching: Statement,
  { order, after, limit }: RecordQuery
): Statement & { sortKey: string } {
  const values = [...matching.values]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const column = SORT_COLUMNS[order.by]
  const [past, next] = order.descending ? ['<', '>'] : ['>', '<']
  let text = matching.text
  if (after !== undefined) {
    const key = `${bind(after.sortKey)}::timestamptz`
    const id = `${bind(after.recordId)}::uuid`
    text += `\n   and (${column} ${past} ${key} or (${column} = ${key} and record.record_id ${next} ${id}))`
  }
  text += order.descending
    ? `\n order by ${column} desc, record.record_id`
    : `\n order by ${column}, record.record_id desc`
  return { text: `${text}\n limit ${bind(limit)}`, values, sortKey: `${column}::text` }
}

type Bind = (value: unknown) => string

// Where the record that counts is of a type the caller may not see, the others of its group stand for it.
function countsForItsEvent(vaccineTypes: string): string {
  return `not exists (
         select
           from event_group_member member
           join event_group using (group_id)
           join record survivor on survivor.record_id = event_group.survivor_record_id
          where member.record_id = record.record_id
            and survivor.record_id <> record.record_id
            and survivor.vaccine_type = any (${vaccineTypes})
       )`
}

function askedPatient(patient: NonNullable<RecordQuery['patient']>, bind: Bind): string {
  if ('patientKey' in patient) return `from patient where patient_key = ${bind(patient.patientKey)}::uuid`
  return `from patient where nhs_number = ${bind(patient.nhsNumber)}`
}

function anyOf(filter: RecordFilter, bind: Bind): string {
  switch (filter.kind) {
    case 'identifier': {
      const systems = bind(filter.anyOf.map(({ system }) => system))
      const values = bind(filter.anyOf.map(({ value }) => value))
      return `(record.identifier_system, record.identifier_value) in (
         select system, value
           from unnest(${systems}::text[], ${values}::text[]) as wanted (system, value))`
    }
    case 'record-id':
      return `record.record_id = any (${bind(filter.anyOf)}::uuid[])`
    case 'status':
      return `record.status = any (${bind(filter.anyOf)})`
    case 'occurrence':
      return either(filter.anyOf.map((range) => occurrenceIn(range, bind)))
    case 'last-updated':
      return either(filter.anyOf.map((range) => lastUpdatedIn(range, bind)))
    case 'coding':
      return either(filter.anyOf.map((token) => hasCoding(filter.element, token, bind)))
  }
}

function either(conditions: readonly string[]): string {
  return `(${conditions.join(' or ')})`
}

// An occurrence stands for a span of time too: a day, a month, a year, or the second that was written.
const OCCURRENCE_UNTIL = `case length(version.body::json ->> 'occurrenceDateTime')
           when 4 then (record.occurrence_from at time zone 'Europe/London' + interval '1 year') at time zone 'Europe/London'
           when 7 then (record.occurrence_from at time zone 'Europe/London' + interval '1 month') at time zone 'Europe/London'
           when 10 then (record.occurrence_from at time zone 'Europe/London' + interval '1 day') at time zone 'Europe/London'
           else record.occurrence_from + interval '1 millisecond'
         end`

// Both the value searched for and the occurrence are spans. The column is asked first wherever it can decide: the end
// of an occurrence has to be read from the body.
function occurrenceIn({ prefix, from, until }: DateRange, bind: Bind): string {
  const low = (): string => `${bind(from)}::timestamptz`
  const high = (): string => `${bind(until)}::timestamptz`
  const start = 'record.occurrence_from'
  const end = OCCURRENCE_UNTIL
  switch (prefix) {
    case 'eq':
      return `(${start} >= ${low()} and ${start} < ${high()} and ${end} <= ${high()})`
    case 'ne':
      return `not (${start} >= ${low()} and ${start} < ${high()} and ${end} <= ${high()})`
    case 'gt':
      return `(${start} >= ${high()} or ${end} > ${high()})`
    case 'lt':
      return `${start} < ${low()}`
    case 'ge':
      return `(${start} >= ${low()} or ${end} > ${high()})`
    case 'le':
      return `(${start} < ${low()} or ${end} <= ${high()})`
    case 'sa':
      return `${start} >= ${high()}`
    case 'eb':
      return `(${start} < ${low()} and ${end} <= ${low()})`
  }
}

// lastUpdated is an instant, so that "starts after" and "greater than" are one.
function lastUpdatedIn({ prefix, from, until }: DateRange, bind: Bind): string {
  const column = 'record.last_updated'
  switch (prefix) {
    case 'eq':
      return `(${column} >= ${bind(from)} and ${column} < ${bind(until)})`
    case 'ne':
      return `(${column} < ${bind(from)} or ${column} >= ${bind(until)})`
    case 'gt':
    case 'sa':
      return `${column} >= ${bind(until)}`
    case 'lt':
    case 'eb':
      return `${column} < ${bind(from)}`
    case 'ge':
      return `${column} >= ${bind(from)}`
    case 'le':
      return `${column} < ${bind(until)}`
  }
}

const CODING_PATHS = {
  vaccineCode: '$.vaccineCode.coding[*]',
  targetDisease: '$.protocolApplied[*].targetDisease[*].coding[*]'
} as const

function hasCoding(element: keyof typeof CODING_PATHS, { system, code }: CodingToken, bind: Bind): string {
  const tests = [
    system === undefined ? [] : [system === null ? '!exists(@.system)' : '@.system == $system'],
    code === undefined ? [] : ['@.code == $code']
  ].flat()
  const path = `${CODING_PATHS[element]} ? (${tests.join(' && ')})`
  return `jsonb_path_exists(version.body::jsonb, ${bind(path)}::jsonpath, ${bind(JSON.stringify({ system, code }))}::jsonb)`
}

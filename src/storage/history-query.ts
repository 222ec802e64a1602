// A search over records as data, and the SQL that answers it. Nothing of a query stands in the text: values are
// parameters, and what becomes text (a column, a direction) is chosen here from a closed list.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Bind } from './instant-range.js'
import { conditionOf } from './record-conditions.js'
import type { RecordFilter } from './record-filter.js'

export interface SortKey {
  by: 'occurrence' | 'last-updated' | 'record-id'
  descending: boolean
}

/** A search as it stood when its first page was made. */
export interface Snapshot {
  /** pg_snapshot as text: which transactions had ended. */
  transactions: string
  /** When, by the clock of the service. */
  at: Date
}

/** Where the page before ended. */
export interface PagePosition {
  /** One value for each sort key, as FoundRecord.sortKeys gives them. */
  sortKeys: readonly string[]
  recordId: string
  snapshot: Snapshot
}

export interface RecordQuery {
  /** The only types that may be found: what the caller may search. */
  vaccineTypes: readonly VaccineType[]
  /** `patientKey`: of the number that was asked for; what it was merged into is looked up each time. */
  patient?: { nhsNumber: string } | { patientKey: string }
  filters: readonly RecordFilter[]
  /** Leave out records whose event group counts another record. */
  survivorsOnly: boolean
  /** Tell what each record is beside the others of its event. */
  withRoles?: boolean
  order: readonly SortKey[]
  after?: PagePosition
  limit: number
}

export interface Statement {
  text: string
  values: unknown[]
}

/**
 * `from … where …` for the live records that match; `limit` is left aside, and of `after` the snapshot counts alone:
 * records that were made since are left out. `patientKey`: the key of the number that was asked for, for the next page.
 * `event`: group and role as JSON.
 */
export function matchingRecords(query: RecordQuery): Statement & { patientKey: string; event: string } {
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const vaccineTypes = bind(query.vaccineTypes)
  const conditions = [`not record.deleted`, `record.vaccine_type = any (${vaccineTypes})`]
  const asked = query.patient === undefined ? undefined : askedPatient(query.patient, bind)
  if (asked !== undefined) conditions.push(`record.patient_key = (select coalesce(merged_into, patient_key) ${asked})`)
  if (query.survivorsOnly) conditions.push(countsForItsEvent(vaccineTypes))
  for (const filter of query.filters) conditions.push(conditionOf(filter, bind))
  const seen = query.after === undefined ? '' : asSeenIn(query.after.snapshot, bind)
  return {
    text: `
  from record
  join record_version version
    on version.record_id = record.record_id and version.version = record.current_version${seen}
 where ${conditions.join('\n   and ')}`,
    values,
    patientKey: asked === undefined ? 'record.patient_key' : `(select patient_key ${asked})`,
    event: query.withRoles === true ? placeInEvent(vaccineTypes) : 'null::json'
  }
}

/**
 * The statement with its page: keyset, so that a page costs the same wherever it lies. Where the last key goes down, ids
 * go up, and the other way round: ascending order is the exact mirror of descending order, and one index serves both.
 */
export function orderAndLimit(
  matching: Statement,
  { order, after, limit }: RecordQuery
): Statement & { sortKeys: string } {
  const values = [...matching.values]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const columns = [
    ...order.map(({ by, descending }) => ({ ...(after === undefined ? COLUMNS : COLUMNS_SEEN)[by], descending })),
    { ...COLUMNS['record-id'], descending: order.at(-1)?.descending === false }
  ]
  let text = matching.text
  if (after !== undefined) text += `\n   and ${isPast(columns, [...after.sortKeys, after.recordId], bind)}`
  text += `\n order by ${columns.map(({ column, descending }) => (descending ? `${column} desc` : column)).join(', ')}`
  const sortKeys = `array[${columns
    .slice(0, -1)
    .map(({ column }) => `${column}::text`)
    .join(', ')}]`
  return { text: `${text}\n limit ${bind(limit)}`, values, sortKeys }
}

interface SortColumn {
  column: string
  type: 'timestamptz' | 'uuid'
  descending: boolean
}

const COLUMNS = {
  occurrence: { column: 'record.occurrence_from', type: 'timestamptz' },
  'last-updated': { column: 'record.last_updated', type: 'timestamptz' },
  'record-id': { column: 'record.record_id', type: 'uuid' }
} as const

const COLUMNS_SEEN = {
  ...COLUMNS,
  occurrence: {
    column: `case when seen.version = record.current_version
            then record.occurrence_from
            else occurrence_start(seen.body::json ->> 'occurrenceDateTime')
        end`,
    type: 'timestamptz'
  },
  'last-updated': { column: 'seen.received_at', type: 'timestamptz' }
} as const

// A record keeps the place that it had when the search began, whatever was written to it since: else one that moves over
// the end of a page is shown twice, or never. Ten minutes: no transaction lasts as long, and transaction numbers of
// another server (a dump that was restored) mean nothing here.
function asSeenIn({ transactions, at }: Snapshot, bind: Bind): string {
  return `
  join lateral (
         select version, received_at, body
           from record_version
          where record_version.record_id = record.record_id
            and (
                  written_by is null
                  or received_at < ${bind(at)}::timestamptz - interval '10 minutes'
                  or pg_visible_in_snapshot(written_by, ${bind(transactions)}::pg_snapshot)
                )
          order by version desc
          limit 1
       ) seen on true`
}

// (a, b, c) past (x, y, z): a past x, or a = x and b past y, or both equal and c past z.
function isPast(columns: readonly SortColumn[], position: readonly string[], bind: Bind): string {
  const placed = columns.map(({ column, type, descending }, index) => {
    const value = `${bind(position[index])}::${type}`
    return { past: `${column} ${descending ? '<' : '>'} ${value}`, equal: `${column} = ${value}` }
  })
  const ways = placed.map(({ past }, index) =>
    [...placed.slice(0, index).map(({ equal }) => equal), past].join(' and ')
  )
  return `(${ways.map((way) => `(${way})`).join(' or ')})`
}

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

// As in Linkage: where no other record of the event may be seen, nothing is told of it.
function placeInEvent(vaccineTypes: string): string {
  return `(
         select json_build_object('groupId', member.group_id, 'role', member.role)
           from event_group_member member
          where member.record_id = record.record_id
            and exists (
                  select
                    from event_group_member other
                    join record another on another.record_id = other.record_id
                   where other.group_id = member.group_id
                     and other.record_id <> member.record_id
                     and another.vaccine_type = any (${vaccineTypes})
                )
       )`
}

function askedPatient(patient: NonNullable<RecordQuery['patient']>, bind: Bind): string {
  if ('patientKey' in patient) return `from patient where patient_key = ${bind(patient.patientKey)}::uuid`
  return `from patient where nhs_number = ${bind(patient.nhsNumber)}`
}

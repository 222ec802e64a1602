// A version history as data, and the SQL that answers it: of one record, or of all that a caller may see.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Statement } from './history-query.js'
import type { Bind } from './instant-range.js'

/** Whose versions. `own`: of these vaccine types those that the supplier sent; `all`: of these types every one. */
export type VersionsOf =
  { recordId: string } | { supplier: string; own: readonly VaccineType[]; all: readonly VaccineType[] }

export interface VersionsQuery {
  of: VersionsOf
  /** Only versions received at this instant or later. */
  since?: Date
  /** Only versions that were current at some moment of this span. */
  at?: { from: Date; until: Date }
  /** The last version of the page before. */
  before?: { receivedAt: Date; recordId: string; version: number }
  limit: number
}

/** `from … where …`; `before` and `limit` are left aside. */
export function matchingVersions({ of, since, at }: VersionsQuery): Statement {
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const conditions = [ofWhom(of, bind)]
  if (since !== undefined) conditions.push(`version.received_at >= ${bind(since)}`)
  if (at !== undefined) conditions.push(wasCurrentIn(at, bind))
  const join = 'recordId' in of ? '' : '\n  join record on record.record_id = version.record_id'
  return { text: `\n  from record_version version${join}\n where ${conditions.join('\n   and ')}`, values }
}

/** Newest first. */
export function orderAndLimitVersions(matching: Statement, { of, before, limit }: VersionsQuery): Statement {
  const values = [...matching.values]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const [columns, types] =
    'recordId' in of
      ? [['version.version'], ['integer']]
      : [
          ['version.received_at', 'version.record_id', 'version.version'],
          ['timestamptz', 'uuid', 'integer']
        ]
  let text = matching.text
  if (before !== undefined) {
    const position = 'recordId' in of ? [before.version] : [before.receivedAt, before.recordId, before.version]
    const bound = position.map((value, index) => `${bind(value)}::${types[index] ?? 'text'}`)
    text += `\n   and (${columns.join(', ')}) < (${bound.join(', ')})`
  }
  text += `\n order by ${columns.map((column) => `${column} desc`).join(', ')}`
  return { text: `${text}\n limit ${bind(limit)}`, values }
}

function ofWhom(of: VersionsOf, bind: Bind): string {
  if ('recordId' in of) return `version.record_id = ${bind(of.recordId)}::uuid`
  const ways = [
    ...(of.own.length === 0
      ? []
      : [`version.supplier = ${bind(of.supplier)} and record.vaccine_type = any (${bind(of.own)})`]),
    ...(of.all.length === 0 ? [] : [`record.vaccine_type = any (${bind(of.all)})`])
  ]
  // Alone it stands without brackets and "or", for the index of suppliers.
  return ways.length === 0 ? 'false' : ways.length === 1 ? ways.join('') : `(${ways.join(' or ')})`
}

function wasCurrentIn({ from, until }: { from: Date; until: Date }, bind: Bind): string {
  return `version.received_at < ${bind(until)}
   and not exists (
         select
           from record_version later
          where later.record_id = version.record_id
            and later.version = version.version + 1
            and later.received_at <= ${bind(from)}
       )`
}

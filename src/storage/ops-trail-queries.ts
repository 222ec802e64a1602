// What was refused, and who did what: lists that grow for ever, read a page at a time.
import type { Sql } from './sql.js'

export interface RefusalCount {
  rule: string
  supplier: string
  count: number
}

/** A refused submission without what was sent. */
export interface Refusal {
  submissionId: string
  receivedAt: Date
  supplier: string
  requestId: string | null
  status: number
  rules: string[]
  /** Place in the list, for the next page. */
  place: string
}

export interface RefusalFilter {
  supplier?: string
  rule?: string
  since: Date
  until: Date
}

export interface AuditLine {
  at: Date
  actor: string
  action: string
  recordId: string | null
  version: number | null
  /** JSON object: ids, counts, reasons. */
  detail: Record<string, unknown>
  /** Place in the list, for the next page. */
  place: string
}

export interface AuditFilter {
  actor?: string
  /**
   * The action, or what it begins with before a point: `replay` finds `replay.start`. Reads outnumber all else, so they
   * are listed only when they are asked for: `read`.
   */
  action?: string
  recordId?: string
  since?: Date
  until?: Date
}

export interface OpsTrailQueries {
  /** Most frequent first. A submission counts once for each rule that refused it. */
  countRefusals(filter: RefusalFilter, limit: number): Promise<RefusalCount[]>
  /** Latest first, those after `place`. */
  listRefusals(filter: RefusalFilter, page: { after?: string; limit: number }): Promise<Refusal[]>
  /** Latest first, those after `place`. */
  listAudit(filter: AuditFilter, page: { after?: string; limit: number }): Promise<AuditLine[]>
}

export function createOpsTrailQueries(sql: Sql): OpsTrailQueries {
  return {
    async countRefusals(filter, limit) {
      const { rows } = await sql.query<RefusalCount>(
        `select rule, supplier, count(*)::integer as count
           from refused_submission, unnest(rules) as rule
          where ${REFUSAL_FILTER}
            and ($4::text is null or rule = $4)
          group by rule, supplier
          order by count(*) desc, rule, supplier
          limit $5`,
        [...refusalValues(filter), limit]
      )
      return rows
    },

    async listRefusals(filter, { after, limit }) {
      const [receivedAt, submissionId] = splitPlace(after)
      const { rows } = await sql.query<Refusal>(
        `select submission_id as "submissionId",
                received_at as "receivedAt",
                supplier,
                request_id as "requestId",
                http_status as status,
                rules,
                ${placeOf('received_at')} || '~' || submission_id as place
           from refused_submission
          where ${REFUSAL_FILTER}
            and ($4::text is null or rules @> array[$4])
            and ($5::timestamptz is null or (received_at, submission_id) < ($5, $6::uuid))
          order by received_at desc, submission_id desc
          limit $7`,
        [...refusalValues(filter), receivedAt ?? null, submissionId ?? null, limit]
      )
      return rows
    },

    async listAudit(filter, { after, limit }) {
      const [at, chainId, position] = splitPlace(after)
      const { rows } = await sql.query<AuditLine>(
        `select at, actor, action, record_id as "recordId", version, detail::json as detail,
                ${placeOf('at')} || '~' || chain_id || '~' || position as place
           from audit_entry
          where ($1::text is null or actor = $1)
            and (
              case when $2::text is null then not starts_with(action, 'read.')
                   else action = $2 or starts_with(action, $2 || '.')
              end
            )
            and ($3::uuid is null or record_id = $3)
            and ($4::timestamptz is null or at >= $4)
            and ($5::timestamptz is null or at < $5)
            and ($6::timestamptz is null or (at, chain_id, position) < ($6, $7::uuid, $8::integer))
          order by at desc, chain_id desc, position desc
          limit $9`,
        [
          filter.actor ?? null,
          filter.action ?? null,
          filter.recordId ?? null,
          filter.since ?? null,
          filter.until ?? null,
          at ?? null,
          chainId ?? null,
          position ?? null,
          limit
        ]
      )
      return rows
    }
  }
}

const REFUSAL_FILTER = `received_at >= $1
            and received_at < $2
            and ($3::text is null or supplier = $3)`

function refusalValues(filter: RefusalFilter): unknown[] {
  return [filter.since, filter.until, filter.supplier ?? null, filter.rule ?? null]
}

/** A place keeps the microseconds that a Date would lose, and with them a row between two pages. */
function placeOf(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

function splitPlace(place: string | undefined): (string | undefined)[] {
  return place?.split('~') ?? []
}

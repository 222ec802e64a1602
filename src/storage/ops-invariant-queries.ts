// Looks for what breaks an invariant, and keeps what was found for whoever asks next.
import { INVARIANT_CHECKS } from './invariants.js'
import type { Sql } from './sql.js'

export interface Violations {
  id: string
  /** At most {@link FINDINGS_LIMIT}. */
  ids: string[]
}

export interface CheckedInvariant {
  id: string
  checkedAt: Date
  violations: number
  sample: string[]
}

export const FINDINGS_LIMIT = 100

export interface OpsInvariantQueries {
  /** Looks at what is on its way, and at what was attempted or accepted since. `destinations`: those configured now. */
  findViolations(since: Date, destinations: readonly string[]): Promise<Violations[]>
  /** Claims the next check for the caller: false when somebody has checked within `everySeconds`. */
  claimInvariantCheck(everySeconds: number): Promise<boolean>
  keepViolations(found: readonly Violations[]): Promise<void>
  readCheckedInvariants(): Promise<CheckedInvariant[]>
}

export function createOpsInvariantQueries(sql: Sql): OpsInvariantQueries {
  return {
    async findViolations(since, destinations) {
      const found: Violations[] = []
      for (const { id, sql: text } of INVARIANT_CHECKS) {
        // Each statement names every parameter, or PostgreSQL cannot tell their types.
        const { rows } = await sql.query<{ id: string }>(
          `with asked as (select $1::timestamptz, $2::integer, $3::text[])\n${text.trimStart()}`,
          [since, FINDINGS_LIMIT, destinations]
        )
        found.push({ id, ids: rows.map((row) => row.id) })
      }
      return found
    },
    async claimInvariantCheck(everySeconds) {
      const { rowCount } = await sql.query(
        `insert into invariant_check (invariant, checked_at, violations, sample)
         values ('I1', now(), 0, '{}')
         on conflict (invariant) do update
            set checked_at = now()
          where invariant_check.checked_at < now() - $1 * interval '1 second'`,
        [everySeconds]
      )
      return rowCount === 1
    },
    async keepViolations(found) {
      await sql.query(
        `insert into invariant_check (invariant, checked_at, violations, sample)
         select id, now(), violations, array(select json_array_elements_text(sample))
           from json_to_recordset($1) as found (id text, violations integer, sample json)
         on conflict (invariant) do update
            set checked_at = now(), violations = excluded.violations, sample = excluded.sample`,
        [JSON.stringify(found.map(({ id, ids }) => ({ id, violations: ids.length, sample: ids.slice(0, 5) })))]
      )
    },
    async readCheckedInvariants() {
      const { rows } = await sql.query<CheckedInvariant>(
        `select invariant as id, checked_at as "checkedAt", violations, sample
           from invariant_check
          order by length(invariant), invariant`
      )
      return rows
    }
  }
}

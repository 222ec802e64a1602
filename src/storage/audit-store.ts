// The audit trail: who did what to which record, when and why. Append only, one hash chain per writing process.
import type { Sql } from './sql.js'

export interface AuditEntry {
  at: Date
  /** Client name of the caller, or `service` for what the Hub does by itself. */
  actor: string
  /** `immunization.create`, `replay.start`, … */
  action: string
  recordId?: string
  version?: number
  patientKey?: string
  /** Never a patient's data: ids, counts, reasons, names of rules and programmes. */
  detail: Record<string, unknown>
}

export interface AuditStore {
  /** Opens the chain of this process. */
  openChain(chainId: string, processName: string): Promise<void>
  append(chainId: string, entries: readonly AuditEntry[]): Promise<void>
  /**
   * In a transaction: appends the entry, unless one of the same action and the same `detail[mark]` was made at `since` or
   * later. False when there is one.
   */
  appendOnce(chainId: string, entry: AuditEntry, mark: string, since: Date): Promise<boolean>
  /** Chains in which an entry was changed or is missing: nothing when all is well. */
  findBrokenChains(): Promise<{ chainId: string; position: number }[]>
}

export function createAuditStore(sql: Sql): AuditStore {
  const append: AuditStore['append'] = async (chainId, entries) => {
    if (entries.length === 0) return
    await sql.query('select audit_append($1, $2)', [chainId, JSON.stringify(entries.map(toRow))])
  }
  return {
    append,
    async openChain(chainId, processName) {
      await sql.query(
        `insert into audit_chain (chain_id, process, started_at, head_sha256)
         values ($1, $2, now(), sha256(convert_to($1::uuid::text, 'UTF8')))
         on conflict (chain_id) do nothing`,
        [chainId, processName]
      )
    },
    async appendOnce(chainId, entry, mark, since) {
      const value = String(entry.detail[mark])
      await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 12))', [`${entry.action} ${value}`])
      // Another statement, so that it sees what the last holder of the lock has committed.
      const { rowCount } = await sql.query(
        `select 1
           from audit_entry
          where at >= $1
            and action = $2
            and detail::json ->> $3 = $4
          limit 1`,
        [since, entry.action, mark, value]
      )
      if (rowCount > 0) return false
      await append(chainId, [entry])
      return true
    },
    async findBrokenChains() {
      const { rows } = await sql.query<{ chain_id: string; position: number }>(
        `with hashed as (
           select entry.chain_id, entry.position, entry.sha256,
                  audit_hash(
                    coalesce(
                      lag(entry.sha256) over (partition by entry.chain_id order by entry.position),
                      sha256(convert_to(entry.chain_id::text, 'UTF8'))
                    ),
                    entry
                  ) as expected,
                  row_number() over (partition by entry.chain_id order by entry.position) as counted
             from audit_entry entry
         )
         select chain_id, min(position)::integer as position
           from hashed
          where sha256 <> expected or position <> counted
          group by chain_id
          union all
         select chain.chain_id, chain.length
           from audit_chain chain
           left join audit_entry last on last.chain_id = chain.chain_id and last.position = chain.length
          where chain.length > 0 and last.sha256 is distinct from chain.head_sha256`
      )
      return rows.map((row) => ({ chainId: row.chain_id, position: row.position }))
    }
  }
}

function toRow(entry: AuditEntry): Record<string, unknown> {
  return {
    at: entry.at,
    actor: entry.actor,
    action: entry.action,
    record_id: entry.recordId,
    version: entry.version,
    patient_key: entry.patientKey,
    detail: JSON.stringify(entry.detail)
  }
}

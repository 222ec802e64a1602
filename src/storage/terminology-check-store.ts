// Record versions whose codes are looked up after they were accepted, and what came of it.
import type { Issue } from '../fhir/issue.js'
import type { Sql } from './sql.js'

export interface VersionKey {
  recordId: string
  version: number
}

export interface ClaimedCheck extends VersionKey {
  patientKey: string
  body: string
  /** Tells the end of the present check from that of one whose lease is over. */
  epoch: number
  /** Earlier looks that left something open. */
  tries: number
}

export interface CheckEnd extends VersionKey {
  epoch: number
  issues: readonly Issue[]
}

export interface TerminologyCheckStore {
  /** In the transaction that makes the versions. */
  insert(versions: readonly VersionKey[]): Promise<void>
  /** Those that are due, the oldest first; for the time of the lease nobody else gets them. */
  claim(limit: number, leaseMs: number): Promise<ClaimedCheck[]>
  /** Everything was answered. Gives those that were still the caller's. */
  finish(ends: readonly CheckEnd[]): Promise<VersionKey[]>
  /** Something is open: to be looked at again after `waitMs`. */
  postpone(ends: readonly (CheckEnd & { waitMs: number })[]): Promise<void>
  /** Claimed, but not looked at. */
  giveBack(checks: readonly (VersionKey & { epoch: number })[]): Promise<void>
  /** What is known by now of a version; empty when nobody looked yet or nothing was to be said. */
  findIssues(key: VersionKey): Promise<Issue[]>
}

export function createTerminologyCheckStore(sql: Sql): TerminologyCheckStore {
  return {
    async insert(versions) {
      if (versions.length === 0) return
      await sql.query(
        `insert into terminology_check (record_id, version)
         select record_id, version
           from unnest($1::uuid[], $2::integer[]) as made (record_id, version)`,
        [versions.map(({ recordId }) => recordId), versions.map(({ version }) => version)]
      )
    },
    async claim(limit, leaseMs) {
      return (await sql.query<ClaimedCheck>(CLAIM, [limit, leaseMs])).rows
    },
    async finish(ends) {
      if (ends.length === 0) return []
      return (await sql.query<VersionKey>(FINISH, [JSON.stringify(ends.map(toRow))])).rows
    },
    async postpone(ends) {
      if (ends.length === 0) return
      await sql.query(POSTPONE, [JSON.stringify(ends.map((end) => ({ ...toRow(end), wait_ms: end.waitMs })))])
    },
    async giveBack(checks) {
      if (checks.length > 0) await sql.query(GIVE_BACK, [JSON.stringify(checks.map(toKey))])
    },
    async findIssues({ recordId, version }) {
      const { rows } = await sql.query<{ issues: string | null }>(
        'select issues from terminology_check where record_id = $1 and version = $2',
        [recordId, version]
      )
      return JSON.parse(rows[0]?.issues ?? '[]') as Issue[]
    }
  }
}

function toKey({ recordId, version, epoch }: VersionKey & { epoch: number }): object {
  return { record_id: recordId, version, epoch }
}

function toRow(end: CheckEnd): object {
  return { ...toKey(end), issues: JSON.stringify(end.issues) }
}

const CLAIM = `
with due as (
  select record_id, version
    from terminology_check
   where checked_at is null
     and due_at <= now()
   order by due_at
   limit $1
     for update skip locked
), claimed as (
  update terminology_check looked
     set due_at = now() + $2 * interval '1 millisecond', epoch = looked.epoch + 1
    from due
   where looked.record_id = due.record_id and looked.version = due.version
  returning looked.record_id, looked.version, looked.epoch, looked.tries
)
select claimed.record_id as "recordId", claimed.version, claimed.epoch, claimed.tries, made.body,
       made.patient_key as "patientKey"
  from claimed
  join record_version made on made.record_id = claimed.record_id and made.version = claimed.version`

const FINISH = `
update terminology_check looked
   set issues = ended.issues, checked_at = now(), due_at = now()
  from json_to_recordset($1) as ended (record_id uuid, version integer, epoch integer, issues text)
 where looked.record_id = ended.record_id
   and looked.version = ended.version
   and looked.epoch = ended.epoch
   and looked.checked_at is null
returning looked.record_id as "recordId", looked.version`

const POSTPONE = `
update terminology_check looked
   set issues = ended.issues, tries = looked.tries + 1, due_at = now() + ended.wait_ms * interval '1 millisecond'
  from json_to_recordset($1) as ended (
         record_id uuid, version integer, epoch integer, issues text, wait_ms double precision
       )
 where looked.record_id = ended.record_id
   and looked.version = ended.version
   and looked.epoch = ended.epoch
   and looked.checked_at is null`

const GIVE_BACK = `
update terminology_check looked
   set due_at = now()
  from json_to_recordset($1) as kept (record_id uuid, version integer, epoch integer)
 where looked.record_id = kept.record_id
   and looked.version = kept.version
   and looked.epoch = kept.epoch
   and looked.checked_at is null`

// Keys that callers gave to their writes, each with the answer of the write it stands for.
import type { Sql } from './sql.js'

export interface IdempotencyKey {
  client: string
  key: string
  /** SHA-256 of the request, 32 bytes. */
  requestSha256: Buffer
}

/** A write that was done under a key. */
export interface KeptAnswer extends IdempotencyKey {
  status: number
  /** JSON array. */
  issues: string
  recordId: string
  version: number
}

/** The write as it is answered again. */
export interface FoundAnswer extends KeptAnswer {
  lastUpdated: Date
  /** Undefined for a delete. */
  body?: string
}

export interface ClaimedKey {
  /** False while another transaction holds the key. */
  isOurs: boolean
  answer?: FoundAnswer
}

export interface IdempotencyStore {
  /**
   * Claims keys until the transaction ends, without waiting, and finds what was answered under them in the last 24
   * hours. In the order given. A claim may be a moment too early to see the answer of one that has just ended: then
   * `insert` fails on the unique key and the transaction is tried again.
   */
  claim(keys: readonly IdempotencyKey[]): Promise<ClaimedKey[]>
  insert(answers: readonly KeptAnswer[]): Promise<void>
  /** Removes at most `limit` answers of more than 24 hours ago; gives how many there were. */
  removeExpired(limit: number): Promise<number>
}

export function createIdempotencyStore(sql: Sql): IdempotencyStore {
  return {
    async claim(keys) {
      if (keys.length === 0) return []
      const { rows } = await sql.query<ClaimRow>(CLAIM, [keys.map(({ client }) => client), keys.map(({ key }) => key)])
      return rows.map(toClaimed)
    },

    async insert(answers) {
      if (answers.length === 0) return
      await sql.query(INSERT, [JSON.stringify(answers.map(toRow))])
    },

    async removeExpired(limit) {
      const { rowCount } = await sql.query(
        `delete from idempotency_key
          where (client, key) in (
                  select client, key
                    from idempotency_key
                   where kept_at <= now() - interval '24 hours'
                   order by kept_at
                   limit $1
                     for update skip locked
                )`,
        [limit]
      )
      return rowCount
    }
  }
}

const CLAIM = `
with wanted as (
  select client, key, place
    from unnest($1::text[], $2::text[]) with ordinality as wanted (client, key, place)
), expired as (
  delete from idempotency_key
   using wanted
   where idempotency_key.client = wanted.client
     and idempotency_key.key = wanted.key
     and idempotency_key.kept_at <= now() - interval '24 hours'
)
select pg_try_advisory_xact_lock(hashtextextended(wanted.client || chr(10) || wanted.key, 3)) as is_ours,
       kept.client, kept.key, kept.request_sha256, kept.status, kept.issues, kept.record_id, kept.version,
       answered.received_at, answered.body
  from wanted
  left join idempotency_key kept
    on kept.client = wanted.client and kept.key = wanted.key and kept.kept_at > now() - interval '24 hours'
  left join record_version answered
    on answered.record_id = kept.record_id and answered.version = kept.version
 order by wanted.place`

const INSERT = `
insert into idempotency_key (client, key, request_sha256, status, issues, record_id, version)
select client, key, decode(request_sha256, 'hex'), status, issues, record_id, version
  from json_to_recordset($1) as kept (
         client text, key text, request_sha256 text, status integer, issues text, record_id uuid, version integer
       )`

interface ClaimRow {
  is_ours: boolean
  client: string | null
  key: string
  request_sha256: Buffer
  status: number
  issues: string
  record_id: string
  version: number
  received_at: Date
  body: string | null
}

function toClaimed(row: ClaimRow): ClaimedKey {
  if (row.client === null) return { isOurs: row.is_ours }
  return {
    isOurs: row.is_ours,
    answer: {
      client: row.client,
      key: row.key,
      requestSha256: row.request_sha256,
      status: row.status,
      issues: row.issues,
      recordId: row.record_id,
      version: row.version,
      lastUpdated: row.received_at,
      ...(row.body === null ? {} : { body: row.body })
    }
  }
}

function toRow(answer: KeptAnswer): object {
  return {
    client: answer.client,
    key: answer.key,
    request_sha256: answer.requestSha256.toString('hex'),
    status: answer.status,
    issues: answer.issues,
    record_id: answer.recordId,
    version: answer.version
  }
}

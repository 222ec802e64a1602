// Access tokens that the workers of a fleet share: one of them gets a new one, the others wait for it. Sealed: the database
// never knows a token.
import type { Sql } from './sql.js'

export type TakenToken =
  /** `version` rises with every token of this name. */
  | { kind: 'kept'; sealed: Uint8Array; version: number; goodForMs: number }
  /** The caller gets a new one, and nobody else for as long as it said. */
  | { kind: 'renew' }
  /** Somebody else is getting one. */
  | { kind: 'wait' }

export interface AccessTokenStore {
  /** `refusedVersion`: the token of this version is no good any more, whatever its time. */
  take(name: string, refusedVersion: number | undefined, leaseMs: number): Promise<TakenToken>
  /** Keeps a new token for the others. Gives its version. */
  keep(name: string, sealed: Uint8Array, goodForMs: number): Promise<number>
  /** There was none to be had: the next caller may try. */
  giveUp(name: string): Promise<void>
}

export function createAccessTokenStore(sql: Sql): AccessTokenStore {
  return {
    async take(name, refusedVersion, leaseMs) {
      await sql.query('insert into access_token (name) values ($1) on conflict (name) do nothing', [name])
      const refused = refusedVersion ?? null
      const { rows } = await sql.query<{ sealed: Buffer; version: number; goodForMs: number }>(FIND, [name, refused])
      const [kept] = rows
      if (kept !== undefined) return { kind: 'kept', ...kept }
      const { rowCount } = await sql.query(CLAIM, [name, refused, leaseMs])
      return { kind: rowCount === 0 ? 'wait' : 'renew' }
    },
    async keep(name, sealed, goodForMs) {
      const { rows } = await sql.query<{ version: number }>(KEEP, [name, Buffer.from(sealed), goodForMs])
      return rows[0]?.version ?? 0
    },
    async giveUp(name) {
      await sql.query('update access_token set renewing_until = null where name = $1', [name])
    }
  }
}

const FIND = `
select sealed, version,
       (extract(epoch from good_until - now()) * 1000)::double precision as "goodForMs"
  from access_token
 where name = $1
   and sealed is not null
   and good_until > now()
   and version is distinct from $2::integer`

// What was kept between the two statements is looked at again: then nothing is claimed, and the next look finds it.
const CLAIM = `
update access_token
   set renewing_until = now() + $3 * interval '1 millisecond'
 where name = $1
   and (sealed is null or good_until <= now() or version = $2::integer)
   and (renewing_until is null or renewing_until <= now())`

const KEEP = `
update access_token
   set version = version + 1, sealed = $2, good_until = now() + $3 * interval '1 millisecond', renewing_until = null
 where name = $1
returning version`

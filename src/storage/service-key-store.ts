// Random keys that all processes of one service share.
import type { Sql } from './sql.js'

export interface ServiceKeyStore {
  /** The key of this name; `made` is kept when there is none yet. */
  findOrKeep(name: string, made: Uint8Array): Promise<Uint8Array>
}

export function createServiceKeyStore(sql: Sql): ServiceKeyStore {
  return {
    async findOrKeep(name, made) {
      await sql.query('insert into service_key (name, key) values ($1, $2) on conflict (name) do nothing', [
        name,
        Buffer.from(made)
      ])
      const { rows } = await sql.query<{ key: Buffer }>('select key from service_key where name = $1', [name])
      return rows[0]?.key ?? made
    }
  }
}

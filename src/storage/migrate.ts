// Brings the database to the shape this release needs: numbered SQL files, each applied once, in order.
import type { Pool, PoolClient } from 'pg'
import { readMigrations } from './migration-files.js'
import type { Migration } from './migration-files.js'

/** In dist/ too the files are those of src/. */
const defaultDirectory = new URL('../../src/storage/migrations/', import.meta.url)
/** Any fixed number: the advisory lock that starters queue at. */
const lockKey = 7_141_836_021

interface AppliedRow {
  version: number
  name: string
  sha256: string
}

/**
 * Any number of processes may call it at once; each file is applied by one of them, in a transaction of its own.
 * Locks last as long as a transaction, so a connection pooler between us and the server does no harm.
 * @returns the names of the files that this call applied
 * @throws Error when an applied file was changed, when the database is newer than this release, or when a file fails
 */
export async function migrate(pool: Pool, directory: URL = defaultDirectory): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(directory)
  const recorded = await inLockedTransaction(pool, readVersionTable)
  checkRecorded(recorded, migrations)

  const applied: string[] = []
  for (const migration of migrations.slice(recorded.length)) {
    const isOurs = await inLockedTransaction(pool, (client) => apply(client, migration))
    if (isOurs) applied.push(migration.name)
  }
  return { applied }
}

/** How many files this release has. */
export async function countMigrations(): Promise<number> {
  return (await readMigrations(defaultDirectory)).length
}

async function inLockedTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    // Waiting in the queue and building an index on a large table both take as long as they take.
    await client.query('set local statement_timeout = 0')
    await client.query('select pg_advisory_xact_lock($1)', [lockKey])
    const result = await work(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    // Closing the connection rolls back, and works when it is already lost.
    client.release(true)
    throw error
  }
}

/** Looked for first: in production the account of the service need not be allowed to create tables. */
async function readVersionTable(client: PoolClient): Promise<AppliedRow[]> {
  const { rows } = await client.query<{ found: boolean }>(`select to_regclass('schema_migration') is not null as found`)
  if (rows[0]?.found !== true) {
    await client.query(
      `create table schema_migration (
         version integer primary key,
         name text not null,
         sha256 text not null,
         applied_at timestamptz not null default now()
       )`
    )
  }
  const recorded = await client.query<AppliedRow>(
    `select version, name, sha256
       from schema_migration
      order by version`
  )
  return recorded.rows
}

function checkRecorded(recorded: readonly AppliedRow[], migrations: readonly Migration[]): void {
  recorded.forEach((row, index) => {
    if (row.version !== index + 1)
      throw new Error(`The database lacks migration ${index + 1}: restore schema_migration`)
    const migration = migrations[index]
    if (!migration) {
      throw new Error(
        `The database is newer than this release: it has migration ${row.name}, this release ends with ${
          migrations.at(-1)?.name ?? 'none'
        }: start the newer release`
      )
    }
    if (migration.sha256 !== row.sha256) {
      throw new Error(
        `Migration ${migration.name} was changed after it was applied (as ${row.name}): restore the file, and put the change into a new one`
      )
    }
  })
}

/** The version row comes first: without it nothing of the file is run. False when another process was faster. */
async function apply(client: PoolClient, migration: Migration): Promise<boolean> {
  const { version, name, sha256, sql } = migration
  const inserted = await client.query(
    `insert into schema_migration (version, name, sha256)
     values ($1, $2, $3)
     on conflict (version) do nothing`,
    [version, name, sha256]
  )
  if (inserted.rowCount === 0) return false
  try {
    await client.query(sql)
  } catch (cause) {
    throw new Error(`Migration ${name} failed${lineOf(cause, sql)}: ${(cause as Error).message}`, { cause })
  }
  return true
}

/** PostgreSQL gives the position as a count of characters from 1. */
function lineOf(error: unknown, sql: string): string {
  const position = Number((error as { position?: string }).position)
  return position > 0 ? ` at line ${sql.slice(0, position).split('\n').length}` : ''
}

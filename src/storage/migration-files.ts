// The migration files of this release: NNN-what.sql, numbered from 001 without gaps.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export interface Migration {
  version: number
  /** File name. */
  name: string
  sql: string
  sha256: string
}

/** @throws Error on a name that is not of this form, and on a number that is missing or used twice */
export async function readMigrations(directory: URL): Promise<Migration[]> {
  const names = (await readdir(directory)).sort()
  return Promise.all(names.map((name, index) => readMigration(directory, name, index + 1)))
}

async function readMigration(directory: URL, name: string, expectedVersion: number): Promise<Migration> {
  const version = Number(/^(\d{3})-[a-z0-9-]+\.sql$/.exec(name)?.[1])
  if (version !== expectedVersion) {
    const expected = String(expectedVersion).padStart(3, '0')
    throw new Error(`${fileURLToPath(directory)}: expected a file ${expected}-<what>.sql, found ${name}`)
  }
  // A checkout with Windows line ends is the same migration.
  const sql = (await readFile(new URL(name, directory), 'utf8')).replaceAll('\r\n', '\n')
  return { version, name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
}

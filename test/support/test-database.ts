// A database of one test: a clone of the template that has all migrations.
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { createPool } from '../../src/storage/pool.js'
import type { DatabaseConnection, Pool } from '../../src/storage/pool.js'
import { databaseUrl, onDatabase, withAdmin } from './database-admin.js'
import { findTestServer } from './test-server.js'

export interface TestDatabase {
  connection: DatabaseConnection
  /** The same as a value for DATABASE_URL. */
  url: string
  pool: Pool
}

/** Dropped when `t` is over, with whatever is still connected to it. */
export function createTestDatabase(t: Test): Promise<TestDatabase> {
  return createDatabase(t, (template) => `template ${template}`)
}

/** The same without any table. */
export function createEmptyDatabase(t: Test): Promise<TestDatabase> {
  return createDatabase(t, () => 'template template0')
}

async function createDatabase(t: Test, from: (template: string) => string): Promise<TestDatabase> {
  const { admin, template } = await findTestServer()
  const name = `imms_test_${process.pid}_${randomBytes(4).toString('hex')}`
  await withAdmin(admin, (sql) => sql(`create database ${name} ${from(template)}`))
  const connection = onDatabase(admin, name)
  const pool = createPool(connection, { applicationName: 'imms-test' })
  t.teardown(async () => {
    // Not awaited: a client that a test forgot to release would keep it waiting; dropping by force ends it.
    void pool.end()
    await withAdmin(admin, (sql) => sql(`drop database if exists ${name} with (force)`))
  })
  return { connection, url: databaseUrl(connection), pool }
}

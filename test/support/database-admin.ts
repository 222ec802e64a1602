// Databases of a server, created and dropped.
import { createPool } from '../../src/storage/pool.js'
import type { DatabaseConnection } from '../../src/storage/pool.js'

/** Runs statements on a connection of its own. */
export async function withAdmin(
  admin: DatabaseConnection,
  work: (sql: (text: string) => Promise<unknown>) => Promise<unknown>
): Promise<void> {
  const pool = createPool(admin, { applicationName: 'imms-test-admin', maxConnections: 1 })
  try {
    await work((text) => pool.query(text))
  } finally {
    await pool.end()
  }
}

/** The same server, another database. */
export function onDatabase(connection: DatabaseConnection, database: string): DatabaseConnection {
  if (!('connectionString' in connection)) return { ...connection, database }
  const url = new URL(connection.connectionString)
  url.pathname = `/${database}`
  return { connectionString: url.href }
}

/** As a value for DATABASE_URL. */
export function databaseUrl(connection: DatabaseConnection): string {
  if ('connectionString' in connection) return connection.connectionString
  const { host, user, database } = connection
  return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}&port=5432`
}

// A script: keeps the PostgreSQL server of the test run whose process id is its argument. Stops with the run, or on
// SIGTERM, and leaves nothing behind. With DATABASE_URL set it uses that server instead, and keeps the template only.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import type { DatabaseConnection } from '../../src/storage/pool.js'
import { createPool } from '../../src/storage/pool.js'
import { migrate } from '../../src/storage/migrate.js'
import { onDatabase, withAdmin } from './database-admin.js'
import { isOver, runOf } from './test-run.js'
import type { ServerFile } from './test-server.js'
import { serverFileName } from './test-server.js'

const run = runOf(Number(process.argv[2]))
const template = `imms_template_${process.pid}`

interface Keeping {
  admin: DatabaseConnection
  end(): Promise<void>
}

async function startServer(): Promise<Keeping> {
  const external = process.env['DATABASE_URL']
  if (external) {
    const admin = { connectionString: external }
    return { admin, end: () => withAdmin(admin, (sql) => sql(`drop database if exists ${template} with (force)`)) }
  }
  const server = await startEmbeddedPostgres({
    stateDir: join(run.dir, 'postgres'),
    durable: false,
    settings: { max_connections: 300, shared_buffers: '128MB' },
    onLog: (line) => {
      console.log(line)
    }
  })
  return { admin: server.connection, end: () => server.stop() }
}

async function createTemplate(admin: DatabaseConnection): Promise<void> {
  await withAdmin(admin, (sql) => sql(`create database ${template}`))
  const pool = createPool(onDatabase(admin, template), { maxConnections: 1 })
  await migrate(pool)
  await pool.end()
  await withAdmin(admin, (sql) => sql(`alter database ${template} allow_connections false`))
}

function announce(file: ServerFile): void {
  const path = join(run.dir, serverFileName)
  writeFileSync(`${path}.new`, JSON.stringify(file))
  renameSync(`${path}.new`, path)
}

/** Resolves when there is nobody left to keep the server for. */
function endOfRun(): Promise<void> {
  return new Promise((resolve) => {
    const watch = setInterval(() => {
      if (isOver(run)) end()
    }, 200)
    const end = (): void => {
      clearInterval(watch)
      resolve()
    }
    process.once('SIGTERM', end)
    process.once('SIGINT', end)
  })
}

const ended = endOfRun()
let keeping: Keeping | undefined
try {
  keeping = await startServer()
  await createTemplate(keeping.admin)
  announce({ keeperPid: process.pid, admin: keeping.admin, template })
} catch (error) {
  announce({ fault: error instanceof Error ? error.message : String(error) })
}
await ended
await keeping?.end()
rmSync(run.dir, { recursive: true, force: true })

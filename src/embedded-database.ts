// The database of a service without DATABASE_URL: the embedded PostgreSQL, started again when it dies by itself.
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded/start-embedded-postgres.js'
import type { DatabaseConnection } from './storage/pool.js'
import type { Log } from './log.js'

export interface OwnDatabase {
  connection: DatabaseConnection
  close(): Promise<void>
}

/** @throws Error of one line that says what to do */
export async function openEmbeddedDatabase(dataDir: string, log: Log): Promise<OwnDatabase> {
  await mkdir(dataDir, { recursive: true })
  const stateDir = path.join(dataDir, 'postgres')
  let closing = false
  let server = await start()

  async function start(): Promise<EmbeddedPostgres> {
    const started = await startEmbeddedPostgres({
      stateDir,
      onLog: (line) => {
        log.debug({ line }, 'database.embedded_log')
      }
    })
    void started.exited.then(() => (closing ? undefined : restart()))
    return started
  }

  async function restart(): Promise<void> {
    log.error({ state_dir: stateDir }, 'database.embedded_died')
    try {
      server = await start()
      log.warn({ state_dir: stateDir }, 'database.embedded_restarted')
    } catch (error) {
      log.fatal({ err: error }, 'database.embedded_lost')
      process.exitCode = 1
      process.kill(process.pid, 'SIGTERM')
    }
  }

  return {
    connection: server.connection,
    async close() {
      closing = true
      await server.stop()
    }
  }
}

// A PostgreSQL of the campaign's own that can be stopped as if the power had failed, and started again.
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startEmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import type { DatabaseConnection } from '../../src/storage/pool.js'
import { databaseUrl } from '../support/database-admin.js'

export interface CrashablePostgres {
  connection: DatabaseConnection
  url: string
  /** An immediate stop: nothing is written down, connections break. Resolves when it has recovered. */
  crash(forMs: number): Promise<void>
  stop(): Promise<void>
}

export async function openCrashablePostgres(folder: string): Promise<CrashablePostgres> {
  const start = () =>
    startEmbeddedPostgres({
      stateDir: path.join(folder, 'postgres'),
      settings: { max_connections: 300, shared_buffers: '128MB' }
    })
  let server = await start()
  // One crash after the other.
  let last = Promise.resolve()
  const { connection } = server
  return {
    connection,
    url: databaseUrl(connection),
    crash(forMs) {
      last = last.then(async () => {
        process.kill(server.pid, 'SIGQUIT')
        await server.exited
        await delay(forMs)
        server = await start()
      })
      return last
    },
    async stop() {
      await last
      await server.stop()
    }
  }
}

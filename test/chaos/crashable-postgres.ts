// A PostgreSQL of the campaign's own that can be stopped as if the power had failed, and started again, and whose disk can
// be full.
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findServerAccount } from '../../src/embedded/server-account.js'
import { startEmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import { createPool, type DatabaseConnection } from '../../src/storage/pool.js'
import { databaseUrl } from '../support/database-admin.js'
import { openSmallDisk, type SmallDisk } from './small-disk.js'

export interface CrashablePostgres {
  connection: DatabaseConnection
  url: string
  /** An immediate stop: nothing is written down, connections break. Resolves when it has recovered. */
  crash(forMs: number): Promise<void>
  /** No table and no index can grow. Resolves with false where no disk of ours may be mounted. */
  runOutOfDisk(forMs: number): Promise<boolean>
  stop(): Promise<void>
}

export async function openCrashablePostgres(folder: string): Promise<CrashablePostgres> {
  const start = () =>
    startEmbeddedPostgres({
      stateDir: path.join(folder, 'postgres'),
      settings: { max_connections: 300, shared_buffers: '128MB' }
    })
  let server = await start()
  const { connection } = server
  const disk = await useSmallDisk(folder, connection)
  // One after the other: without room there is no recovery.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }
  return {
    connection,
    url: databaseUrl(connection),
    crash: (forMs) =>
      inTurn(async () => {
        process.kill(server.pid, 'SIGQUIT')
        await server.exited
        await delay(forMs)
        server = await start()
      }),
    runOutOfDisk: (forMs) =>
      inTurn(async () => {
        if (disk === undefined) return false
        disk.fill()
        await delay(forMs)
        disk.clear()
        return true
      }),
    async stop() {
      await last
      await server.stop()
      await disk?.close()
    }
  }
}

/** Whatever is created from now on lies on it; the log of PostgreSQL does not, or it would stop. */
async function useSmallDisk(folder: string, connection: DatabaseConnection): Promise<SmallDisk | undefined> {
  const { uid, gid } = await findServerAccount(path.join(folder, 'postgres', 'data'))
  const disk =
    uid === undefined || gid === undefined ? undefined : openSmallDisk(path.join(folder, 'disk'), { uid, gid })
  if (disk === undefined) return undefined
  const pool = createPool(connection, { maxConnections: 1 })
  try {
    await pool.query(`create tablespace small location '${disk.folder}'`)
    await pool.query(
      "do $$ begin execute format('alter database %I set default_tablespace = small', current_database()); end $$"
    )
  } finally {
    await pool.end()
  }
  return disk
}

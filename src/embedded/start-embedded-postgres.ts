// A PostgreSQL of our own for evaluation, development and tests. Production sets DATABASE_URL.
import { join, resolve } from 'node:path'
import { claimFolder } from './folder-claim.js'
import { databaseName, databaseUser, provideDatabaseFiles } from './database-files.js'
import { clearLeftOvers, serverMark } from './left-over-server.js'
import { findNativeDir, provideBinaries } from './native-binaries.js'
import { findServerAccount } from './server-account.js'
import { launchServer } from './server-process.js'
import type { ServerExit } from './server-process.js'
import { prepareStateFolder } from './state-folder.js'

export interface EmbeddedPostgresOptions {
  /** Created if absent. One service at a time. */
  stateDir: string
  /** PostgreSQL settings by name, over the defaults. */
  settings?: Record<string, string | number>
  /** False for tests only: a crash of the machine loses data. Default true. */
  durable?: boolean
  /** One line of the server's log, which never holds a statement or a value of one. */
  onLog?: (line: string) => void
}

export interface EmbeddedPostgres {
  /** `host` is the folder of the Unix socket; nothing listens on TCP. */
  connection: { host: string; user: string; database: string }
  pid: number
  /** Resolves when the server has ended, by stop() or otherwise. The folder can then be started again at once. */
  exited: Promise<ServerExit>
  /** Fast shutdown: open transactions are rolled back, connections closed. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts the server and waits until it takes connections: about 1 s the first time, 0.1 s afterwards, longer after a crash.
 * @throws Error of one line that says what to do: no binaries for this platform, folder in use or out of reach, …
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { settings = {}, durable = true, onLog = () => undefined } = options
  const stateDir = resolve(options.stateDir)
  const databaseDir = join(stateDir, 'data')

  const nativeDir = findNativeDir()
  const account = await findServerAccount(databaseDir)
  await prepareStateFolder(stateDir, account)
  const claim = await claimFolder(stateDir)
  try {
    const mark = await serverMark(stateDir)
    await clearLeftOvers(stateDir, databaseDir, mark)
    const binaries = await provideBinaries(nativeDir, stateDir, account)
    await provideDatabaseFiles({ databaseDir, binaries, account, mark, durable })
    const server = await launchServer({ stateDir, databaseDir, binaries, account, mark, settings, durable, onLog })
    const exited = server.exited.finally(() => claim.release())
    return {
      connection: { host: stateDir, user: databaseUser, database: databaseName },
      pid: server.pid,
      exited,
      async stop() {
        server.askToStop()
        await exited
      }
    }
  } catch (error) {
    await claim.release()
    throw error
  }
}

// The PostgreSQL server of this test run: started by the first test file that needs it, shared by all of them. It is
// kept by a process of its own (server-keeper.ts), which ends it with the run, however the run ends.
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DatabaseConnection } from '../../src/storage/pool.js'
import { currentRun } from './test-run.js'
import type { TestRun } from './test-run.js'
import { waitFor } from './wait-for.js'

/** What the keeper writes into the folder of the run. */
export type ServerFile = TestServer | { fault: string }

export interface TestServer {
  keeperPid: number
  /** A database to create others from. */
  admin: DatabaseConnection
  /** The database that has all migrations, and takes no connections. */
  template: string
}

export const serverFileName = 'server.json'
const projectDir = fileURLToPath(new URL('../../', import.meta.url))

export async function findTestServer(): Promise<TestServer> {
  const run = currentRun()
  if (isFirstToAsk(run)) startKeeper(run)
  const file = await waitFor(() => readServerFile(run), `the test server in ${run.dir}`, { withinMs: 60_000 })
  if ('fault' in file) throw new Error(`The test server did not start: ${file.fault}`)
  return file
}

export function readServerFile(run: TestRun): ServerFile | undefined {
  try {
    return JSON.parse(readFileSync(join(run.dir, serverFileName), 'utf8')) as ServerFile
  } catch {
    return undefined
  }
}

/** Creating a folder succeeds for one process only. */
function isFirstToAsk(run: TestRun): boolean {
  try {
    mkdirSync(run.dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  // PostgreSQL runs as another account when the tests run as root: it must get through, and see nothing else.
  chmodSync(run.dir, 0o711)
  return true
}

function startKeeper(run: TestRun): void {
  const log = openSync(join(run.dir, 'keeper.log'), 'a')
  const script = fileURLToPath(new URL('server-keeper.ts', import.meta.url))
  const { PATH, HOME, TMPDIR, DATABASE_URL } = process.env
  spawn(process.execPath, ['--import=tsx', script, String(run.pid)], {
    // Not tap's own environment: the keeper is no test.
    env: { PATH, HOME, TMPDIR, DATABASE_URL },
    cwd: projectDir,
    detached: true,
    stdio: ['ignore', log, log]
  }).unref()
}

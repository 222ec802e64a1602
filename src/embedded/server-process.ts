// The running server: its settings, when it is ready, how it is stopped.
import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { spawnLeashed } from './leashed-process.js'
import type { NativeBinaries } from './native-binaries.js'
import { serverEnvironment } from './run-command.js'
import type { ServerAccount } from './server-account.js'

export interface ServerSetup {
  stateDir: string
  databaseDir: string
  binaries: NativeBinaries
  account: ServerAccount
  mark: string
  settings: Record<string, string | number>
  durable: boolean
  onLog: (line: string) => void
}

export interface ServerExit {
  code: number | null
  signal: NodeJS.Signals | null
  /** True when stop() was called before. */
  expected: boolean
}

export interface ServerProcess {
  pid: number
  exited: Promise<ServerExit>
  askToStop(): void
}

/** Generous, because recovery after a crash replays the write-ahead log. */
const readyWithinMs = 120_000
const stopWithinMs = 30_000

/** Errors of statements go to the client alone: their text may hold a patient's data, the log must not. */
const defaults = { log_min_messages: 'log', log_min_error_statement: 'panic', log_error_verbosity: 'terse' }
const notDurable = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }

export async function launchServer(setup: ServerSetup): Promise<ServerProcess> {
  const { databaseDir, binaries, account, onLog } = setup
  const child = spawnLeashed(binaries.postgres, ['-D', databaseDir, ...settingArgs(setup)], {
    ...account,
    env: serverEnvironment,
    cwd: '/',
    signal: 'INT'
  })
  const lastLines = followLog(child, onLog)
  const server = supervise(child)
  try {
    await waitUntilReady(child, databaseDir)
    return server
  } catch (cause) {
    server.askToStop()
    await server.exited
    const { message } = cause as Error
    throw new Error(`Embedded PostgreSQL did not start (${message}): ${causeIn(lastLines)}`, { cause })
  }
}

/** Gives the last lines, for the message when the start fails. */
function followLog(child: ChildProcess, onLog: (line: string) => void): string[] {
  const lastLines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface(stream).on('line', (line) => {
      lastLines.push(line)
      if (lastLines.length > 20) lastLines.shift()
      onLog(line)
    })
  }
  return lastLines
}

function supervise(child: ChildProcess): ServerProcess {
  let isStopping = false
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('error', () => {
      resolve({ code: null, signal: null, expected: isStopping })
    })
    child.once('close', (code, signal) => {
      resolve({ code, signal, expected: isStopping })
    })
  })
  return {
    pid: child.pid ?? 0,
    exited,
    askToStop() {
      if (isStopping || hasEnded(child)) return
      isStopping = true
      child.kill('SIGINT')
      // An immediate shutdown loses nothing that was committed: the next start recovers.
      const harder = setTimeout(() => child.kill('SIGQUIT'), stopWithinMs)
      void exited.then(() => {
        clearTimeout(harder)
      })
    }
  }
}

async function waitUntilReady(child: ChildProcess, databaseDir: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  while (!(await isReady(databaseDir, child.pid))) {
    if (hasEnded(child)) throw new Error('it ended at once')
    if (Date.now() > deadline) throw new Error(`not ready within ${readyWithinMs} ms`)
    await delay(10)
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

/** Later ones win, so what makes the server ours cannot be overridden. */
function settingArgs({ settings, durable, stateDir, mark }: ServerSetup): string[] {
  const ours = {
    listen_addresses: '',
    unix_socket_directories: stateDir,
    unix_socket_permissions: '0700',
    cluster_name: mark
  }
  const all = { ...defaults, ...(durable ? {} : notDurable), ...settings, ...ours }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** Line 1 of postmaster.pid is the process id, line 8 the state, as pg_ctl reads them (miscadmin.h, LOCK_FILE_LINE_*). */
async function isReady(databaseDir: string, pid: number | undefined): Promise<boolean> {
  const lines = (await readFile(join(databaseDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
}

function causeIn(lines: readonly string[]): string {
  return lines.findLast((line) => /(FATAL|PANIC|ERROR):/.test(line)) ?? lines.at(-1) ?? 'it ended without a word'
}

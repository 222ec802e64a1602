// What an earlier run may have left behind: a server on its way out, or one whose owner and watchdog were both killed,
// and the lock files of a server that was killed.
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runCommand } from './run-command.js'

export interface ServerProcess {
  pid: number
  commandLine: string
}

const stopWithinMs = 30_000

/**
 * A word that stands in the command line of every process of the server on this folder (as its cluster_name). Made of
 * device and inode: a container with the same path has another folder.
 */
export async function serverMark(stateDir: string): Promise<string> {
  const { dev, ino } = await stat(stateDir, { bigint: true })
  return `imms-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 16)}`
}

/**
 * To be called while holding the claim on the folder: then whatever serves it has lost its owner, and is stopped.
 * Lock files are removed only when no process of the server is left. PostgreSQL itself goes by the process id in
 * them, and refuses to start while that id is an unreaped zombie or, after a restart, an unrelated process.
 */
export async function clearLeftOvers(stateDir: string, databaseDir: string, mark: string): Promise<void> {
  const deadline = Date.now() + stopWithinMs
  let asked = false
  for (;;) {
    const processes = await findServerProcesses(mark)
    if (processes.length === 0) break
    if (Date.now() > deadline) {
      const pids = processes.map(({ pid }) => pid).join(', ')
      throw new Error(
        `A PostgreSQL of an earlier run on ${stateDir} does not stop (process ${pids}): end it, then start again`
      )
    }
    if (!asked) processes.filter(isMainProcess).forEach(askToStop)
    asked = true
    await delay(20)
  }
  await rm(join(databaseDir, 'postmaster.pid'), { force: true })
  await rm(join(stateDir, '.s.PGSQL.5432.lock'), { force: true })
}

/** Children show a title of the form `postgres: <mark>: checkpointer`; to them SIGINT would mean something else. */
function isMainProcess({ commandLine }: ServerProcess): boolean {
  return !commandLine.startsWith('postgres:')
}

function askToStop({ pid }: ServerProcess): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch (error) {
    // Gone since it was listed.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Main process and children; none of them once the server has ended. */
export async function findServerProcesses(mark: string): Promise<ServerProcess[]> {
  const all = process.platform === 'linux' ? await listFromProc() : await listFromPs()
  return all.filter(({ commandLine }) => commandLine.includes(mark) && /(^|\/)(postgres|initdb)\b/.test(commandLine))
}

/** A zombie has an empty command line, so it does not count. */
async function listFromProc(): Promise<ServerProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      commandLine: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
    }))
  )
}

async function listFromPs(): Promise<ServerProcess[]> {
  const { output } = await runCommand('/bin/ps', ['-axo', 'pid=,command='], {})
  return output.split('\n').map((line) => {
    const [, pid, commandLine] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? []
    return { pid: Number(pid), commandLine: commandLine ?? '' }
  })
}

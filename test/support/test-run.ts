// One run of the tests: the process of tap, or of a test file that was started on its own. What its files share lies in
// one folder, named after that process.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestRun {
  pid: number
  /** Tells the process from a later one with the same id. */
  startedAt: string
  dir: string
}

/** tap starts every test file, and its `after` script, as its direct child. */
export function currentRun(): TestRun {
  const isUnderTap = process.env['TAP_CHILD_ID'] !== undefined || process.title === 'tap'
  return runOf(isUnderTap ? process.ppid : process.pid)
}

export function runOf(pid: number): TestRun {
  const startedAt = startOf(pid)
  if (startedAt === undefined) throw new Error(`Process ${pid} of the test run is gone`)
  const name = `imms-test-${process.getuid?.() ?? 0}-${pid}-${startedAt.replace(/\W/g, '')}`
  return { pid, startedAt, dir: join(tmpdir(), name) }
}

export function isOver({ pid, startedAt }: TestRun): boolean {
  return startOf(pid) !== startedAt
}

/** Undefined when there is no such process, or only its unreaped remains. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
    }
    // proc(5): the name in parentheses may hold spaces; after it field 3 is the state, field 22 the start in ticks.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

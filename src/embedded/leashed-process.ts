// A child process that ends with its parent, even when the parent is killed with SIGKILL.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'

export interface LeashedOptions {
  /** Sent to the child when this process is gone. */
  signal: 'INT' | 'TERM' | 'KILL'
  env: Record<string, string>
  cwd?: string
  uid?: number
  gid?: number
}

/**
 * The leash is a pipe on descriptor 3. The shell leaves a watchdog behind that reads it, then becomes the command
 * itself, so the process id, the exit code and the signals are the command's own. End of file without a word means
 * that the parent died: the watchdog sends the signal. There is no moment without a watch, nothing but /bin/sh is needed
 * (PR_SET_PDEATHSIG is Linux only, and follows the thread that spawned), and the watchdog is nobody's child, so that
 * a server that reaps its children does not meet an unknown one.
 */
const script = `
signal=$1; shift
( { read -r word <&3 || kill -s "$signal" $$; } </dev/null >/dev/null 2>&1 & )
exec "$@" 3<&-
`

/**
 * `detached`: a session of its own, so that Ctrl-C in a terminal reaches the parent alone, which stops the child when it
 * has drained. Standard input is empty, standard output and error are pipes that must be read.
 */
export function spawnLeashed(command: string, args: readonly string[], options: LeashedOptions): ChildProcess {
  const { signal, ...rest } = options
  const child = spawn('/bin/sh', ['-c', script, 'leash', signal, command, ...args], {
    ...rest,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true
  })
  const leash = child.stdio[3] as Writable
  leash.on('error', () => undefined)
  child.once('exit', () => {
    leash.end('released\n')
  })
  return child
}

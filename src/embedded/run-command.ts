// Runs one of PostgreSQL's programs to its end.
import { spawn } from 'node:child_process'
import type { ServerAccount } from './server-account.js'

export interface CommandResult {
  /** Undefined when the program could not be executed, or ended by a signal. */
  code: number | undefined
  /** Both streams, trimmed. */
  output: string
}

/**
 * What PostgreSQL sees of the environment. Nothing is inherited: PGDATA, PGPORT or a locale of the caller would change
 * what it does.
 */
export const serverEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/** Never rejects. `input` is written to standard input, which is then closed. */
export function runCommand(
  command: string,
  args: readonly string[],
  account: ServerAccount,
  input = ''
): Promise<CommandResult> {
  return new Promise((resolve) => {
    // The working directory of a root process may be closed to the other account.
    const child = spawn(command, args, { ...account, env: serverEnvironment, cwd: '/' })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.once('error', (error) => {
      resolve({ code: undefined, output: error.message })
    })
    child.once('close', (code) => {
      resolve({ code: code ?? undefined, output: output.trim() })
    })
  })
}

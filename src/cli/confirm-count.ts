// The last guard before many deliveries go out again: whoever starts it types how many there are.
import { createInterface } from 'node:readline'
import type { CliDeps } from './cli-deps.js'
import { CommandFault, EXIT } from './exit-code.js'

/**
 * Resolves when `given` (--confirm), or what is typed at the terminal, is exactly the count.
 * @throws CommandFault (refused) otherwise; nothing has happened then
 */
export async function confirmCount(
  count: number,
  question: string,
  given: string | undefined,
  deps: Pick<CliDeps, 'stdin' | 'stderr'>
): Promise<void> {
  if (given === undefined && deps.stdin.isTTY !== true) {
    throw new CommandFault(
      EXIT.refused,
      `nothing was started: this is not a terminal, so repeat it with --confirm ${count}`
    )
  }
  const typed = given ?? (await ask(`${question} Type ${count} to go on: `, deps))
  if (typed.trim() !== String(count)) {
    throw new CommandFault(EXIT.refused, `nothing was started: ${count} was expected, "${typed.trim()}" was given`)
  }
}

/** The line that is typed; empty when the input ends first. The question goes beside the answer, not into it. */
function ask(question: string, { stdin, stderr }: Pick<CliDeps, 'stdin' | 'stderr'>): Promise<string> {
  stderr.write(question)
  const lines = createInterface({ input: stdin })
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
    lines.once('close', () => {
      resolve('')
    })
  })
}

// The commands that lead on, at the end of what a command tells.
import type { Terminal } from './terminal.js'

export function printNext(commands: readonly string[], terminal: Terminal): void {
  if (commands.length === 0) return
  terminal.print()
  terminal.print('Next:')
  for (const command of commands) terminal.print('  ', { text: command, style: 'cyan' })
}

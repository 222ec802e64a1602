// imms destination pause | resume
import type { Command } from 'commander'
import type { DestinationAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'

export function addDestination(program: Command, line: CommandLine): void {
  const destination = program.command('destination').description('hold a destination back, or let it go on')
  const verbs = [
    { verb: 'pause', means: 'send nothing until it is resumed; what is being sent ends' },
    { verb: 'resume', means: 'send again, what waits longest first' }
  ]
  for (const { verb, means } of verbs) {
    const command = destination
      .command(verb)
      .argument('<name>')
      .description(means)
      .requiredOption('--reason <text>', 'why; kept in the audit trail')
    line.define<{ reason: string }>(command, async ({ client, terminal, json }, { reason }, [name = '']) => {
      const path = `/ops/destinations/${encodeURIComponent(name)}/${verb}`
      const answer = await client.post<Wire<DestinationAnswer>>(path, { reason })
      if (json) terminal.printJson(answer)
      else terminal.print(`${answer.destination} is ${answer.state}. Next: imms status`)
      return EXIT.ok
    })
  }
}

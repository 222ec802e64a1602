// imms errors top: what fails most, grouped by destination, class, status and wording.
import type { Command } from 'commander'
import type { ErrorsAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import { parseTimeArgument } from '../time-argument.js'
import { agoWords, momentWords, outcomeWords } from '../words.js'

interface ErrorOptions {
  destination?: string
  since: string
  until?: string
  limit?: string
}

const COLUMNS: Column[] = [
  { head: 'COUNT', align: 'right' },
  { head: 'DESTINATION' },
  { head: 'ERROR' },
  { head: 'LAST', align: 'right' },
  { head: 'FIRST', align: 'right', leaveOut: 2 },
  { head: 'SAMPLE DELIVERY', leaveOut: 3 },
  { head: 'MESSAGE', wraps: true, leaveOut: 1 }
]

export function addErrors(program: Command, line: CommandLine): void {
  const top = program
    .command('errors')
    .description('attempts that failed')
    .command('top')
    .description('the most frequent errors, alike ones together')
    .option('--destination <name>', 'only at this destination')
    .option('--since <time>', 'attempts since: 15m, 2h, 1d, or ISO 8601', '1h')
    .option('--until <time>', 'attempts before')
    .option('--limit <count>', 'groups to show (20)')
  line.define<ErrorOptions>(top, async ({ client, terminal, json, deps }, { destination, since, until, limit }) => {
    const now = deps.now()
    const answer = await client.get<Wire<ErrorsAnswer>>('/ops/errors', {
      destination,
      since: parseTimeArgument(since, now),
      until: until === undefined ? undefined : parseTimeArgument(until, now),
      limit
    })
    if (json) {
      terminal.printJson(answer)
    } else if (answer.groups.length === 0) {
      terminal.print(`No attempt failed since ${momentWords(answer.since)} UTC.`)
    } else {
      terminal.printTable(
        COLUMNS,
        answer.groups.map((group) => [
          String(group.count),
          group.destination,
          outcomeWords(group.status, group.class),
          agoWords(group.lastAt, now),
          agoWords(group.firstAt, now),
          group.sampleDeliveryId,
          group.message ?? ''
        ])
      )
      terminal.print()
      const sample = answer.groups[0]?.sampleDeliveryId ?? ''
      terminal.print('Next: ', { text: `imms deliveries show ${sample}`, style: 'cyan' })
    }
    return EXIT.ok
  })
}

// imms refusals: what suppliers sent that was refused, by rule and supplier. Never what they sent.
import type { Command } from 'commander'
import type { RefusalsAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import type { Terminal } from '../terminal.js'
import { parseTimeArgument } from '../time-argument.js'
import { momentWords } from '../words.js'

type Refusals = Wire<RefusalsAnswer>

interface RefusalOptions {
  supplier?: string
  rule?: string
  since: string
  until?: string
  limit?: string
  after?: string
}

export function addRefusals(program: Command, line: CommandLine): void {
  const command = program
    .command('refusals')
    .description('submissions that were refused: counts by rule and supplier, then the latest')
    .option('--supplier <name>', 'only of this supplier')
    .option('--rule <id>', 'only by this rule')
    .option('--since <time>', 'received since: 15m, 2h, 1d, or ISO 8601', '1d')
    .option('--until <time>', 'received before')
    .option('--limit <count>', 'submissions to a page (50)')
    .option('--after <cursor>', 'the page after this one')
  line.define<RefusalOptions>(command, async ({ client, terminal, json, deps }, options) => {
    const { supplier, rule, since, until, limit, after } = options
    const answer = await client.get<Refusals>('/ops/refusals', {
      supplier,
      rule,
      since: parseTimeArgument(since, deps.now()),
      until: until === undefined ? undefined : parseTimeArgument(until, deps.now()),
      limit,
      after
    })
    if (json) terminal.printJson(answer)
    else printRefusals(answer, terminal)
    return EXIT.ok
  })
}

const COUNT_COLUMNS: Column[] = [{ head: 'COUNT', align: 'right' }, { head: 'RULE' }, { head: 'SUPPLIER' }]

const COLUMNS: Column[] = [
  { head: 'RECEIVED' },
  { head: 'SUPPLIER' },
  { head: 'STATUS', align: 'right' },
  { head: 'RULES', wraps: true },
  { head: 'REQUEST ID', leaveOut: 1 },
  { head: 'SUBMISSION', leaveOut: 2 }
]

function printRefusals(answer: Refusals, terminal: Terminal): void {
  if (answer.counts.length === 0) {
    terminal.print(`Nothing was refused since ${momentWords(answer.since)} UTC.`)
    return
  }
  const counts = answer.counts.map(({ count, rule, supplier }) => [String(count), rule, supplier])
  terminal.printTable(COUNT_COLUMNS, counts)
  terminal.print()
  terminal.printTable(
    COLUMNS,
    answer.refusals.map((refusal) => [
      momentWords(refusal.receivedAt),
      refusal.supplier,
      String(refusal.status),
      refusal.rules.join(', '),
      refusal.requestId ?? '',
      refusal.submissionId
    ])
  )
  if (answer.next !== null) terminal.print({ text: `More: --after ${answer.next}`, style: 'dim' })
}

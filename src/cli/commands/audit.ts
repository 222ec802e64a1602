// imms audit list: who did what, when and why.
import type { Command } from 'commander'
import type { AuditAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import { parseTimeArgument } from '../time-argument.js'
import { momentWords } from '../words.js'

interface AuditOptions {
  actor?: string
  action?: string
  record?: string
  since?: string
  until?: string
  limit?: string
  after?: string
}

const COLUMNS: Column[] = [
  { head: 'AT' },
  { head: 'ACTOR' },
  { head: 'ACTION' },
  { head: 'RECORD', leaveOut: 1 },
  { head: 'DETAIL', wraps: true, leaveOut: 2 }
]

export function addAudit(program: Command, line: CommandLine): void {
  const list = program
    .command('audit')
    .description('the audit trail')
    .command('list')
    .description('who did what, when and why, latest first')
    .option('--actor <name>', 'only by this client')
    .option('--action <action>', 'only this action, or those that begin with it: replay, immunization.create')
    .option('--record <id>', 'only about this record')
    .option('--since <time>', 'since: 15m, 2h, 1d, or ISO 8601')
    .option('--until <time>', 'before')
    .option('--limit <count>', 'entries to a page (50)')
    .option('--after <cursor>', 'the page after this one')
  line.define<AuditOptions>(list, async ({ client, terminal, json, deps }, options) => {
    const { actor, action, record, since, until, limit, after } = options
    const answer = await client.get<Wire<AuditAnswer>>('/ops/audit', {
      actor,
      action,
      record,
      since: since === undefined ? undefined : parseTimeArgument(since, deps.now()),
      until: until === undefined ? undefined : parseTimeArgument(until, deps.now()),
      limit,
      after
    })
    if (json) {
      terminal.printJson(answer)
    } else if (answer.entries.length === 0) {
      terminal.print('No entry matches.')
    } else {
      terminal.printTable(
        COLUMNS,
        answer.entries.map((entry) => [
          momentWords(entry.at),
          entry.actor,
          entry.action,
          entry.recordId ?? '',
          detailWords(entry.detail)
        ])
      )
      if (answer.next !== null) terminal.print({ text: `More: --after ${answer.next}`, style: 'dim' })
    }
    return EXIT.ok
  })
}

function detailWords(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

// imms inbox list | settle: acknowledgements that did not come, and messages that nobody understands.
import type { Command } from 'commander'
import type { InboxAnswer, SettledAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import type { Terminal } from '../terminal.js'
import { momentWords } from '../words.js'

type Inbox = Wire<InboxAnswer>

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function addInbox(program: Command, line: CommandLine): void {
  const inbox = program
    .command('inbox')
    .description('what receivers did not acknowledge, or said that nobody understands')
  const list = inbox
    .command('list')
    .description('what waits for a person, the oldest first')
    .option('--destination <name>', 'only of this destination')
    .option('--limit <count>', 'of each kind (100)')
  line.define<{ destination?: string; limit?: string }>(list, async ({ client, terminal, json }, options) => {
    const answer = await client.get<Inbox>('/ops/inbox', { destination: options.destination, limit: options.limit })
    if (json) terminal.printJson(answer)
    else printInbox(answer, terminal)
    return answer.overdue.length + answer.unknown.length === 0 ? EXIT.ok : EXIT.trouble
  })

  const settle = inbox
    .command('settle')
    .argument('<destination>')
    .argument('<id>', 'of the delivery that is overdue, or of the message')
    .description('you have seen to it: no alarm any more, and a message is taken out of the mailbox')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
  line.define<{ reason: string }>(
    settle,
    async ({ client, terminal, json }, { reason }, [destination = '', id = '']) => {
      const about = UUID.test(id) ? { deliveryId: id } : { messageId: id }
      const answer = await client.post<Wire<SettledAnswer>>('/ops/inbox/settle', { destination, reason, ...about })
      if (json) terminal.printJson(answer)
      else terminal.print(`Settled. Next: imms inbox list --destination ${answer.destination}`)
      return EXIT.ok
    }
  )
}

const OVERDUE: Column[] = [
  { head: 'DESTINATION' },
  { head: 'SENT' },
  { head: 'OVERDUE SINCE' },
  { head: 'READ' },
  { head: 'DELIVERY' },
  { head: 'RECORD', leaveOut: 1 }
]

const UNKNOWN: Column[] = [
  { head: 'DESTINATION' },
  { head: 'RECEIVED' },
  { head: 'FROM' },
  { head: 'WORKFLOW', leaveOut: 1 },
  { head: 'WHY', wraps: true },
  { head: 'MESSAGE' }
]

function printInbox({ overdue, unknown }: Inbox, terminal: Terminal): void {
  if (overdue.length + unknown.length === 0) {
    terminal.print('Nothing waits for a person.')
    return
  }
  if (overdue.length > 0) {
    terminal.print('Acknowledgements that did not come:')
    terminal.printTable(
      OVERDUE,
      overdue.map((line) => [
        line.destination,
        momentWords(line.sentAt),
        momentWords(line.dueAt),
        line.infrastructureCode ?? 'no',
        line.deliveryId,
        line.recordId
      ])
    )
  }
  if (unknown.length > 0) {
    terminal.print('Messages that nobody understands; they stay in the mailbox, and whole in the table inbox_message:')
    terminal.printTable(
      UNKNOWN,
      unknown.map((line) => [
        line.destination,
        momentWords(line.receivedAt),
        line.sender,
        line.workflowId,
        line.because,
        line.messageId
      ])
    )
  }
  terminal.print()
  terminal.print('Next: ', {
    text: 'imms inbox settle <destination> <delivery or message> --reason "<why>"',
    style: 'cyan'
  })
}

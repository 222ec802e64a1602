// imms status: one verdict, one line per destination, worst first.
import type { Command } from 'commander'
import type { StatusAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import { printNext } from '../print-next.js'
import type { Terminal, Text } from '../terminal.js'
import { ageWords, agoWords } from '../words.js'

type Status = Wire<StatusAnswer>

const WATCH_MS = 2_000

export function addStatus(program: Command, line: CommandLine): void {
  const command = program
    .command('status')
    .description('how every destination is doing, worst first')
    .option('--watch', 'again every two seconds, until Ctrl-C')
  line.define<{ watch?: true }>(command, async ({ client, terminal, json, deps }, { watch }) => {
    for (;;) {
      const status = await client.get<Status>('/ops/status')
      if (watch === true) terminal.clear()
      if (json) terminal.printJson(status)
      else printStatus(status, terminal)
      const isWell = status.verdict === 'ok'
      if (watch !== true || !(await deps.watch(WATCH_MS))) return isWell ? EXIT.ok : EXIT.trouble
    }
  })
}

const COLUMNS: Column[] = [
  { head: 'DESTINATION' },
  { head: 'STATE' },
  { head: 'OLDEST', align: 'right' },
  { head: 'HELD', align: 'right' },
  { head: 'DUE', align: 'right' },
  { head: 'RETRY', align: 'right', leaveOut: 3 },
  { head: 'BLOCKED', align: 'right', leaveOut: 2 },
  { head: 'QUEUED', align: 'right', leaveOut: 4 },
  { head: 'SENDING', align: 'right', leaveOut: 5 },
  { head: 'VERIFY', align: 'right', leaveOut: 6 },
  { head: 'SENT/H', align: 'right' },
  { head: 'ERRORS/H', align: 'right' },
  { head: 'LAST SENT', align: 'right', leaveOut: 1 }
]

function printStatus(status: Status, terminal: Terminal): void {
  const isWell = status.verdict === 'ok'
  terminal.print({ text: isWell ? 'OK ' : 'TROUBLE ', style: isWell ? 'green' : 'red' }, status.sentence)
  if (status.destinations.length === 0) return
  terminal.print()
  terminal.printTable(
    COLUMNS,
    status.destinations.map((destination) => toRow(destination, new Date(status.at)))
  )
  printNext(
    status.destinations.flatMap((destination) => destination.next),
    terminal
  )
}

function toRow(destination: Status['destinations'][number], now: Date): Text[] {
  const oldest = destination.oldestUndeliveredSeconds
  return [
    destination.destination,
    stateCell(destination),
    oldest === null ? '-' : ageWords(oldest),
    alarming(destination.held),
    String(destination.due),
    String(destination.retrying),
    String(destination.blocked),
    String(destination.queued),
    String(destination.inFlight),
    String(destination.verify),
    String(destination.delivered),
    alarming(destination.errors),
    agoWords(destination.lastDeliveredAt, now)
  ]
}

function stateCell(destination: Status['destinations'][number]): Text {
  if (destination.state === 'paused') return { text: 'paused', style: 'yellow' }
  return destination.breaker === 'open' ? { text: 'breaker open', style: 'red' } : { text: 'active', style: 'green' }
}

function alarming(count: number): Text {
  return count === 0 ? '0' : { text: String(count), style: 'red' }
}

// imms verify: what must always be true of deliveries, and what receivers hold.
import type { Command } from 'commander'
import type { VerifyAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import { printNext } from '../print-next.js'
import type { Terminal } from '../terminal.js'
import { parseTimeArgument } from '../time-argument.js'
import { momentWords } from '../words.js'

type Verification = Wire<VerifyAnswer>

interface VerifyOptions {
  since: string
  destination?: string
  record?: string
  sample?: string
}

export function addVerify(program: Command, line: CommandLine): void {
  const command = program
    .command('verify')
    .description('prove that nothing is lost: what must be true of deliveries, and what receivers hold')
    .option('--since <time>', 'what was accepted or attempted since: 15m, 2h, 1d, or ISO 8601', '24h')
    .option('--destination <name>', 'only this receiver is asked')
    .option('--record <id>', 'receivers are asked about this record only')
    .option('--sample <count>', 'records to ask each receiver about, chosen by chance (20); 0 asks none')
  line.define<VerifyOptions>(command, async ({ client, terminal, json, deps }, options) => {
    const { since, destination, record, sample } = options
    const verification = await client.post<Verification>('/ops/verify', {
      since: parseTimeArgument(since, deps.now()),
      ...(destination === undefined ? {} : { destination }),
      ...(record === undefined ? {} : { record }),
      ...(sample === undefined ? {} : { sample: Number(sample) })
    })
    if (json) terminal.printJson(verification)
    else printVerification(verification, terminal)
    return verification.verdict === 'ok' ? EXIT.ok : EXIT.trouble
  })
}

const RULES: Column[] = [
  { head: 'RULE' },
  { head: 'BROKEN', align: 'right' },
  { head: 'WHAT MUST BE TRUE', wraps: true, leaveOut: 1 },
  { head: 'FIRST' }
]

const RECEIVERS: Column[] = [
  { head: 'RECEIVER' },
  { head: 'ASKED', align: 'right' },
  { head: 'SAME', align: 'right' },
  { head: 'DIFFERENT', align: 'right' },
  { head: 'UNKNOWN', align: 'right', leaveOut: 1 },
  { head: 'NOTE', wraps: true, leaveOut: 2 }
]

function printVerification(verification: Verification, terminal: Terminal): void {
  const isWell = verification.verdict === 'ok'
  terminal.print({ text: isWell ? 'OK ' : 'TROUBLE ', style: isWell ? 'green' : 'red' }, verification.sentence)
  terminal.print(`Looked at since ${momentWords(verification.since)} UTC`)
  terminal.print()
  terminal.printTable(
    RULES,
    verification.invariants.map(({ id, title, ids, atLeast, unknown }) => [
      id,
      brokenCell(ids.length, atLeast, unknown),
      title,
      ids[0] ?? ''
    ])
  )
  if (verification.receivers.length > 0) {
    terminal.print()
    terminal.printTable(
      RECEIVERS,
      verification.receivers.map(({ destination, asked, same, differences, unknown, note }) => [
        destination,
        String(asked),
        String(same),
        differences.length === 0 ? '0' : { text: String(differences.length), style: 'red' },
        String(unknown),
        note ?? ''
      ])
    )
  }
  for (const { destination, differences } of verification.receivers)
    for (const { recordId, kind, message } of differences)
      terminal.print(`${destination} ${kind} ${recordId}: ${message}`)
  printNext(verification.next, terminal)
}

function brokenCell(count: number, atLeast: boolean, unknown: string | null) {
  if (unknown !== null) return { text: '?', style: 'yellow' } as const
  return count === 0 ? '0' : ({ text: `${count}${atLeast ? '+' : ''}`, style: 'red' } as const)
}

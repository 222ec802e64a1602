// imms doctor: what the service stands on, one line each.
import type { Command } from 'commander'
import type { DoctorAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import type { Column } from '../layout-columns.js'
import type { Style } from '../terminal.js'

const COLUMNS: Column[] = [
  { head: 'STATE' },
  { head: 'WHAT' },
  { head: 'HOW IT IS', wraps: true },
  { head: 'WHAT TO DO', wraps: true, leaveOut: 1 }
]

const STYLES: Record<DoctorAnswer['findings'][number]['state'], Style> = { ok: 'green', note: 'yellow', trouble: 'red' }

export function addDoctor(program: Command, line: CommandLine): void {
  const command = program
    .command('doctor')
    .description('PostgreSQL, queue, clocks, processes, credentials: what is wrong, and what to do')
  line.define(command, async ({ client, terminal, json }) => {
    const diagnosis = await client.get<Wire<DoctorAnswer>>('/ops/doctor')
    const isWell = diagnosis.verdict === 'ok'
    if (json) terminal.printJson(diagnosis)
    else {
      terminal.print({ text: isWell ? 'OK ' : 'TROUBLE ', style: isWell ? 'green' : 'red' }, diagnosis.sentence)
      terminal.print()
      terminal.printTable(
        COLUMNS,
        diagnosis.findings.map(({ state, what, text, todo }) => [
          { text: state, style: STYLES[state] },
          what,
          text,
          todo ?? ''
        ])
      )
    }
    return isWell ? EXIT.ok : EXIT.trouble
  })
}

// imms programmes: the rules as files, and as a running service has them.
import type { Command } from 'commander'
import type { ProgrammesAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine } from '../command-line.js'
import { EXIT } from '../exit-code.js'
import { listProgrammes } from '../list-programmes.js'
import { rehearseProgramme } from '../rehearse-programme.js'
import type { Terminal } from '../terminal.js'
import { momentWords, plural } from '../words.js'
import { addProgrammeFiles } from './programme-files.js'

type Programmes = Wire<ProgrammesAnswer>

export function addProgrammes(program: Command, line: CommandLine): void {
  const group = program
    .command('programmes')
    .description('the rules of every programme, as files; status, replay and reload ask a running service')
  addProgrammeFiles(group, line)
  addStatus(group, line)
  addReplay(group, line)
  addReload(group, line)
}

function addStatus(group: Command, line: CommandLine): void {
  const command = group
    .command('status')
    .description('what a running service judges by; ends with 1 when its folder cannot be loaded')
  line.define(command, async ({ client, terminal, json }) => {
    const status = await client.get<Programmes>('/ops/programmes')
    if (json) terminal.printJson(status)
    else printStatus(status, terminal)
    return status.fault === null ? EXIT.ok : EXIT.trouble
  })
}

function printStatus(status: Programmes, terminal: Terminal): void {
  const { fault, programmes } = status
  if (fault !== null) {
    terminal.print(
      { text: 'TROUBLE ', style: 'red' },
      `since ${momentWords(fault.at)} UTC the folder cannot be loaded; the last good set judges:`
    )
    for (const one of fault.message.split('\n')) terminal.print('  ', one)
  }
  terminal.print(inForce(status))
  terminal.print()
  listProgrammes(programmes, terminal)
}

function inForce({ version, loadedAt, programmes }: Programmes): string {
  const files = plural(programmes.length, 'programme file')
  return `Rule set ${version}, ${files}, in force since ${momentWords(loadedAt)} UTC.`
}

function addReplay(group: Command, line: CommandLine): void {
  const command = group
    .command('replay')
    .argument('<file>', 'programme file; it need not be in the folder')
    .description('judge stored records by a file in shadow: how many verdicts change; 1 when some would be refused')
    .option('--since <day>', 'only records received since: 30d, or ISO 8601')
  line.define<{ since?: string }>(command, (session, { since }, [file = '']) => rehearseProgramme(session, file, since))
}

function addReload(group: Command, line: CommandLine): void {
  const command = group
    .command('reload')
    .description('have the running service read its folder now')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--force', 'also when many records that were accepted would be refused')
  line.define<{ reason: string; force?: true }>(command, async ({ client, terminal, json }, { reason, force }) => {
    const status = await client.post<Programmes>('/ops/programmes/reload', {
      reason,
      ...(force === undefined ? {} : { force })
    })
    if (json) terminal.printJson(status)
    else terminal.print(inForce(status))
    return EXIT.ok
  })
}

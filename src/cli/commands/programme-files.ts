// imms programmes list, show, check, explain, diff: files only, no service is asked.
import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import type { Command } from 'commander'
import { refuses } from '../../fhir/issue.js'
import { describeProgramme } from '../../programmes/describe-programme.js'
import { diffProgrammes } from '../../programmes/diff-programmes.js'
import type { Programme } from '../../programmes/programme.js'
import type { CheckedFile, CliDeps, ProgrammeFiles } from '../cli-deps.js'
import type { CommandLine } from '../command-line.js'
import { CommandFault, EXIT, orTrouble } from '../exit-code.js'
import { listProgrammes } from '../list-programmes.js'
import { printChecks } from '../print-checks.js'
import type { Terminal } from '../terminal.js'
import { plural } from '../words.js'

const PROGRAMME = 'a programme of the folder (hpv, or hpv/1.0.0), or the path of a file'

export function addProgrammeFiles(group: Command, line: CommandLine): void {
  addList(group, line)
  addShow(group, line)
  addCheck(group, line)
  addExplain(group, line)
  addDiff(group, line)
}

function addList(group: Command, line: CommandLine): void {
  const command = group.command('list').description('every file of the folder (PROGRAMMES_DIR)')
  line.define(command, async ({ terminal, json, deps }) => {
    const programmes = await orTrouble(deps.programmes.list())
    const rows = programmes.map(({ id, version, status, title, vaccineType, effective, file }) => ({
      id,
      version,
      status,
      title,
      vaccineType,
      from: effective.from,
      to: effective.to ?? null,
      file
    }))
    if (json) terminal.printJson(rows)
    else listProgrammes(rows, terminal)
    return EXIT.ok
  })
}

function addShow(group: Command, line: CommandLine): void {
  const command = group.command('show').argument('<programme>', PROGRAMME).description('a programme in words')
  line.define(command, async ({ terminal, json, deps }, _options, [name = '']) => {
    const programme = await findProgramme(name, deps.programmes)
    if (json) terminal.printJson(programme)
    else printProgramme(programme, terminal)
    return EXIT.ok
  })
}

function printProgramme(programme: Programme, terminal: Terminal): void {
  const { title, facts, tables } = describeProgramme(programme)
  terminal.print({ text: title, style: 'bold' })
  for (const [name, value] of facts) terminal.print('  ', { text: `${name}: `, style: 'dim' }, value)
  for (const table of tables) {
    terminal.print()
    terminal.print({ text: table.title, style: 'bold' })
    terminal.printTable(
      table.heads.map((head) => ({ head: head.toUpperCase(), wraps: true })),
      table.rows
    )
  }
}

function addCheck(group: Command, line: CommandLine): void {
  const command = group
    .command('check')
    .argument('[files...]', 'programme files; all of the folder when left out')
    .description('what is wrong with files: by themselves, with their cases, together with the folder')
  line.define(command, async ({ terminal, json, deps }, _options, files) => {
    const checked = await orTrouble(deps.programmes.check(files))
    if (json) terminal.printJson(checked)
    else for (const one of checked) printChecked(one, terminal)
    return checked.some(({ faults }) => faults.length > 0) ? EXIT.trouble : EXIT.ok
  })
}

function printChecked({ file, cases, faults }: CheckedFile, terminal: Terminal): void {
  if (faults.length > 0) {
    terminal.print({ text: 'fault  ', style: 'red' }, { text: file, style: 'bold' })
    for (const fault of faults) terminal.print('  ', fault)
    return
  }
  const told = cases === undefined ? 'no cases beside it: write some, they are its proof' : plural(cases, 'case')
  terminal.print({ text: 'ok     ', style: 'green' }, { text: file, style: 'bold' }, `  ${told}`)
}

function addExplain(group: Command, line: CommandLine): void {
  const command = group
    .command('explain')
    .argument('<file>', 'an Immunization as JSON; - for standard input')
    .description('every check of the programmes it falls under: what was looked at, the verdict, the source')
  line.define(command, async ({ terminal, json, deps }, _options, [file = '']) => {
    const explained = await orTrouble(deps.programmes.explain(await readText(file, deps)))
    const { issues, checks } = explained
    if (json) terminal.printJson({ file, valid: !refuses(issues), issues, checks })
    else printChecks(explained, terminal)
    return refuses(issues) ? EXIT.trouble : EXIT.ok
  })
}

async function readText(file: string, { stdin }: Pick<CliDeps, 'stdin'>): Promise<string> {
  try {
    return file === '-' ? await readAll(stdin) : await readFile(file, 'utf8')
  } catch (cause) {
    throw new CommandFault(EXIT.usage, `${file}: cannot be read; give the path of a JSON file`, undefined, { cause })
  }
}

function addDiff(group: Command, line: CommandLine): void {
  const command = group
    .command('diff')
    .argument('<old>', PROGRAMME)
    .argument('<new>', PROGRAMME)
    .description('what changes from one programme to another, in sentences')
  line.define(command, async ({ terminal, json, deps }, _options, [before = '', after = '']) => {
    const old = await findProgramme(before, deps.programmes)
    const changes = diffProgrammes(old, await findProgramme(after, deps.programmes))
    if (json) terminal.printJson(changes)
    else if (changes.length === 0) terminal.print('Both say the same.')
    else for (const change of changes) terminal.print('- ', change)
    return EXIT.ok
  })
}

/** @throws CommandFault when there is none, or it has faults */
async function findProgramme(name: string, files: ProgrammeFiles): Promise<Programme> {
  if (/\.ya?ml$/.test(name)) return (await orTrouble(files.read(name))).programme
  const known = await orTrouble(files.list())
  const [id = '', version] = name.split('/')
  const found = known
    .filter((one) => one.id === id && (version === undefined || one.version === version))
    .sort((one, other) => other.version.localeCompare(one.version, 'en', { numeric: true }))[0]
  if (found !== undefined) return found
  const ids = [...new Set(known.map((one) => one.id))].join(', ')
  throw new CommandFault(
    EXIT.usage,
    `no programme "${name}" is in the folder; there are ${ids}. A path ends with .yaml`
  )
}

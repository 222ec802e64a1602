// imms patients show | merge | unmerge: NHS numbers that PDS has replaced.
import type { Command } from 'commander'
import type { MergeAnswer, MergePlanAnswer, PatientAnswer, Wire } from '../../http/ops-answers.js'
import type { CommandLine, Session } from '../command-line.js'
import { confirmCount } from '../confirm-count.js'
import { CommandFault, EXIT, type ExitCode } from '../exit-code.js'
import type { Terminal } from '../terminal.js'
import { momentWords, plural } from '../words.js'

type Plan = Wire<MergePlanAnswer>
type Done = Wire<MergeAnswer>
type Standing = Wire<PatientAnswer>

interface WriteOptions {
  reason?: string
  confirm?: string
  dryRun?: true
}

/** One of the two writes; its plan is asked for one step below its path. */
interface Move {
  path: string
  /** Of the thing itself, besides reason and count; the plan of it takes the same. */
  body: object
  question: (records: string) => string
  done: (answer: Done) => string
}

export function addPatients(program: Command, line: CommandLine): void {
  const patients = program.command('patients').description('NHS numbers that were replaced: merge them, undo it')

  const show = patients
    .command('show')
    .argument('<number>')
    .description('where the records of an NHS number are, and its merges')
  line.define(show, async ({ client, terminal, json }, _options, [nhsNumber = '']) => {
    const standing = await client.post<Standing>('/ops/patients/find', { nhsNumber })
    if (json) terminal.printJson(standing)
    else printStanding(standing, terminal)
    return EXIT.ok
  })

  const merge = addWriteOptions(patients.command('merge').argument('<superseded>').argument('<successor>')).description(
    'keep the records of a superseded NHS number under its successor; both find them all'
  )
  line.define<WriteOptions>(merge, (session, options, [superseded = '', successor = '']) =>
    move(session, options, {
      path: '/ops/patients/merges',
      body: { superseded, successor },
      question: (records) => `This will keep ${records} under the successor.`,
      done: ({ mergeId }) => `Merged. To undo it: imms patients unmerge ${mergeId}`
    })
  )

  const unmerge = addWriteOptions(
    patients.command('unmerge').argument('<merge>', 'id of a merge; imms patients show')
  ).description('undo a merge: every record goes back to the number it is sent under')
  line.define<WriteOptions>(unmerge, (session, options, [merged = '']) => {
    const path = `/ops/patients/merges/${encodeURIComponent(merged)}/undo`
    return move(session, options, {
      path,
      body: {},
      question: (records) => `This will move ${records} back.`,
      done: () => 'Undone.'
    })
  })
}

function addWriteOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'why; kept in the audit trail')
    .option('--confirm <count>', 'the records of the plan, where nobody can be asked')
    .option('--dry-run', 'say what would change, and change nothing')
}

async function move(session: Session, { reason, confirm, dryRun }: WriteOptions, asked: Move): Promise<ExitCode> {
  const { client, terminal, json } = session
  if (dryRun !== true && reason === undefined)
    throw new CommandFault(EXIT.usage, 'say why: --reason "<text>"; it is kept in the audit trail. Or --dry-run')
  const plan = await client.post<Plan>(`${asked.path}/plan`, asked.body)
  if (dryRun === true) {
    if (json) terminal.printJson({ plan, done: null })
    else printPlan(plan, terminal)
    return EXIT.ok
  }
  if (!json) printPlan(plan, terminal)
  await confirmCount(plan.records, asked.question(plural(plan.records, 'record')), confirm, session.deps)
  const done = await client.post<Done>(asked.path, { ...asked.body, reason, confirm: plan.records })
  if (json) terminal.printJson({ plan, done })
  else terminal.print(asked.done(done))
  return EXIT.ok
}

function printPlan({ records, groupsBefore, groupsAfter, newSurvivors, deliveries }: Plan, terminal: Terminal): void {
  terminal.print({ text: plural(records, 'record'), style: 'bold' }, ' would change patients.')
  terminal.print(`Vaccinations: ${groupsBefore} now, ${groupsAfter} then; ${newSurvivors} counted by another record.`)
  terminal.print(`${plural(deliveries, 'delivery', 'deliveries')} would tell destinations.`)
}

function printStanding({ numberKey, patientKey, records, groups, merges }: Standing, terminal: Terminal): void {
  const where = patientKey === numberKey ? '' : `, merged into patient ${patientKey}`
  terminal.print({ text: `Patient ${numberKey}`, style: 'bold' }, where)
  terminal.print(`${plural(records, 'record')}, ${plural(groups, 'vaccination')}`)
  for (const merge of merges) {
    const { mergeId, supersededKey, successorKey, mergedBy, mergedAt, reason, undoneBy, undoneAt } = merge
    terminal.print()
    terminal.print({ text: `Merge ${mergeId}`, style: 'bold' }, undoneAt === null ? '' : ' undone')
    terminal.print(`  ${supersededKey} into ${successorKey}`)
    terminal.print(`  by ${mergedBy}, ${momentWords(mergedAt)} UTC: ${reason}`)
    if (undoneAt !== null) terminal.print(`  undone by ${undoneBy ?? ''}, ${momentWords(undoneAt)} UTC`)
    else terminal.print('  ', { text: `imms patients unmerge ${mergeId}`, style: 'cyan' })
  }
}

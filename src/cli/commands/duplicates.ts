// imms duplicates list | show | decide | undo | rescore: possible duplicates, for those who decide on them.
import type { Command } from 'commander'
import type { DecisionAnswer, DuplicateAnswer, DuplicatesAnswer, Wire } from '../../http/ops-answers.js'
import { collect, type CommandLine, type Session } from '../command-line.js'
import { CommandFault, EXIT, type ExitCode } from '../exit-code.js'
import { printDuplicate, printDuplicates } from '../print-duplicates.js'
import type { Terminal } from '../terminal.js'
import { plural } from '../words.js'
import { addRescore } from './rescore.js'

interface ListOptions {
  state?: string[]
  type?: string
  supplier?: string
  record?: string
  limit?: string
  after?: string
}

const CHOICES = ['same', 'distinct', 'wrong-patient', 'right-patient']

export function addDuplicates(program: Command, line: CommandLine): void {
  const duplicates = program
    .command('duplicates')
    .description('records that may be one vaccination, or another patient’s: look and decide')
  addList(duplicates, line)

  const show = duplicates
    .command('show')
    .argument('<pair>')
    .description('the two records side by side, or the one that may be another patient’s, and why')
  line.define(show, async ({ client, terminal, json }, _options, [pair = '']) => {
    const shown = await client.get<Wire<DuplicateAnswer>>(`/ops/duplicates/${encodeURIComponent(pair)}`)
    if (json) terminal.printJson(shown)
    else printDuplicate(shown, terminal)
    return EXIT.ok
  })

  const decide = duplicates
    .command('decide')
    .argument('<pair>')
    .argument('<decision>', CHOICES.join(', '))
    .description('one vaccination, two, or a record of another person, or not')
    .requiredOption('--reason <text>', 'why; kept with the decision and in the audit trail')
  line.define<{ reason: string }>(decide, (session, { reason }, [pair = '', decision = '']) => {
    if (!CHOICES.includes(decision))
      throw new CommandFault(EXIT.usage, `"${decision}" is no decision: say ${CHOICES.join(', ')}`)
    return send(session, `/ops/duplicates/${encodeURIComponent(pair)}/decide`, { decision, reason }, printDecided)
  })

  const undo = duplicates
    .command('undo')
    .argument('<decision>', 'id of a decision; imms duplicates show')
    .description('take a decision back: what the rules say holds again')
    .requiredOption('--reason <text>', 'why; kept with the decision and in the audit trail')
  line.define<{ reason: string }>(undo, (session, { reason }, [decision = '']) =>
    send(session, `/ops/duplicates/decisions/${encodeURIComponent(decision)}/undo`, { reason }, printUndone)
  )

  addRescore(duplicates, line)
}

function addList(duplicates: Command, line: CommandLine): void {
  const list = duplicates
    .command('list')
    .description('what waits for a person, the oldest first; with --record, every pair of that record')
    .option('--state <states>', 'only in these states: open,outdated,wrong-patient,decided,merged', collect)
    .option('--type <type>', 'only of this vaccine type: FLU, COVID, …')
    .option('--supplier <name>', 'only with a record of this supplier')
    .option('--record <id>', 'only with this record')
    .option('--limit <count>', 'pairs to a page (50)')
    .option('--after <cursor>', 'the page after this one')
  line.define<ListOptions>(list, async ({ client, terminal, json, deps }, options) => {
    const { state, type, supplier, record, limit, after } = options
    const query = { state, type, supplier, record, limit, after }
    const answer = await client.get<Wire<DuplicatesAnswer>>('/ops/duplicates', query)
    if (json) terminal.printJson(answer)
    else printDuplicates(answer, terminal, deps.now())
    return EXIT.ok
  })
}

async function send(
  { client, terminal, json }: Session,
  path: string,
  body: object,
  print: (answer: Wire<DecisionAnswer>, terminal: Terminal) => void
): Promise<ExitCode> {
  const answer = await client.post<Wire<DecisionAnswer>>(path, body)
  if (json) terminal.printJson(answer)
  else print(answer, terminal)
  return EXIT.ok
}

function printDecided({ decision, effect }: Wire<DecisionAnswer>, terminal: Terminal): void {
  terminal.print({ text: `Decided: ${decision.choice}.`, style: 'bold' }, ` ${effectWords(effect)}`)
  if (decision.choice === 'wrong-patient')
    terminal.print('It stays on the list until the supplier has corrected the patient of a record or deleted it.')
  terminal.print('To undo it: ', { text: `imms duplicates undo ${decision.decisionId}`, style: 'cyan' })
}

function printUndone({ effect }: Wire<DecisionAnswer>, terminal: Terminal): void {
  terminal.print({ text: 'Undone.', style: 'bold' }, ` ${effectWords(effect)}`)
}

function effectWords(effect: Wire<DecisionAnswer>['effect']): string {
  if (effect === null) return 'This was so already; nothing was changed.'
  const { groupsBefore, groupsAfter, newSurvivors, deliveries } = effect
  const told = plural(deliveries, 'delivery', 'deliveries')
  return `Vaccinations: ${groupsBefore} before, ${groupsAfter} now; ${newSurvivors} counted by another record; ${told} planned.`
}

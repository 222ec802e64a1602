// imms programmes replay: a file over stored records, page by page, and what would change.
import path from 'node:path'
import { Presets, SingleBar } from 'cli-progress'
import type { RehearsalAnswer, Wire } from '../http/ops-answers.js'
import type { Session } from './command-line.js'
import { EXIT, orTrouble, type ExitCode } from './exit-code.js'
import type { Column } from './layout-columns.js'
import type { Output, Terminal } from './terminal.js'
import { parseTimeArgument } from './time-argument.js'
import { plural } from './words.js'

type Rehearsal = Wire<RehearsalAnswer>

const MAX_EXAMPLES = 10

/** Ends with 1 when records that are accepted now would be refused. Nothing is changed. */
export async function rehearseProgramme(session: Session, name: string, since: string | undefined): Promise<ExitCode> {
  const { client, terminal, json, deps } = session
  const { text } = await orTrouble(deps.programmes.read(name))
  const question = {
    file: path.resolve(name).split(path.sep).slice(-2).join('/'),
    text,
    ...(since === undefined ? {} : { since: parseTimeArgument(since, deps.now()) })
  }
  const ask = (before?: string): Promise<Rehearsal> =>
    client.post<Rehearsal>('/ops/programmes/rehearse', { ...question, ...(before === undefined ? {} : { before }) })
  let sum = await ask()
  const display = json || sum.next === null ? undefined : openDisplay(deps.stdout, sum.total)
  while (sum.next !== null) {
    display?.show(sum)
    sum = merge(sum, await ask(sum.next))
  }
  display?.end(sum)
  if (json) terminal.printJson(sum)
  else printRehearsal(sum, terminal)
  return sum.newlyRefused === 0 ? EXIT.ok : EXIT.trouble
}

function merge(one: Rehearsal, other: Rehearsal): Rehearsal {
  return {
    records: one.records + other.records,
    changed: one.changed + other.changed,
    newlyRefused: one.newlyRefused + other.newlyRefused,
    newlyAccepted: one.newlyAccepted + other.newlyAccepted,
    rules: mergeRules([...one.rules, ...other.rules]),
    examples: [...one.examples, ...other.examples].slice(0, MAX_EXAMPLES),
    total: one.total,
    next: other.next
  }
}

function mergeRules(rules: Rehearsal['rules']): Rehearsal['rules'] {
  const merged = new Map<string, Rehearsal['rules'][number]>()
  for (const one of rules) {
    const key = `${one.rule} ${one.refuses}`
    const known = merged.get(key)
    merged.set(key, {
      ...one,
      appeared: one.appeared + (known?.appeared ?? 0),
      disappeared: one.disappeared + (known?.disappeared ?? 0)
    })
  }
  const count = (one: Rehearsal['rules'][number]): number => one.appeared + one.disappeared
  return [...merged.values()].sort(
    (one, other) => Number(other.refuses) - Number(one.refuses) || count(other) - count(one)
  )
}

interface Display {
  show(sum: Rehearsal): void
  end(sum: Rehearsal): void
}

function openDisplay(output: Output, total: number): Display {
  if (output.isTTY !== true) {
    let last = ''
    const show = ({ records, changed }: Rehearsal): void => {
      const line = `${records}/${total} judged, ${changed} changed\n`
      if (line !== last) output.write(line)
      last = line
    }
    return { show, end: show }
  }
  const bar = new SingleBar(
    {
      stream: output,
      format: 'judging [{bar}] {value}/{total}  changed {changed}  {eta_formatted}',
      hideCursor: true,
      gracefulExit: true
    },
    Presets.legacy
  )
  bar.start(total, 0, { changed: 0 })
  const show = ({ records, changed }: Rehearsal): void => {
    bar.update(records, { changed })
  }
  return {
    show,
    end(sum) {
      show(sum)
      bar.stop()
    }
  }
}

const RULE_COLUMNS: Column[] = [
  { head: 'RULE' },
  { head: 'REFUSES' },
  { head: 'NEW', align: 'right' },
  { head: 'GONE', align: 'right' }
]
const EXAMPLE_COLUMNS: Column[] = [
  { head: 'RECORD' },
  { head: 'VERSION', align: 'right', leaveOut: 1 },
  { head: 'NEW', wraps: true },
  { head: 'GONE', wraps: true }
]

function printRehearsal(sum: Rehearsal, terminal: Terminal): void {
  const { records, changed, newlyRefused, newlyAccepted, rules, examples } = sum
  terminal.print(
    { text: `${changed} of ${plural(records, 'verdict')} would change`, style: 'bold' },
    `: ${newlyRefused} refused that ${newlyRefused === 1 ? 'is' : 'are'} accepted now, ${newlyAccepted} the other way round.`
  )
  if (rules.length === 0) return
  terminal.print()
  terminal.printTable(
    RULE_COLUMNS,
    rules.map(({ rule, refuses, appeared, disappeared }) => [
      rule,
      refuses ? { text: 'yes', style: 'red' } : 'no',
      String(appeared),
      String(disappeared)
    ])
  )
  terminal.print()
  terminal.print('For example (imms explain <record> tells more):')
  terminal.printTable(
    EXAMPLE_COLUMNS,
    examples.map(({ recordId, version, appeared, disappeared }) => [
      recordId,
      String(version),
      appeared.join(', '),
      disappeared.join(', ')
    ])
  )
}

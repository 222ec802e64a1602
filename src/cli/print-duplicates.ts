// What reviewers are asked on a terminal: the list of what waits, and one case with its records.
import type { DuplicateAnswer, DuplicatesAnswer, Wire } from '../http/ops-answers.js'
import type { Column } from './layout-columns.js'
import type { Style, Terminal, Text } from './terminal.js'
import { agoWords, momentWords } from './words.js'

const COUNT_COLUMNS: Column[] = [{ head: 'COUNT', align: 'right' }, { head: 'STATE' }, { head: 'TYPE' }]

const COLUMNS: Column[] = [
  { head: 'PAIR' },
  { head: 'ASKED' },
  { head: 'STATE' },
  { head: 'RAISED' },
  { head: 'TYPE' },
  { head: 'SUPPLIERS', wraps: true },
  { head: 'RULE', leaveOut: 1 },
  { head: 'SCORE', align: 'right', leaveOut: 2 }
]

const ASKED: Record<Wire<DuplicateAnswer>['kind'], string> = {
  pair: 'one vaccination?',
  elsewhere: 'held elsewhere?',
  patient: 'wrong patient?'
}

const STATE_STYLES: Record<string, Style> = { open: 'yellow', outdated: 'yellow', 'wrong-patient': 'red' }

export function printDuplicates({ counts, pairs, next }: Wire<DuplicatesAnswer>, terminal: Terminal, now: Date): void {
  if (counts.length === 0) {
    terminal.print('Nothing waits for a decision.')
    return
  }
  terminal.printTable(
    COUNT_COLUMNS,
    counts.map(({ count, state, vaccineType }) => [String(count), stateText(state), vaccineType])
  )
  terminal.print()
  terminal.printTable(
    COLUMNS,
    pairs.map((pair) => [
      pair.pairId,
      ASKED[pair.kind],
      stateText(pair.state),
      agoWords(pair.openedAt, now),
      unique(pair.vaccineTypes),
      unique(pair.source === null ? pair.suppliers : [...pair.suppliers, pair.source]),
      pair.rule,
      pair.kind === 'patient' ? '-' : String(pair.score)
    ])
  )
  if (next !== null) terminal.print({ text: `More: --after ${next}`, style: 'dim' })
}

const FIELD_COLUMNS: Column[] = [
  { head: 'ELEMENT' },
  { head: 'EARLIER RECORD', wraps: true },
  { head: 'LATER RECORD', wraps: true },
  { head: 'POINTS', align: 'right' },
  { head: 'COMPARED', wraps: true }
]

export function printDuplicate(shown: Wire<DuplicateAnswer>, terminal: Terminal): void {
  const { pairId, kind, state, openedAt, asked, records, fields, rules, explanation, decisions } = shown
  terminal.print(
    { text: `${kind === 'pair' ? 'Pair' : 'Record'} ${pairId}`, style: 'bold' },
    ', ',
    stateText(state),
    `, raised ${momentWords(openedAt)} UTC`
  )
  const meaning = asked.meaning === null ? '' : ` (${asked.meaning})`
  if (kind === 'patient') printDoubt(shown, terminal)
  else terminal.print(`Asked by ${asked.rulesVersion}, rule ${asked.rule}${meaning}, score ${asked.score}`)
  for (const { recordId, version, supplier, role, deleted } of records)
    terminal.print(`  ${recordId} version ${version} from ${supplier}, ${deleted ? 'deleted' : (role ?? '-')}`)
  if (shown.source !== null)
    terminal.print(`  The later column is held by ${shown.source} from others; it is not changed.`)
  const [a, b] = records
  if (a && a.groupId === b?.groupId) terminal.print('  Both are in one event group.')
  if (fields.length > 0) {
    terminal.print()
    terminal.printTable(
      FIELD_COLUMNS,
      fields.map(({ element, a: left, b: right, mark, points }) => [
        element,
        left ?? '-',
        right ?? '-',
        points === undefined ? '' : points > 0 ? `+${points}` : String(points),
        markText(mark)
      ])
    )
  }
  for (const { rule, meaning: words } of rules) terminal.print({ text: rule, style: 'bold' }, `  ${words}`)
  if (explanation !== null) terminal.print({ text: explanation, style: 'dim' })
  for (const decision of decisions) {
    terminal.print()
    const undone = decision.undoneAt === null ? '' : ' undone'
    terminal.print({ text: `Decision ${decision.decisionId}: ${decision.choice}`, style: 'bold' }, undone)
    terminal.print(`  by ${decision.decidedBy}, ${momentWords(decision.decidedAt)} UTC: ${decision.reason}`)
    if (decision.undoneAt !== null)
      terminal.print(
        `  undone by ${decision.undoneBy ?? '-'}, ${momentWords(decision.undoneAt)} UTC: ${decision.undoneReason ?? '-'}`
      )
  }
}

function printDoubt({ asked, patientKey, proposedKey, requestId }: Wire<DuplicateAnswer>, terminal: Terminal): void {
  terminal.print(`${asked.meaning ?? asked.rule}; request ${requestId ?? '-'} (imms refusals)`)
  terminal.print(`  with patient ${patientKey}, sent for ${proposedKey ?? 'no patient with an NHS number'}`)
}

function markText(mark: string): Text {
  if (mark === 'same') return { text: mark, style: 'green' }
  return mark === 'absent' ? { text: mark, style: 'dim' } : { text: mark, style: 'yellow' }
}

function stateText(state: string): Text {
  const style = STATE_STYLES[state]
  return style === undefined ? state : { text: state, style }
}

function unique(words: readonly string[]): string {
  return [...new Set(words)].join(', ')
}

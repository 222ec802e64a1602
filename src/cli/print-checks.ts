// Every check of a record as a table: what it looked at, its verdict, its source.
import type { ImmunizationFacts } from '../fhir/immunization.js'
import type { CheckVerdict } from '../programmes/explain-check.js'
import type { ExplainedRecord } from './cli-deps.js'
import type { Column } from './layout-columns.js'
import type { Style, Terminal, Text } from './terminal.js'
import { plural } from './words.js'

const COLUMNS: Column[] = [
  { head: 'CHECK' },
  { head: 'VERDICT', wraps: true },
  { head: 'LOOKED AT', wraps: true },
  { head: 'SOURCE', wraps: true, leaveOut: 2 },
  { head: 'CERTAINTY', leaveOut: 1 }
]

export function printChecks({ issues, checks, facts }: ExplainedRecord, terminal: Terminal): void {
  if (facts !== undefined) printFacts(facts, terminal)
  for (const [heading, group] of groupByFile(checks)) {
    terminal.print()
    terminal.print({ text: heading, style: 'bold' })
    terminal.printTable(COLUMNS, group.map(toRow))
  }
  const failed = checks.flatMap(({ issue }) => (issue === undefined ? [] : [issue.rule]))
  const others = issues.filter(({ rule }) => !failed.includes(rule))
  if (others.length > 0) {
    terminal.print()
    terminal.print({ text: `Beside the checks: ${plural(others.length, 'issue')}`, style: 'bold' })
    for (const { severity, rule, text } of others) terminal.print(`  ${severity.padEnd(12)}${rule}: ${text}`)
  }
  if (checks.length > 0) {
    terminal.print()
    terminal.print({
      text: 'Earlier doses are known to the service only: $validate?verdicts=all looks at them.',
      style: 'dim'
    })
  }
}

function printFacts(facts: ImmunizationFacts, terminal: Terminal): void {
  const told: [string, string | undefined][] = [
    ['vaccine type', facts.vaccineType ?? 'unknown'],
    ['status', facts.status],
    ['day of vaccination', facts.occurrenceDay],
    ['born', facts.birthDate],
    ['dose number', facts.doseNumber?.toString()],
    ['product', facts.productCode],
    ['procedure', facts.procedureCodes.join(', ')],
    ['route', facts.routeCode],
    ['site', facts.siteCode],
    ['batch expires', facts.expirationDate]
  ]
  const words = told.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name} ${value}`]))
  terminal.print('Read: ', words.join('; '))
}

/** Common checks first, then each file in its order. */
function groupByFile(checks: readonly CheckVerdict[]): Map<string, CheckVerdict[]> {
  const groups = new Map<string, CheckVerdict[]>()
  for (const check of checks) {
    const { programme } = check
    const heading =
      programme === undefined
        ? 'Whatever the vaccine'
        : `${programme.id} ${programme.version}${programme.status === 'draft' ? ' (draft: counted, not answered)' : ''}`
    groups.set(heading, [...(groups.get(heading) ?? []), check])
  }
  return groups
}

function toRow({ check, verdict, issue, saw, source, certainty }: CheckVerdict): Text[] {
  const severity = issue?.severity
  const style: Style =
    severity === undefined ? (verdict === 'passed' ? 'green' : 'dim') : severity === 'error' ? 'red' : 'yellow'
  return [
    check,
    { text: severity === undefined ? verdict : `${severity}: ${issue?.rule ?? ''}`, style },
    saw,
    source ?? '',
    certainty ?? ''
  ]
}

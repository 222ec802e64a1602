// What another set of programmes would say of stored records, beside the set in force: tried in shadow, nothing is kept.
import type { Immunization } from 'fhir/r4.js'
import { readImmunizationFacts } from '../fhir/immunization.js'
import { refuses, type Issue } from '../fhir/issue.js'
import { readElementPaths } from '../programmes/element-paths.js'
import { readStatements } from '../programmes/record-statements.js'
import type { ProgrammeRules } from '../programmes/programme-rules.js'
import type { Stores } from '../storage/database.js'
import type { KnownEvent } from '../storage/event-store.js'
import type { RecordScan, ScannedRecord } from '../storage/record-scan.js'
import { historyBeside } from './history-beside.js'

export interface VerdictComparison {
  /** Looked at. */
  records: number
  /** Of them: with another verdict, refused by the new set only, refused by the set in force only. */
  changed: number
  newlyRefused: number
  newlyAccepted: number
  /** Rules that speak in other records than before, those that refuse and the commonest first. */
  rules: RuleChange[]
  /** Records with another verdict, the newest first; at most {@link MAX_EXAMPLES}. */
  examples: { recordId: string; version: number; appeared: string[]; disappeared: string[] }[]
  /** Give it as `before` to go on; undefined when every record was looked at. */
  next?: string
}

export interface RuleChange {
  rule: string
  /** True when it refuses. */
  refuses: boolean
  /** Records in which only the new set, or only the set in force, says it. */
  appeared: number
  disappeared: number
}

export interface ComparedSets {
  current: ProgrammeRules
  next: ProgrammeRules
}

export const MAX_EXAMPLES = 10
const PAGE = 200
/** A set is alarming when it would refuse so many of the records that are accepted now. */
const ALARMING = { share: 0.2, records: 5 }

export function isAlarming({ records, newlyRefused }: VerdictComparison): boolean {
  return newlyRefused >= ALARMING.records && newlyRefused >= records * ALARMING.share
}

/** Compares at most `limit` records of the scan, the one received last first, from `before` on. */
export async function compareVerdicts(
  stores: Pick<Stores, 'recordScan' | 'events'>,
  sets: ComparedSets,
  scan: RecordScan & { before?: string; limit: number },
  now: Date
): Promise<VerdictComparison> {
  const tally = createTally()
  let before = scan.before
  let left = scan.limit
  while (left > 0) {
    const page = await stores.recordScan.readPage(scan, {
      limit: Math.min(PAGE, left),
      ...(before === undefined ? {} : { before })
    })
    const events = groupByPatient(
      await stores.events.findEvents([...new Set(page.map(({ patientKey }) => patientKey))])
    )
    for (const record of page) tally.add(record, judgeTwice(record, events.get(record.patientKey) ?? [], sets, now))
    left -= page.length
    before = page.at(-1)?.recordId
    if (page.length < Math.min(PAGE, left + page.length)) return tally.end()
  }
  return { ...tally.end(), ...(before === undefined ? {} : { next: before }) }
}

interface Twice {
  current: Issue[]
  next: Issue[]
}

function judgeTwice(record: ScannedRecord, events: readonly KnownEvent[], sets: ComparedSets, now: Date): Twice {
  const resource = JSON.parse(record.body) as Immunization
  const facts = readImmunizationFacts(resource)
  const { reasons, flags } = readStatements(resource)
  const context = {
    now,
    paths: readElementPaths(resource),
    history: historyBeside(record.recordId, events),
    // What was granted then is not kept: a reason that a stored record gives is taken by both sets.
    overrides: reasons.map(({ reason }) => reason),
    flags
  }
  return { current: sets.current.judge(facts, context).issues, next: sets.next.judge(facts, context).issues }
}

function createTally(): { add(record: ScannedRecord, twice: Twice): void; end(): VerdictComparison } {
  const sum = { records: 0, changed: 0, newlyRefused: 0, newlyAccepted: 0 }
  const rules = new Map<string, RuleChange>()
  const examples: VerdictComparison['examples'] = []
  const count = (issues: readonly Issue[], direction: 'appeared' | 'disappeared'): void => {
    for (const { rule, severity } of issues) {
      const known = rules.get(`${rule} ${severity}`) ?? {
        rule,
        refuses: severity === 'error',
        appeared: 0,
        disappeared: 0
      }
      rules.set(`${rule} ${severity}`, { ...known, [direction]: known[direction] + 1 })
    }
  }
  return {
    add({ recordId, version }, { current, next }) {
      sum.records++
      const appeared = without(next, current)
      const disappeared = without(current, next)
      if (appeared.length + disappeared.length === 0) return
      sum.changed++
      if (refuses(next) && !refuses(current)) sum.newlyRefused++
      if (refuses(current) && !refuses(next)) sum.newlyAccepted++
      count(appeared, 'appeared')
      count(disappeared, 'disappeared')
      if (examples.length < MAX_EXAMPLES)
        examples.push({ recordId, version, appeared: appeared.map(wordOf), disappeared: disappeared.map(wordOf) })
    },
    end: () => ({ ...sum, rules: [...rules.values()].sort(byWeight), examples })
  }
}

function without(issues: readonly Issue[], others: readonly Issue[]): Issue[] {
  const said = new Set(others.map(wordOf))
  return issues.filter((issue) => !said.has(wordOf(issue)))
}

function wordOf({ rule, severity }: Issue): string {
  return `${rule} (${severity})`
}

function byWeight(a: RuleChange, b: RuleChange): number {
  return (
    Number(b.refuses) - Number(a.refuses) ||
    b.appeared + b.disappeared - (a.appeared + a.disappeared) ||
    a.rule.localeCompare(b.rule)
  )
}

function groupByPatient(events: readonly KnownEvent[]): Map<string, KnownEvent[]> {
  const byPatient = new Map<string, KnownEvent[]>()
  for (const event of events) byPatient.set(event.patientKey, [...(byPatient.get(event.patientKey) ?? []), event])
  return byPatient
}

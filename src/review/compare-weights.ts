// How event groups would change under other weights: patients are grouped twice, with the weights in force and with the
// others, reviewers' decisions kept in both. Nothing is written.
import type { Immunization } from 'fhir/r4.js'
import { compareEvents } from '../dedup/compare-events.js'
import type { DedupRules } from '../dedup/dedup-rules.js'
import { fingerprintOf } from '../dedup/fingerprint.js'
import type { ProductAncestry } from '../dedup/product-ancestry.js'
import { readImmunizationFacts } from '../fhir/immunization.js'
import { regroupKnown, type Regrouped } from '../ingest/regroup-patient.js'
import type { Stores } from '../storage/database.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { KnownEvent } from '../storage/event-store.js'

export interface WeightsComparison {
  /** Looked at. */
  patients: number
  records: number
  /** Patients whose groups, survivors or reviews differ. */
  changed: number
  groupsBefore: number
  groupsAfter: number
  /** Events that would be put together from several. */
  merged: number
  /** Events that would fall apart. */
  split: number
  /** Records that would count for their event and do not now. */
  newSurvivors: number
  reviewsOpened: number
  reviewsClosed: number
  /** Reviewers' decisions: kept in both, and how many the new weights alone would decide the other way. */
  decisions: number
  againstReviewers: number
  /** At most {@link MAX_EXAMPLES}. */
  examples: WeightsExample[]
  /** Give it as `after` to go on; undefined when every patient was looked at. */
  next?: string
}

export interface WeightsExample {
  change: 'merged' | 'split' | 'survivor' | 'review-opened' | 'review-closed'
  recordIds: string[]
}

export interface ComparedWeights {
  current: DedupRules
  next: DedupRules
  ancestry: ProductAncestry
}

export const MAX_EXAMPLES = 10
const PAGE = 100

/** Compares at most `limit` patients with a record received since, in the order of their keys, from `after` on. */
export async function compareWeights(
  stores: Pick<Stores, 'recordScan' | 'events' | 'decisions'>,
  weights: ComparedWeights,
  { since, after, limit }: { since?: Date; after?: string; limit: number },
  now: Date
): Promise<WeightsComparison> {
  const tally = createTally()
  const scan = since === undefined ? {} : { since }
  let place = after
  for (let left = limit; left > 0;) {
    const wanted = Math.min(PAGE, left)
    const keys = await stores.recordScan.readPatients(scan, {
      limit: wanted,
      ...(place === undefined ? {} : { after: place })
    })
    const events = await stores.events.findEvents(keys)
    const decisions = await stores.decisions.find(keys)
    const bodies = readsAlike(weights) ? new Map<string, string>() : await stores.recordScan.findBodies(keys)
    for (const patientKey of keys) {
      const own = events.filter((event) => event.patientKey === patientKey)
      const read = own.map((event) => readAnew(event, bodies.get(event.recordId), weights))
      const decided = decisions.filter((decision) => decision.patientKey === patientKey)
      tally.add(
        groupBy(weights.current, patientKey, own, decided, now),
        groupBy(weights.next, patientKey, read, decided, now)
      )
      tally.addDecisions(decided, read, weights.next)
    }
    left -= keys.length
    place = keys.at(-1) ?? place
    if (keys.length < wanted) return tally.end()
  }
  return { ...tally.end(), ...(place === undefined ? {} : { next: place }) }
}

// Lots and organisations are read by the rules, once, when a record comes in.
function readsAlike({ current, next }: ComparedWeights): boolean {
  return JSON.stringify([current.lots, current.organisations]) === JSON.stringify([next.lots, next.organisations])
}

function readAnew(event: KnownEvent, body: string | undefined, { next, ancestry }: ComparedWeights): KnownEvent {
  if (body === undefined) return event
  const facts = readImmunizationFacts(JSON.parse(body) as Immunization)
  const { ownSite } = event.fingerprint
  const context = { ancestry, rules: next, nhsNumberVerified: facts.isNhsNumberVerified }
  return { ...event, fingerprint: { ...fingerprintOf(facts, context), ownSite } }
}

function groupBy(
  dedup: DedupRules,
  patientKey: string,
  known: readonly KnownEvent[],
  decisions: readonly PairDecision[],
  now: Date
): Regrouped {
  let made = 0
  // Ids of new groups stay here; they only must not be those of stored ones.
  const newId = (): string => `new-${(made += 1)}`
  return regroupKnown({ patientKey, known, decisions }, { rules: { dedup }, newId, now: () => now })
}

type Sums = Omit<WeightsComparison, 'examples' | 'next'>

function createTally() {
  const sums: Sums = {
    patients: 0,
    records: 0,
    changed: 0,
    groupsBefore: 0,
    groupsAfter: 0,
    merged: 0,
    split: 0,
    newSurvivors: 0,
    reviewsOpened: 0,
    reviewsClosed: 0,
    decisions: 0,
    againstReviewers: 0
  }
  const examples: WeightsExample[] = []
  return {
    add(before: Regrouped, after: Regrouped): void {
      const changes = findChanges(before, after)
      sums.patients += 1
      sums.records += before.records.length
      sums.groupsBefore += before.grouping.groups.length
      sums.groupsAfter += after.grouping.groups.length
      if (changes.length > 0) sums.changed += 1
      for (const change of changes) sums[COUNTED[change.change]] += 1
      examples.push(...changes.slice(0, MAX_EXAMPLES - examples.length))
    },
    addDecisions(decisions: readonly PairDecision[], events: readonly KnownEvent[], rules: DedupRules): void {
      const prints = new Map(events.map(({ recordId, fingerprint }) => [recordId, fingerprint]))
      for (const { recordA, recordB, outcome } of decisions) {
        const [a, b] = [prints.get(recordA), prints.get(recordB)]
        if (a === undefined || b === undefined) continue
        const verdict = compareEvents(a, b, rules)
        sums.decisions += 1
        if (verdict.outcome !== 'possible' && verdict.outcome !== outcome) sums.againstReviewers += 1
      }
    },
    end: (): WeightsComparison => ({ ...sums, examples })
  }
}

const COUNTED = {
  merged: 'merged',
  split: 'split',
  survivor: 'newSurvivors',
  'review-opened': 'reviewsOpened',
  'review-closed': 'reviewsClosed'
} as const satisfies Record<WeightsExample['change'], keyof Sums>

function findChanges(before: Regrouped, after: Regrouped): WeightsExample[] {
  const [asked, asks] = [questionsOf(before), questionsOf(after)]
  return [
    ...partsOf(after, before).map((recordIds) => ({ change: 'merged' as const, recordIds })),
    ...partsOf(before, after).map((recordIds) => ({ change: 'split' as const, recordIds })),
    ...newSurvivors(before, after).map((recordId) => ({ change: 'survivor' as const, recordIds: [recordId] })),
    ...without(asks, asked).map((recordIds) => ({ change: 'review-opened' as const, recordIds })),
    ...without(asked, asks).map((recordIds) => ({ change: 'review-closed' as const, recordIds }))
  ]
}

/** Members of each group of the one whose records stand in several groups of the other. */
function partsOf(whole: Regrouped, parts: Regrouped): string[][] {
  return whole.grouping.groups
    .map(({ members }) => members.map(({ recordId }) => recordId))
    .filter((ids) => new Set(ids.map((id) => parts.grouping.groupIdOf.get(id))).size > 1)
}

function newSurvivors(before: Regrouped, after: Regrouped): string[] {
  const counted = new Set(before.grouping.groups.map(({ survivor }) => survivor))
  return after.grouping.groups.flatMap(({ survivor }) =>
    survivor === undefined || counted.has(survivor) ? [] : [survivor]
  )
}

/** A pair that a reviewer called the same in two groups is no question to anybody. */
function questionsOf({ grouping }: Regrouped): Map<string, string[]> {
  const asked = grouping.possibleDuplicates.filter(({ verdict }) => verdict.outcome === 'possible')
  return new Map(asked.map(({ recordA, recordB }) => [`${recordA} ${recordB}`, [recordA, recordB]]))
}

function without(pairs: ReadonlyMap<string, string[]>, others: ReadonlyMap<string, string[]>): string[][] {
  return [...pairs].filter(([key]) => !others.has(key)).map(([, ids]) => ids)
}

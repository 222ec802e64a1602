// Every pair of a patient's records that can matter, compared at most once.
import { compareEvents, vetoed, type PairVerdict } from './compare-events.js'
import { daysApart, pairWindow, sharesAntigen } from './compare-fields.js'
import type { DedupRules } from './dedup-rules.js'
import { candidateDays } from './fingerprint.js'
import { compareForAnchor, counts, type EventRecord } from './survivor.js'

/** What a person decided of two records; it outlives new weights and windows until it is undone. */
export interface ReviewerDecision {
  recordA: string
  recordB: string
  outcome: 'same' | 'distinct'
}

export interface Candidates {
  /** Records worth comparing: they count, share an antigen and lie inside the window. Nearest day first when cut. */
  records: EventRecord[]
  /** There are more than the rules allow; only the nearest are listed and none may be merged. */
  crowded: boolean
}

export interface PairBook {
  candidatesOf(record: EventRecord): Candidates
  verdict(a: EventRecord, b: EventRecord): PairVerdict
  decisionOn(a: EventRecord, b: EventRecord): ReviewerDecision['outcome'] | undefined
  /** Records that a reviewer has called the same event as this one. */
  linkedTo(record: EventRecord): EventRecord[]
}

export function createPairBook(
  records: readonly EventRecord[],
  decisions: readonly ReviewerDecision[],
  rules: DedupRules
): PairBook {
  const verdicts = new Map<string, PairVerdict>()
  const neighbours = new Map<EventRecord, Candidates>()
  const decided = readDecisions(records, decisions)

  const book: PairBook = {
    candidatesOf(record) {
      const known = neighbours.get(record)
      if (known !== undefined) return known
      const found = pickCandidates(record, records, rules)
      neighbours.set(record, found)
      return found
    },
    verdict(a, b) {
      const key = pairKey(a.recordId, b.recordId)
      const known = verdicts.get(key)
      if (known !== undefined) return known
      const made = judge(a, b)
      verdicts.set(key, made)
      return made
    },
    decisionOn: (a, b) => decided.outcomes.get(pairKey(a.recordId, b.recordId)),
    linkedTo: (record) => decided.linked.get(record) ?? []
  }
  return book

  function judge(a: EventRecord, b: EventRecord): PairVerdict {
    if (!maySharePatient(a, b)) return vetoed('V1', rules)
    if (!counts(a) || !counts(b)) return vetoed('V3', rules)
    const verdict = compareEvents(a.fingerprint, b.fingerprint, rules, book.decisionOn(a, b))
    if (verdict.outcome !== 'same' || verdict.rule === 'V6') return verdict
    if (!book.candidatesOf(a).crowded && !book.candidatesOf(b).crowded) return verdict
    return { ...verdict, outcome: 'possible', rule: 'C7', caps: [...verdict.caps, 'C7'] }
  }
}

export function pairKey(recordA: string, recordB: string): string {
  return recordA < recordB ? `${recordA} ${recordB}` : `${recordB} ${recordA}`
}

// Two verified NHS numbers are two people. Where one is not verified, V8 keeps the pair from being merged.
function maySharePatient(a: EventRecord, b: EventRecord): boolean {
  return a.patientKey === b.patientKey || !a.fingerprint.nhsNumberVerified || !b.fingerprint.nhsNumberVerified
}

// A plain look at every record: days compare as text, and a patient seldom has more than sixty.
function pickCandidates(record: EventRecord, records: readonly EventRecord[], rules: DedupRules): Candidates {
  if (!counts(record)) return { records: [], crowded: false }
  const { from, to } = candidateDays(record.fingerprint, rules)
  const found = records.filter(
    (other) =>
      other.fingerprint.lastDay >= from &&
      other.fingerprint.day <= to &&
      other !== record &&
      counts(other) &&
      isCandidate(record, other, rules)
  )
  if (found.length <= rules.maximumCandidates) return { records: found, crowded: false }
  const byDistance = found
    .map((other) => ({ other, days: daysApart(record.fingerprint, other.fingerprint) }))
    .sort((a, b) => a.days - b.days || compareForAnchor(a.other, b.other))
  return { records: byDistance.slice(0, rules.maximumCandidates).map(({ other }) => other), crowded: true }
}

function isCandidate(a: EventRecord, b: EventRecord, rules: DedupRules): boolean {
  const window = pairWindow(a.fingerprint, b.fingerprint, rules)
  return (
    daysApart(a.fingerprint, b.fingerprint) <= window.windowDays &&
    sharesAntigen(a.fingerprint, b.fingerprint) &&
    maySharePatient(a, b)
  )
}

function readDecisions(
  records: readonly EventRecord[],
  decisions: readonly ReviewerDecision[]
): { outcomes: Map<string, ReviewerDecision['outcome']>; linked: Map<EventRecord, EventRecord[]> } {
  if (decisions.length === 0) return { outcomes: new Map(), linked: new Map() }
  const byId = new Map(records.map((record) => [record.recordId, record]))
  const known = decisions.filter(({ recordA, recordB }) => byId.has(recordA) && byId.has(recordB))
  const outcomes = new Map(known.map(({ recordA, recordB, outcome }) => [pairKey(recordA, recordB), outcome]))
  const linked = new Map<EventRecord, EventRecord[]>()
  for (const [key, outcome] of outcomes) {
    const [a, b] = key.split(' ').map((id) => byId.get(id))
    if (outcome === 'distinct' || a === undefined || b === undefined) continue
    linked.set(a, [...(linked.get(a) ?? []), b])
    linked.set(b, [...(linked.get(b) ?? []), a])
  }
  return { outcomes, linked }
}

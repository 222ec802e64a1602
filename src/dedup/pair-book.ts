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
  /** There are more of the patient's own than the rules allow; only the nearest are listed and none may be merged. */
  crowded: boolean
  /** There are more of other patients of the block than the rules allow; only the nearest are listed. */
  flooded: boolean
}

export interface PairBook {
  candidatesOf(record: EventRecord): Candidates
  verdict(a: EventRecord, b: EventRecord): PairVerdict
  decisionOn(a: EventRecord, b: EventRecord): ReviewerDecision['outcome'] | undefined
  /** Records of the same patient that a reviewer has called the same event as this one. */
  linkedTo(record: EventRecord): EventRecord[]
  /** Ids of the records whose candidates were looked for; of a crowd some are enough. */
  leanedOn(): string[]
}

export function createPairBook(
  records: readonly EventRecord[],
  decisions: readonly ReviewerDecision[],
  rules: DedupRules
): PairBook {
  const verdicts = new Map<EventRecord, Map<EventRecord, PairVerdict>>()
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
      const known = verdicts.get(a)?.get(b) ?? verdicts.get(b)?.get(a)
      if (known !== undefined) return known
      const made = judge(a, b)
      const ofA = verdicts.get(a)
      if (ofA === undefined) verdicts.set(a, new Map([[b, made]]))
      else ofA.set(b, made)
      return made
    },
    decisionOn: (a, b) =>
      decided.outcomes.size === 0 ? undefined : decided.outcomes.get(pairKey(a.recordId, b.recordId)),
    linkedTo: (record) => decided.linked.get(record) ?? [],
    leanedOn: () => [...neighbours].flatMap(([{ recordId }, { crowded }]) => (crowded ? [] : [recordId]))
  }
  return book

  function judge(a: EventRecord, b: EventRecord): PairVerdict {
    if (!maySharePatient(a, b)) return vetoed('V1', rules)
    if (!counts(a) || !counts(b)) return vetoed('V3', rules)
    const verdict = compareEvents(a.fingerprint, b.fingerprint, rules, book.decisionOn(a, b))
    if (a.patientKey !== b.patientKey) return acrossPatients(verdict)
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

// Whatever speaks for the two, nobody is sure that they are one person.
function acrossPatients(verdict: PairVerdict): PairVerdict {
  return verdict.outcome === 'distinct' ? verdict : { ...verdict, outcome: 'possible', rule: 'V8' }
}

// A plain look at every record: days compare as text, and few lie near one another.
function pickCandidates(record: EventRecord, records: readonly EventRecord[], rules: DedupRules): Candidates {
  if (!counts(record)) return { records: [], crowded: false, flooded: false }
  const { from, to } = candidateDays(record.fingerprint, rules)
  const own: EventRecord[] = []
  const others: EventRecord[] = []
  for (const other of records) {
    const { day, lastDay } = other.fingerprint
    if (lastDay < from || day > to || other === record || !counts(other) || !isCandidate(record, other, rules)) continue
    if (other.patientKey === record.patientKey) own.push(other)
    else others.push(other)
  }
  const { maximumCandidates: most } = rules
  return {
    records: [...nearest(own, record, most), ...nearest(others, record, most)],
    crowded: own.length > most,
    flooded: others.length > most
  }
}

function nearest(found: EventRecord[], record: EventRecord, most: number): EventRecord[] {
  if (found.length <= most) return found
  return found
    .map((other) => ({ other, days: daysApart(record.fingerprint, other.fingerprint) }))
    .sort((a, b) => a.days - b.days || compareForAnchor(a.other, b.other))
    .slice(0, most)
    .map(({ other }) => other)
}

function isCandidate(a: EventRecord, b: EventRecord, rules: DedupRules): boolean {
  const window = pairWindow(a.fingerprint, b.fingerprint, rules)
  return (
    a.fingerprint.isTest === b.fingerprint.isTest &&
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
    if (outcome === 'distinct' || a === undefined || b === undefined || a.patientKey !== b.patientKey) continue
    linked.set(a, [...(linked.get(a) ?? []), b])
    linked.set(b, [...(linked.get(b) ?? []), a])
  }
  return { outcomes, linked }
}

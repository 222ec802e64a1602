// Records that a register holds from others, beside our events. Each stands with at most one of them and never decides
// anything there: it is no anchor and no survivor, and two of our records are not one event because of it. What a person
// decided of it and one of our records stands above the rules: distinct from one is distinct from its whole event.
import { compareEvents, type PairVerdict } from './compare-events.js'
import { contradict } from './caps.js'
import type { DedupRules } from './dedup-rules.js'
import type { EventFingerprint } from './fingerprint.js'
import { counts, type EventRecord } from './survivor.js'

export interface DecidedElsewhere {
  /** Of ours. */
  recordId: string
  outcome: 'same' | 'distinct'
}

/** What attaching needs of a record elsewhere. */
export interface ElsewhereEvent {
  fingerprint: EventFingerprint
  /** Of reviewers, about this record. */
  decisions?: readonly DecidedElsewhere[]
}

export interface Attachment {
  outcome: 'same' | 'possible'
  groupId: string
  rule: PairVerdict['rule']
  score: number
}

/** With the record of the event that speaks for it most, and what was compared. */
export interface Attached extends Attachment {
  recordId: string
  verdict: PairVerdict
}

type Grouped = Pick<EventRecord, 'recordId' | 'deleted' | 'fingerprint'> & { groupId: string }

/** The event of each record, in the order given; undefined for one that tells of none of ours. */
export function attachElsewhere(
  found: readonly ElsewhereEvent[],
  events: readonly Grouped[],
  rules: DedupRules
): (Attached | undefined)[] {
  const groups = new Map<string, Grouped[]>()
  for (const event of events.filter(counts)) groups.set(event.groupId, [...(groups.get(event.groupId) ?? []), event])
  return found.map((record) =>
    [...groups]
      .flatMap(([groupId, members]) => attach(record, groupId, members, rules))
      .reduce<Attached | undefined>((best, one) => (best === undefined || isCloser(one, best) ? one : best), undefined)
  )
}

function attach(
  { fingerprint, decisions = [] }: ElsewhereEvent,
  groupId: string,
  members: readonly Grouped[],
  rules: DedupRules
): Attached[] {
  const decided = new Map(decisions.map(({ recordId, outcome }) => [recordId, outcome]))
  if (members.some(({ recordId }) => decided.get(recordId) === 'distinct')) return []
  const told = members
    .map(({ recordId, fingerprint: own }) => ({
      recordId,
      verdict: compareEvents(fingerprint, own, rules, decided.get(recordId))
    }))
    .filter(({ verdict }) => verdict.outcome !== 'distinct')
    .sort(byStrength)[0]
  if (told === undefined) return []
  const { recordId, verdict } = told
  const isDoubtful =
    verdict.rule !== 'V6' && members.some((member) => contradict(fingerprint, member.fingerprint, rules))
  const outcome = verdict.outcome === 'same' && !isDoubtful ? 'same' : 'possible'
  return [{ outcome, groupId, rule: verdict.rule, score: verdict.score, recordId, verdict }]
}

type Told = Pick<Attached, 'recordId' | 'verdict'>

// Of equals the record that came first, so that it is one question whenever it is asked.
function byStrength(a: Told, b: Told): number {
  return (
    Number(b.verdict.rule === 'V6') - Number(a.verdict.rule === 'V6') ||
    Number(b.verdict.outcome === 'same') - Number(a.verdict.outcome === 'same') ||
    b.verdict.score - a.verdict.score ||
    (a.recordId < b.recordId ? -1 : 1)
  )
}

// Of equals the group with the lower id, so that the order of reading does not count.
function isCloser(a: Attachment, b: Attachment): boolean {
  if ((a.rule === 'V6') !== (b.rule === 'V6')) return a.rule === 'V6'
  if (a.outcome !== b.outcome) return a.outcome === 'same'
  return a.score !== b.score ? a.score > b.score : a.groupId < b.groupId
}

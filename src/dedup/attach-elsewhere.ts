// Records that a register holds from others, beside our events. Each stands with at most one of them and never decides
// anything there: it is no anchor and no survivor, and two of our records are not one event because of it.
import { compareEvents, type PairVerdict } from './compare-events.js'
import { contradict } from './caps.js'
import type { DedupRules } from './dedup-rules.js'
import type { EventFingerprint } from './fingerprint.js'
import { counts, type EventRecord } from './survivor.js'

/** What attaching needs of a record elsewhere. */
export interface ElsewhereEvent {
  fingerprint: EventFingerprint
}

export interface Attachment {
  outcome: 'same' | 'possible'
  groupId: string
  rule: PairVerdict['rule']
  score: number
}

type Grouped = Pick<EventRecord, 'recordId' | 'deleted' | 'fingerprint'> & { groupId: string }

/** The event of each record, in the order given; undefined for one that tells of none of ours. */
export function attachElsewhere(
  found: readonly ElsewhereEvent[],
  events: readonly Grouped[],
  rules: DedupRules
): (Attachment | undefined)[] {
  const groups = new Map<string, Grouped[]>()
  for (const event of events.filter(counts)) groups.set(event.groupId, [...(groups.get(event.groupId) ?? []), event])
  return found.map(({ fingerprint }) =>
    [...groups]
      .flatMap(([groupId, members]) => attach(fingerprint, groupId, members, rules))
      .reduce<Attachment | undefined>(
        (best, one) => (best === undefined || isCloser(one, best) ? one : best),
        undefined
      )
  )
}

function attach(
  fingerprint: EventFingerprint,
  groupId: string,
  members: readonly Grouped[],
  rules: DedupRules
): Attachment[] {
  const verdicts = members.map((member) => compareEvents(fingerprint, member.fingerprint, rules))
  const told = verdicts.filter(({ outcome }) => outcome !== 'distinct').sort(byStrength)[0]
  if (told === undefined) return []
  const isDoubtful = members.some((member) => contradict(fingerprint, member.fingerprint, rules))
  const outcome = told.outcome === 'same' && !isDoubtful ? 'same' : 'possible'
  return [{ outcome, groupId, rule: told.rule, score: told.score }]
}

function byStrength(a: PairVerdict, b: PairVerdict): number {
  return Number(b.outcome === 'same') - Number(a.outcome === 'same') || b.score - a.score
}

// Of equals the group with the lower id, so that the order of reading does not count.
function isCloser(a: Attachment, b: Attachment): boolean {
  if (a.outcome !== b.outcome) return a.outcome === 'same'
  return a.score !== b.score ? a.score > b.score : a.groupId < b.groupId
}

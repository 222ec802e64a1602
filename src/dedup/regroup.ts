// The event groups of one patient: computed from the records alone, then fitted onto the groups that are stored.
import { assignGroupIds } from './assign-group-ids.js'
import type { PairVerdict } from './compare-events.js'
import type { DedupRules } from './dedup-rules.js'
import { formStars } from './form-stars.js'
import { createPairBook, pairKey, type PairBook, type ReviewerDecision } from './pair-book.js'
import { chooseSurvivor, roleOf, type EventRecord, type MemberRole } from './survivor.js'

export interface RegroupInput {
  /**
   * Records of one patient, and of others of the block where the NHS number is not certain. At least those within the
   * windows (`zonesOf`) of every record that is `leanedOn`, and, for every one that is covered, the members of the group it
   * is stored in and the records that a reviewer has linked to it.
   */
  records: readonly EventRecord[]
  decisions: readonly ReviewerDecision[]
  rules: DedupRules
  /**
   * Ids of records just added, changed, deleted, reinstated or decided on; left out: all. Only what they can reach is
   * computed, and comes out exactly as it would for all.
   */
  touched?: readonly string[]
  newGroupId: () => string
}

export interface EventGroup {
  groupId: string
  anchor: string
  /** Undefined when no member counts: deleted, entered in error or not done. Such a record is always alone. */
  survivor?: string
  members: { recordId: string; role: MemberRole }[]
}

export interface ComparedPair {
  /** The lower id first. */
  recordA: string
  recordB: string
  verdict: PairVerdict
}

export interface Grouping {
  /** Groups of the covered records. A record belongs to exactly one. */
  groups: EventGroup[]
  /** Stored groups of the covered records that have no member left. */
  emptied: string[]
  /** Records that were regrouped: the touched ones, what they were stored with, and what is the same as any of these. */
  covered: string[]
  /** Same and possible pairs of the covered records. What the system stored of these records before and is not here is over. */
  pairs: ComparedPair[]
  /** Those pairs whose records lie in two groups: a person should look. */
  possibleDuplicates: ComparedPair[]
  /**
   * Covered records with more candidates than the rules allow, of their patient or of their block: a person is asked of
   * one pair, the rest is for an alert to say. Those of the patient are merged with none.
   */
  crowded: string[]
  /** Records that all candidates within the windows must be there for, or the outcome may be another. */
  leanedOn: string[]
  /** Group of every covered record, and the stored one of others that stand in `pairs`. */
  groupIdOf: Map<string, string>
}

/**
 * Computes event groups, survivors and open questions. Pure; the order of `records`, `decisions` and `touched` does not
 * matter, and neither does the order in which records arrived: regrouping after each arrival ends where regrouping all
 * at once does. One exception: a record that meets more than `maximumCandidates` is not merged, but what was merged
 * before stays until it is touched itself, so that a flood cannot tear good groups apart.
 */
export function regroup(input: RegroupInput): Grouping {
  const { records, rules } = input
  const book = createPairBook(records, input.decisions, rules)
  const covered = input.touched === undefined ? [...records] : reach(input.touched, records, book)
  const stars = formStars(covered, book, rules)
  const { ids, emptied } = assignGroupIds(stars, input.newGroupId)

  const groupIdOf = new Map<string, string>()
  const groups = stars.map((star, index): EventGroup => {
    const groupId = ids[index] ?? input.newGroupId()
    const survivor = chooseSurvivor(star.members)
    const source = star.members.find(({ recordId }) => recordId === survivor)
    for (const { recordId } of star.members) groupIdOf.set(recordId, groupId)
    const members = star.members.map((member) => ({ recordId: member.recordId, role: roleOf(member, source) }))
    return { groupId, anchor: star.anchor.recordId, ...(survivor === undefined ? {} : { survivor }), members }
  })

  const pairs = collectPairs(covered, book, groupIdOf)
  return {
    groups,
    emptied,
    covered: covered.map(({ recordId }) => recordId),
    pairs,
    possibleDuplicates: pairs.filter(({ recordA, recordB }) => groupIdOf.get(recordA) !== groupIdOf.get(recordB)),
    crowded: covered.filter((record) => isCrowded(record, book)).map(({ recordId }) => recordId),
    leanedOn: book.leanedOn(),
    groupIdOf
  }
}

// Everything whose group can change with the touched records: connected by "same", by a reviewer or by a stored group.
function reach(touched: readonly string[], records: readonly EventRecord[], book: PairBook): EventRecord[] {
  const wanted = new Set(touched)
  const found = new Set(records.filter(({ recordId }) => wanted.has(recordId)))
  // A Set iterates over what is added while it is walked.
  for (const record of found) {
    if (record.groupId !== undefined) for (const mate of records) if (mate.groupId === record.groupId) found.add(mate)
    for (const linked of book.linkedTo(record)) found.add(linked)
    for (const candidate of book.candidatesOf(record).records)
      if (!found.has(candidate) && book.verdict(record, candidate).outcome === 'same') found.add(candidate)
  }
  return [...found]
}

function collectPairs(covered: readonly EventRecord[], book: PairBook, groupIdOf: Map<string, string>): ComparedPair[] {
  const pairs = new Map<string, ComparedPair>()
  for (const record of covered) {
    for (const { other, verdict } of questionsOf(record, book)) {
      const key = pairKey(record.recordId, other.recordId)
      if (pairs.has(key)) continue
      if (other.groupId !== undefined && !groupIdOf.has(other.recordId)) groupIdOf.set(other.recordId, other.groupId)
      const [recordA, recordB] =
        record.recordId < other.recordId ? [record.recordId, other.recordId] : [other.recordId, record.recordId]
      pairs.set(key, { recordA, recordB, verdict })
    }
  }
  return [...pairs.values()]
}

function questionsOf(record: EventRecord, book: PairBook): Found[] {
  const { records, crowded, flooded } = book.candidatesOf(record)
  const found: Found[] = []
  for (const other of [...records, ...book.linkedTo(record)]) {
    const verdict = book.verdict(record, other)
    if (verdict.outcome !== 'distinct') found.push({ other, verdict })
  }
  if (!crowded && !flooded) return found
  const isOwn = ({ other }: Found): boolean => other.patientKey === record.patientKey
  const own = found.filter(isOwn)
  const others = found.filter((pair) => !isOwn(pair))
  return [...(crowded ? strongestOf(record, own) : own), ...(flooded ? strongestOf(record, others) : others)]
}

function isCrowded(record: EventRecord, book: PairBook): boolean {
  const { crowded, flooded } = book.candidatesOf(record)
  return crowded || flooded
}

interface Found {
  other: EventRecord
  verdict: PairVerdict
}

// In a crowd one question is enough, and fifty for each record would be kept for ever. Of equals the record that came just
// before, so that no single one collects the questions about all others.
function strongestOf(record: EventRecord, found: readonly Found[]): Found[] {
  const isBefore = ({ other }: Found): boolean => other.recordId < record.recordId
  return [...found]
    .sort(
      (a, b) =>
        Number(b.verdict.rule === 'C7') - Number(a.verdict.rule === 'C7') ||
        b.verdict.score - a.verdict.score ||
        Number(isBefore(b)) - Number(isBefore(a)) ||
        (a.other.recordId < b.other.recordId ? 1 : -1)
    )
    .slice(0, 1)
}

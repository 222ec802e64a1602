// Event groups as stars: every member is the same jab as the anchor, and nothing speaks against any other member.
import { contradict } from './caps.js'
import type { PairVerdict } from './compare-events.js'
import { daysApart, sharesAntigen } from './compare-fields.js'
import type { DedupRules } from './dedup-rules.js'
import type { PairBook } from './pair-book.js'
import { compareForAnchor, type EventRecord } from './survivor.js'

export interface Star {
  anchor: EventRecord
  members: EventRecord[]
  /** The anchor and the members that joined by rule: what a newcomer must not contradict. A person vouches for others. */
  judged: EventRecord[]
}

/**
 * Puts each record into exactly one star.
 *
 * A star and not a chain: with A = B and B = C alone, C does not join A, or dates and doses would drift apart record by
 * record. Order-free: records are taken in the order of `compareForAnchor`, which knows nothing of their arrival; each
 * joins the best star (nearest day, then score, then standing of the anchor) whose anchor it is the same as, unless it
 * contradicts a member (other lot, half dose, same system ...) or would stretch the star over more days than one merge
 * may bridge; else it founds one. Records that a reviewer has linked are one unit and move together; records that a
 * reviewer has separated are never in one star.
 */
export function formStars(records: readonly EventRecord[], book: PairBook, rules: DedupRules): Star[] {
  const stars: Star[] = []
  for (const unit of formUnits([...records].sort(compareForAnchor), book)) {
    const entry = findEntry(unit, stars, book, rules)
    const founder = unit[0]
    if (entry !== undefined) {
      entry.star.members.push(...unit)
      entry.star.judged.push(entry.link)
    } else if (founder !== undefined) stars.push({ anchor: founder, members: [...unit], judged: [founder] })
  }
  return stars
}

/**
 * Records tied by reviewers, each unit sorted, units in the order of their first record. A link is left out where it
 * would bring together what a reviewer has separated, or two primary records without a common antigen: it then shows up
 * as a pair called the same in two groups.
 */
function formUnits(sorted: readonly EventRecord[], book: PairBook): EventRecord[][] {
  const unitOf = new Map(sorted.map((record) => [record, [record]]))
  for (const record of sorted) {
    for (const linked of [...book.linkedTo(record)].sort(compareForAnchor)) {
      const [ours, theirs] = [unitOf.get(record), unitOf.get(linked)]
      if (ours === undefined || theirs === undefined || ours === theirs) continue
      if (book.verdict(record, linked).outcome !== 'same' || !mayTie(ours, theirs, book)) continue
      const merged = [...ours, ...theirs].sort(compareForAnchor)
      for (const member of merged) unitOf.set(member, merged)
    }
  }
  return [...new Set(sorted.map((record) => unitOf.get(record) ?? [record]))]
}

function mayTie(ours: readonly EventRecord[], theirs: readonly EventRecord[], book: PairBook): boolean {
  return ours.every((a) =>
    theirs.every(
      (b) => book.decisionOn(a, b) !== 'distinct' && (sharesAntigen(a.fingerprint, b.fingerprint) || !bothPrimary(a, b))
    )
  )
}

interface Entry {
  star: Star
  /** The record of the unit that is the same as the anchor. */
  link: EventRecord
  verdict: PairVerdict
  days: number
}

function findEntry(
  unit: readonly EventRecord[],
  stars: readonly Star[],
  book: PairBook,
  rules: DedupRules
): Entry | undefined {
  let best: Entry | undefined
  for (const star of stars) {
    for (const link of unit) {
      const verdict = book.verdict(link, star.anchor)
      if (verdict.outcome !== 'same' || verdict.rule === 'V6') continue
      const entry = { star, link, verdict, days: daysApart(link.fingerprint, star.anchor.fingerprint) }
      if ((best === undefined || isBetter(entry, best)) && admits(star, unit, link, book, rules)) best = entry
    }
  }
  return best
}

function isBetter(a: Entry, b: Entry): boolean {
  return a.days !== b.days ? a.days < b.days : a.verdict.score > b.verdict.score
}

function admits(
  star: Star,
  unit: readonly EventRecord[],
  link: EventRecord,
  book: PairBook,
  rules: DedupRules
): boolean {
  const separated = unit.some((a) => star.members.some((b) => book.decisionOn(a, b) === 'distinct'))
  if (separated) return false
  return star.judged.every(
    (member) =>
      daysApart(link.fingerprint, member.fingerprint) <= rules.outcomes.sameMaximumDays &&
      unit.every((record) => !contradict(record.fingerprint, member.fingerprint, rules))
  )
}

function bothPrimary(a: EventRecord, b: EventRecord): boolean {
  return a.fingerprint.primarySource && b.fingerprint.primarySource
}

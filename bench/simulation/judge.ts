// One life through the core as ingest runs it: fingerprint, regroup around each arrival; then what was right and wrong.
import { fingerprintOf } from '../../src/dedup/fingerprint.js'
import type { ProductAncestry } from '../../src/dedup/product-ancestry.js'
import { regroup, type Grouping } from '../../src/dedup/regroup.js'
import type { EventRecord } from '../../src/dedup/survivor.js'
import { readImmunizationFacts } from '../../src/fhir/immunization.js'
import { createDice } from './dice.js'
import { liveLife, type Life, type World } from './lives.js'
import { reportLife, type Report } from './reports.js'
import type { Tally } from './tally.js'

export interface Setting extends World {
  ancestry: ProductAncestry
  seed: number
}

/** Lives patients `from` to `to` (not included) one after the other; only counts are kept. */
export function simulate(setting: Setting, from: number, to: number, tally: Tally): void {
  for (let index = from; index < to; index++) {
    const dice = createDice(setting.seed, index)
    const life = liveLife(index, dice, setting)
    const reports = reportLife(life, index, dice, setting.ancestry)
    const judged = ingest(reports, setting)
    tally.patients++
    tally.records += reports.length
    count(life, reports, judged, tally)
  }
}

interface Judged {
  grouping: Grouping
  /** Group ids in the order of the reports. */
  groups: string[]
}

function ingest(reports: readonly Report[], { rules, ancestry }: Setting): Judged {
  const known: EventRecord[] = []
  let nextGroup = 0
  const newGroupId = (): string => `g${nextGroup++}`
  for (const [index, { resource }] of reports.entries()) {
    const facts = readImmunizationFacts(resource)
    const fingerprint = fingerprintOf(facts, { ancestry, rules, nhsNumberVerified: facts.isNhsNumberVerified })
    const recordId = recordIdOf(index)
    known.push({ recordId, patientKey: 'patient', deleted: false, fingerprint })
    const { groupIdOf } = regroup({ records: known, decisions: [], rules, touched: [recordId], newGroupId })
    for (const [position, record] of known.entries()) {
      const groupId = groupIdOf.get(record.recordId)
      if (groupId !== undefined && groupId !== record.groupId) known[position] = { ...record, groupId }
    }
  }
  const groups = known.map(({ groupId }) => groupId ?? '')
  const grouping = regroup({ records: known, decisions: [], rules, newGroupId })
  const moved = known.findIndex(({ recordId }, index) => grouping.groupIdOf.get(recordId) !== groups[index])
  if (moved !== -1) throw new Error(`record ${moved} changes its group when all are regrouped`)
  return { grouping, groups }
}

function recordIdOf(index: number): string {
  return `r${String(index).padStart(5, '0')}`
}

/** What the counting needs to know of a judged life; records by their place in the order of arrival. */
interface Truth {
  life: Life
  reports: readonly Report[]
  groups: readonly string[]
  reviews: (readonly [number, number])[]
  grouping: Grouping
  tellsOfOne: (a: number, b: number) => boolean
}

function count(life: Life, reports: readonly Report[], { grouping, groups }: Judged, tally: Tally): void {
  const truth: Truth = {
    life,
    reports,
    groups,
    grouping,
    reviews: grouping.possibleDuplicates.map(({ recordA, recordB }) => [indexOf(recordA), indexOf(recordB)] as const),
    tellsOfOne: (a, b) => reports[a]!.needles.some((needle) => reports[b]!.needles.includes(needle))
  }
  countPairs(truth, tally)
  countDuplicates(truth, tally)
  countRivals(truth, tally)
  countNeedles(truth, tally)
}

function countPairs({ grouping, reviews, reports, tellsOfOne }: Truth, tally: Tally): void {
  for (const { members } of grouping.groups) {
    const indices = members.map(({ recordId }) => indexOf(recordId))
    for (const [position, a] of indices.entries())
      for (const b of indices.slice(position + 1))
        if (tellsOfOne(a, b)) tally.mergedRightly++
        else {
          tally.mergedWrongly++
          tally.keepExample(reports[a]!, reports[b]!)
        }
  }
  for (const [a, b] of reviews) {
    if (tellsOfOne(a, b)) tally.reviewedRightly++
    else tally.reviewedNeedlessly++
  }
}

// Every record after the first of its needle; a refusal is no vaccination, so copies of it are none either.
function countDuplicates({ reports, groups, reviews, tellsOfOne }: Truth, tally: Tally): void {
  const seen = new Set<string>()
  for (const [index, { needles, slips, resource }] of reports.entries()) {
    const isFirst = needles.every((needle) => !seen.has(needle))
    for (const needle of needles) seen.add(needle)
    if (isFirst || resource.status !== 'completed') continue
    const isMerged = groups.some(
      (group, other) => other !== index && group === groups[index] && tellsOfOne(index, other)
    )
    const isReviewed = reviews.some(([a, b]) => (a === index || b === index) && tellsOfOne(a, b))
    tally.countDuplicate(slips, isMerged ? 'merged' : isReviewed ? 'reviewed' : 'missed')
  }
}

function countRivals({ life, reports, groups, reviews }: Truth, tally: Tally): void {
  const only = (needle: string): number[] =>
    reports.flatMap(({ needles }, index) => (needles.length === 1 && needles[0] === needle ? [index] : []))
  for (const { kind, a, b } of life.rivals) {
    const [ofA, ofB] = [only(a), only(b)]
    if (ofA.length === 0 || ofB.length === 0) continue
    const isMerged = ofA.some((one) => ofB.some((two) => groups[one] === groups[two]))
    const isReviewed = reviews.some(
      ([x, y]) => (ofA.includes(x) && ofB.includes(y)) || (ofA.includes(y) && ofB.includes(x))
    )
    tally.countRivals(kind, isMerged ? 'merged' : isReviewed ? 'reviewed' : 'apart')
  }
}

function countNeedles({ life, reports, grouping }: Truth, tally: Tally): void {
  const told = new Set(reports.flatMap(({ needles }) => needles))
  const standing = new Set(
    grouping.groups.flatMap(({ survivor }) => (survivor === undefined ? [] : reports[indexOf(survivor)]!.needles))
  )
  for (const { id, refused } of life.needles) {
    if (refused || !told.has(id)) continue
    tally.needles++
    if (!standing.has(id)) tally.lostNeedles++
  }
}

function indexOf(recordId: string): number {
  return Number(recordId.slice(1))
}

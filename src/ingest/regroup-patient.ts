// Steps of deduplication for one new version, or for a patient whose records were put together or parted: the patient's
// events before, the grouping, and the rows that follow.
import type { DedupRules } from '../dedup/dedup-rules.js'
import type { EventFingerprint } from '../dedup/fingerprint.js'
import { regroup, type Grouping } from '../dedup/regroup.js'
import type { EventRecord } from '../dedup/survivor.js'
import type { ReviewerDecision } from '../dedup/pair-book.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { GroupWrite, KnownEvent } from '../storage/event-store.js'
import type { RecordHead } from '../storage/record-head.js'

export interface Touched {
  head: Omit<RecordHead, 'nhsNumber'>
  fingerprint: EventFingerprint
  known: readonly KnownEvent[]
  /** Records of other patients who may be the same person. */
  strangers: readonly KnownEvent[]
  decisions: readonly PairDecision[]
}

export interface Regrouped {
  grouping: Grouping
  /** Everything that was compared, the touched record and those of other patients included. */
  records: readonly EventRecord[]
  /** The patient's events as they are now. */
  events: KnownEvent[]
  groups: GroupWrite[]
  decisions: PairDecision[]
}

export interface RegroupDeps {
  rules: { dedup: DedupRules }
  newId: () => string
  now: () => Date
}

export function regroupPatient(touched: Touched, deps: RegroupDeps): Regrouped {
  const { head, fingerprint, known, strangers, decisions } = touched
  const stored = known.find((event) => event.recordId === head.recordId)
  const record: TypedRecord = {
    recordId: head.recordId,
    patientKey: head.patientKey,
    vaccineType: head.vaccineType,
    deleted: head.deleted,
    fingerprint,
    ...(stored === undefined ? {} : { groupId: stored.groupId })
  }
  const records: TypedRecord[] = [...known.filter((event) => event !== stored), record]
  return group({ records, strangers, patientKey: head.patientKey, known, decisions, touched: [head.recordId] }, deps)
}

/**
 * `known`: events with the patient key and the group ids they shall have, empty for a new one; `touched` undefined: all of
 * them.
 */
export function regroupKnown(
  moved: { patientKey: string; known: readonly KnownEvent[]; decisions: readonly PairDecision[]; touched?: string[] },
  deps: RegroupDeps
): Regrouped {
  const records = moved.known.map(({ groupId, ...record }) => (groupId === '' ? record : { ...record, groupId }))
  return group({ ...moved, records }, deps)
}

type TypedRecord = EventRecord & { vaccineType: VaccineType }

function group(
  given: {
    records: readonly TypedRecord[]
    strangers?: readonly KnownEvent[]
    patientKey: string
    known: readonly KnownEvent[]
    decisions: readonly PairDecision[]
    touched?: string[]
  },
  deps: RegroupDeps
): Regrouped {
  const { records, strangers = [], patientKey, known, decisions, touched } = given
  const compared = [...records, ...strangers]
  const grouping = regroup({
    records: compared,
    decisions: decisions.flatMap(toReviewerDecision),
    rules: deps.rules.dedup,
    ...(touched === undefined ? {} : { touched }),
    newGroupId: deps.newId
  })
  return {
    grouping,
    records: compared,
    events: nowKnown(records, known, grouping),
    groups: toGroupWrites(grouping, patientKey, known),
    decisions: grouping.pairs.flatMap((pair) => toDecision(pair, patientKey, deps.now()))
  }
}

function toReviewerDecision({ recordA, recordB, outcome, decidedBy }: PairDecision): ReviewerDecision[] {
  return decidedBy === 'system' || outcome === 'possible' ? [] : [{ recordA, recordB, outcome }]
}

function nowKnown(records: readonly TypedRecord[], known: readonly KnownEvent[], grouping: Grouping): KnownEvent[] {
  const before = new Map(known.map((event) => [event.recordId, event]))
  const covered = new Set(grouping.covered)
  const survivors = new Set(grouping.groups.map((group) => group.survivor))
  return records.map((record) => {
    const { recordId, fingerprint } = record
    const event = before.get(recordId)
    if (event !== undefined && !covered.has(recordId)) return event
    return {
      ...record,
      day: fingerprint.day,
      antigens: fingerprint.antigens,
      groupId: grouping.groupIdOf.get(recordId) ?? '',
      isSurvivor: survivors.has(recordId)
    }
  })
}

function toGroupWrites(grouping: Grouping, patientKey: string, known: readonly KnownEvent[]): GroupWrite[] {
  const emptied = grouping.emptied.map((groupId): GroupWrite => {
    const anchor = known.find((event) => event.groupId === groupId)
    if (anchor === undefined) throw new Error(`event group ${groupId} is not known`)
    return { groupId, patientKey, anchorRecordId: anchor.recordId, survivorRecordId: null, members: [] }
  })
  const filled = grouping.groups.map(({ groupId, anchor, survivor, members }) => ({
    groupId,
    patientKey,
    anchorRecordId: anchor,
    survivorRecordId: survivor ?? null,
    members
  }))
  return [...emptied, ...filled]
}

function toDecision(pair: Grouping['pairs'][number], patientKey: string, decidedAt: Date): PairDecision[] {
  const { recordA, recordB, verdict } = pair
  if (verdict.rule === 'V6') return []
  return [
    {
      recordA,
      recordB,
      patientKey,
      outcome: verdict.outcome,
      rule: verdict.rule,
      score: verdict.score,
      features: verdict.features,
      rulesVersion: verdict.rulesVersion,
      decidedBy: 'system',
      decidedAt
    }
  ]
}

// Which record of an event group counts: deduplication reference, section 2.9.
import type { EventFingerprint, ProductLevel } from './fingerprint.js'

/** One record of a patient, as grouping sees it. */
export interface EventRecord {
  /** UUIDv7: of two records, the one received earlier has the lower id. */
  recordId: string
  patientKey: string
  deleted: boolean
  fingerprint: EventFingerprint
  /** The event group it is stored in, if any. */
  groupId?: string
}

export type MemberRole = 'source' | 'alternate' | 'historical' | 'component'

/** Completed and not deleted: a vaccination that took place. */
export function counts(record: Pick<EventRecord, 'deleted' | 'fingerprint'>): boolean {
  return !record.deleted && record.fingerprint.status === 'completed'
}

/**
 * The record id of the member that stands for the event; undefined when none of them counts.
 * The best by standing; of equals the one received first, so that an equal later record changes nothing downstream.
 */
export function chooseSurvivor(members: readonly EventRecord[]): string | undefined {
  return members.filter(counts).sort((a, b) => compareStanding(a, b) || compareText(a.recordId, b.recordId))[0]
    ?.recordId
}

/**
 * Order in which records found groups. The standing of a survivor, but of equals the lower identifier: neither the time
 * nor the id given at arrival takes part, so groups are the same whatever order the records came in.
 */
export function compareForAnchor(a: EventRecord, b: EventRecord): number {
  return (
    compareStanding(a, b) ||
    compareText(a.fingerprint.identifier.system, b.fingerprint.identifier.system) ||
    compareText(a.fingerprint.identifier.value, b.fingerprint.identifier.value) ||
    compareText(a.recordId, b.recordId)
  )
}

/** What a member is beside the survivor of its group. */
export function roleOf(member: EventRecord, survivor: EventRecord | undefined): MemberRole {
  if (member === survivor) return 'source'
  const antigens = member.fingerprint.antigens
  const whole = survivor?.fingerprint.antigens ?? antigens
  if (antigens.length < whole.length && antigens.every((code) => whole.includes(code))) return 'component'
  return member.fingerprint.primarySource ? 'alternate' : 'historical'
}

const PRODUCT_RANK: Record<ProductLevel, number> = { AMP: 0, VMP: 1, generic: 2, unlisted: 3, absent: 4 }
const PRECISION_RANK: Record<EventFingerprint['precision'], number> = { time: 0, day: 1, month: 2, year: 3 }

// Rows 1 to 7 of section 2.9, best first. More antigens first puts a combination before its components.
function compareStanding(a: EventRecord, b: EventRecord): number {
  const [left, right] = [a.fingerprint, b.fingerprint]
  return (
    Number(counts(b)) - Number(counts(a)) ||
    Number(right.primarySource) - Number(left.primarySource) ||
    Number(right.ownSite) - Number(left.ownSite) ||
    right.antigens.length - left.antigens.length ||
    PRODUCT_RANK[left.product.level] - PRODUCT_RANK[right.product.level] ||
    Number(right.lot !== undefined) - Number(left.lot !== undefined) ||
    right.details - left.details ||
    PRECISION_RANK[left.precision] - PRECISION_RANK[right.precision]
  )
}

// Not localeCompare: the order must not depend on the machine's language.
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

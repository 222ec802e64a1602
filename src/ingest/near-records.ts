// What of the patients' records a group has read: what its submissions can reach, and more when one reaches further.
import type { DedupRules } from '../dedup/dedup-rules.js'
import { zonesOf, type Placed, type Zone } from '../dedup/event-zones.js'
import { shiftDay } from '../dedup/fingerprint.js'
import type { Stores } from '../storage/database.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { KnownEvent } from '../storage/event-store.js'
import type { EventBeside, PatientDay, PatientZone } from '../storage/near-store.js'

export interface NearRecords {
  eventsOf(patientKey: string): readonly KnownEvent[]
  /** Replaces what is known of the patient's events. */
  setEvents(patientKey: string, events: readonly KnownEvent[]): void
  /** What reviewers decided of the records that were read. */
  decisions(): readonly PairDecision[]
  /**
   * Reads what was not read yet: everything within the windows of these places, these records with the groups they are
   * in and what a reviewer has linked to them. False when that was all there: then nothing is asked.
   */
  reach(patientKey: string, places: readonly Place[], recordIds: readonly string[]): Promise<boolean>
  /** Events of the patient, beyond those that were read, that intervals to this day can be counted from. */
  besideOf(asked: PatientDay): Promise<readonly EventBeside[]>
}

export interface Place extends Placed {
  recordId: string
}

export interface WantedNear {
  places: readonly (Placed & { patientKey: string })[]
  recordIds: readonly string[]
  /** Days that a programme counts intervals to. */
  days: readonly PatientDay[]
}

/** Everything that a group is likely to need, at once. */
export async function readNearRecords(
  wanted: WantedNear,
  stores: Pick<Stores, 'near' | 'decisions'>,
  rules: DedupRules
): Promise<NearRecords> {
  const { near, load, askBeside } = createReader(stores, rules)
  // A record of the next day is the same event sooner than any other, and has a window of its own.
  const slack = rules.outcomes.sameMaximumDays
  const zones = wanted.places.flatMap(({ patientKey, ...place }) => toZones(patientKey, place, rules, slack))
  await load(merge(zones), wanted.recordIds)
  await askBeside(wanted.days)
  return near
}

/** Of patients that were read whole. */
export function knownRecords(events: readonly KnownEvent[], decisions: readonly PairDecision[]): NearRecords {
  const byPatient = new Map<string, KnownEvent[]>()
  for (const event of events) push(byPatient, event.patientKey, event)
  return {
    eventsOf: (patientKey) => byPatient.get(patientKey) ?? [],
    setEvents: (patientKey, replaced) => void byPatient.set(patientKey, [...replaced]),
    decisions: () => decisions,
    reach: () => Promise.resolve(false),
    besideOf: () => Promise.resolve([])
  }
}

function createReader(stores: Pick<Stores, 'near' | 'decisions'>, rules: DedupRules) {
  // One more than can be compared, and the record itself: a zone that gives so many is crowded.
  const limit = rules.maximumCandidates + 2
  const events = new Map<string, KnownEvent[]>()
  const decisions = new Map<string, PairDecision>()
  /** Read once, or made by the group: what is stored of it is of no use any more. */
  const seen = new Set<string>()
  /** Read with its group, and with what reviewers linked to it. */
  const whole = new Set<string>()
  const spans = createSpans()
  const tried = new Set<string>()
  const beside = new Map<string, EventBeside[]>()

  async function load(zones: readonly PatientZone[], recordIds: readonly string[]): Promise<void> {
    const rows = await stores.near.findNear({ zones, recordIds, limit })
    const fresh: string[] = []
    for (const { event, asked } of rows) {
      if (asked) whole.add(event.recordId)
      if (seen.has(event.recordId)) continue
      seen.add(event.recordId)
      fresh.push(event.recordId)
      push(events, event.patientKey, event)
    }
    for (const recordId of recordIds) whole.add(recordId)
    const inZones = rows.flatMap(({ event, asked }) => (asked ? [event] : []))
    for (const zone of zones) spans.add(zone, inZones, limit)
    const linked: string[] = []
    for (const decision of await stores.decisions.findAbout(fresh)) {
      const { recordA, recordB, outcome } = decision
      decisions.set(`${recordA} ${recordB}`, decision)
      if (outcome === 'same') linked.push(...[recordA, recordB].filter((recordId) => !seen.has(recordId)))
    }
    if (linked.length > 0) await load([], linked)
  }

  async function askBeside(days: readonly PatientDay[]): Promise<void> {
    for (const day of days) beside.set(dayKey(day), [])
    for (const { asked, ...event } of await stores.near.findBeside(days, [...seen])) push(beside, dayKey(asked), event)
  }

  const near: NearRecords = {
    eventsOf: (patientKey) => events.get(patientKey) ?? [],
    setEvents(patientKey, replaced) {
      for (const { recordId } of replaced) {
        if (!seen.has(recordId)) whole.add(recordId)
        seen.add(recordId)
      }
      events.set(patientKey, [...replaced])
    },
    decisions: () => [...decisions.values()],
    async reach(patientKey, places, recordIds) {
      const zones: PatientZone[] = []
      for (const place of places) {
        const key = [patientKey, place.recordId, place.vaccineType, place.day, place.lastDay].join(' ')
        if (tried.has(key)) continue
        tried.add(key)
        zones.push(...toZones(patientKey, place, rules).filter((zone) => !spans.cover(zone)))
      }
      const missing = recordIds.filter((recordId) => !whole.has(recordId))
      if (zones.length === 0 && missing.length === 0) return false
      await load(merge(zones), missing)
      return true
    },
    async besideOf(asked) {
      // What was read meanwhile is no longer beside, and another one may have taken its place.
      const known = beside.get(dayKey(asked))
      if (known?.every(({ recordId }) => !seen.has(recordId)) !== true) await askBeside([asked])
      return beside.get(dayKey(asked)) ?? []
    }
  }
  return { near, load, askBeside }
}

/** What was read of each patient and vaccine type, without gaps. */
function createSpans() {
  const spans = new Map<string, Pick<Zone, 'from' | 'to'>[]>()
  return {
    add({ patientKey, vaccineType, from, to, day }: PatientZone, rows: readonly KnownEvent[], limit: number): void {
      const days = rows
        .filter((row) => row.patientKey === patientKey && row.vaccineType === vaccineType)
        .map((row) => row.day)
      const before = days.filter((one) => one >= from && one <= day)
      const after = days.filter((one) => one > day && one <= to)
      // Where the limit was met, the last day may not have come whole.
      const span = {
        from: before.length < limit ? from : shiftDay(earliest(before), 1),
        to: after.length < limit ? to : shiftDay(latest(after), -1)
      }
      push(spans, `${patientKey} ${vaccineType}`, span)
    },
    cover: ({ patientKey, vaccineType, from, to }: PatientZone): boolean =>
      spans.get(`${patientKey} ${vaccineType}`)?.some((span) => span.from <= from && span.to >= to) === true
  }
}

function toZones(patientKey: string, place: Placed, rules: DedupRules, moreDays = 0): PatientZone[] {
  return zonesOf(place, rules, moreDays).map((zone) => ({ ...zone, patientKey, day: place.lastDay }))
}

// Several submissions of one event ask for the same.
function merge(zones: readonly PatientZone[]): PatientZone[] {
  return [
    ...new Map(
      zones.map((zone) => [[zone.patientKey, zone.vaccineType, zone.from, zone.to, zone.day].join(' '), zone])
    ).values()
  ]
}

function earliest(days: readonly string[]): string {
  return days.reduce((first, day) => (day < first ? day : first))
}

function latest(days: readonly string[]): string {
  return days.reduce((last, day) => (day > last ? day : last))
}

function dayKey({ patientKey, day, isTest }: PatientDay): string {
  return `${patientKey} ${day} ${isTest}`
}

function push<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

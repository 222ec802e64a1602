// One touched record grouped with what it can reach: as much is read as the outcome leans on.
import type { EventFingerprint } from '../dedup/fingerprint.js'
import type { KnownEvent } from '../storage/event-store.js'
import type { RecordHead } from '../storage/record-head.js'
import type { InBlock } from './block-records.js'
import type { Place } from './near-records.js'
import { regroupPatient, type RegroupDeps, type Regrouped } from './regroup-patient.js'
import type { WorkingSet } from './working-set.js'

export interface TouchedRecord {
  head: Omit<RecordHead, 'nhsNumber'>
  fingerprint: EventFingerprint
  /** Undefined: nobody else can be the same person. */
  inBlock: InBlock | undefined
}

/** `before`: the patient's events that were read, as they were. The outcome is that of grouping all there are. */
export async function regroupTouched(
  { head, fingerprint, inBlock }: TouchedRecord,
  set: WorkingSet,
  deps: RegroupDeps
): Promise<{ before: readonly KnownEvent[]; regrouped: Regrouped }> {
  const { patientKey, recordId } = head
  const block = inBlock === undefined ? [] : await set.recordsInBlock(inBlock)
  const strangers = block.filter((event) => event.patientKey !== patientKey && event.recordId !== recordId)
  await set.reach(patientKey, [placeOf(recordId, fingerprint)], head.version === 1 ? [] : [recordId])
  for (;;) {
    const before = set.eventsOf(patientKey)
    const regrouped = regroupPatient({ head, fingerprint, known: before, strangers, decisions: set.reviewed() }, deps)
    const { grouping, records } = regrouped
    const leanedOn = new Set(grouping.leanedOn)
    const places = records
      .filter((record) => record.patientKey === patientKey && leanedOn.has(record.recordId))
      .map((record) => placeOf(record.recordId, record.fingerprint))
    const others = grouping.covered.filter((covered) => covered !== recordId)
    if (!(await set.reach(patientKey, places, others))) return { before, regrouped }
  }
}

function placeOf(recordId: string, { day, lastDay, antigens, vaccineType }: EventFingerprint): Place {
  return { recordId, day, lastDay, antigens, ...(vaccineType === undefined ? {} : { vaccineType }) }
}

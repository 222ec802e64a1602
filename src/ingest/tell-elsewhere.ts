// What a register is known to hold of the patient from others: told to a supplier who wants it, and counted as history.
import { compareEvents } from '../dedup/compare-events.js'
import type { DedupRules } from '../dedup/dedup-rules.js'
import { elsewhereIssues, type HeldElsewhere } from '../dedup/explain-elsewhere.js'
import type { EventFingerprint } from '../dedup/fingerprint.js'
import type { Caller } from '../fhir/caller.js'
import { isOf } from '../elsewhere/attach-known.js'
import type { Issue } from '../fhir/issue.js'
import type { ElsewhereRecord } from '../storage/elsewhere-store.js'
import type { JudgementContext } from '../programmes/subject.js'
import type { WorkingSet } from './working-set.js'

export interface ToldElsewhere {
  issues: Issue[]
  /** Vaccinations that none of our records tells of, and that are not this one. */
  history: NonNullable<JudgementContext['history']>
}

/** Known by now: nobody is asked. Nothing for a caller without the setting. What a reviewer decided is not asked again. */
export async function tellElsewhere(
  caller: Pick<Caller, 'existingRecords'>,
  own: { recordId: string; patientKey: string; fingerprint: EventFingerprint },
  set: Pick<WorkingSet, 'elsewhereOf' | 'decidedElsewhere'>,
  rules: DedupRules
): Promise<ToldElsewhere> {
  if (caller.existingRecords !== true) return { issues: [], history: [] }
  const decisions = (await set.decidedElsewhere(own.patientKey)).filter(({ recordId }) => recordId === own.recordId)
  const held = (await set.elsewhereOf(own.patientKey)).map((record) => {
    const decided = decisions.find((one) => isOf(one, record))?.outcome
    return decided === undefined ? record : { ...record, decided }
  })
  return {
    issues: elsewhereIssues(own.fingerprint, held, rules),
    history: held
      .filter((record) => record.attached?.outcome !== 'same' && isOther(own.fingerprint, record, rules))
      .map(({ fingerprint: { day, antigens }, vaccineType }: ElsewhereRecord) => ({ day, antigens, vaccineType }))
  }
}

// Test data and real records are two worlds: neither is history of the other.
function isOther(own: EventFingerprint, { fingerprint, decided }: HeldElsewhere, rules: DedupRules): boolean {
  return fingerprint.isTest === own.isTest && compareEvents(own, fingerprint, rules, decided).outcome === 'distinct'
}

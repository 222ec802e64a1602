// What a register is known to hold of the patient from others: told to a supplier who wants it, and counted as history.
import { compareEvents } from '../dedup/compare-events.js'
import type { DedupRules } from '../dedup/dedup-rules.js'
import { elsewhereIssues } from '../dedup/explain-elsewhere.js'
import type { EventFingerprint } from '../dedup/fingerprint.js'
import type { Caller } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import type { ElsewhereRecord } from '../storage/elsewhere-store.js'
import type { JudgementContext } from '../programmes/subject.js'
import type { WorkingSet } from './working-set.js'

export interface ToldElsewhere {
  issues: Issue[]
  /** Vaccinations that none of our records tells of, and that are not this one. */
  history: NonNullable<JudgementContext['history']>
}

/** Known by now: nobody is asked. Nothing for a caller without the setting. */
export async function tellElsewhere(
  caller: Pick<Caller, 'existingRecords'>,
  own: { patientKey: string; fingerprint: EventFingerprint },
  set: Pick<WorkingSet, 'elsewhereOf'>,
  rules: DedupRules
): Promise<ToldElsewhere> {
  if (caller.existingRecords !== true) return { issues: [], history: [] }
  const held = await set.elsewhereOf(own.patientKey)
  return {
    issues: elsewhereIssues(own.fingerprint, held, rules),
    history: held
      .filter(
        ({ attached, fingerprint }) =>
          attached?.outcome !== 'same' &&
          fingerprint.isTest === own.fingerprint.isTest &&
          isOther(own.fingerprint, fingerprint, rules)
      )
      .map(({ fingerprint: { day, antigens }, vaccineType }: ElsewhereRecord) => ({ day, antigens, vaccineType }))
  }
}

function isOther(own: EventFingerprint, held: EventFingerprint, rules: DedupRules): boolean {
  return compareEvents(own, held, rules).outcome === 'distinct'
}

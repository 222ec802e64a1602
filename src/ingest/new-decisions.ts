// What a group decides of pairs of records, and what it takes back: a later submission may decide anew.
import type { OverDecisions, PairDecision } from '../storage/decision-store.js'
import type { NearRecords } from './near-records.js'

export interface Compared {
  patientKey: string
  /** Records that were compared with the others of the patient. */
  recordIds: readonly string[]
  /** Of these, the one that was compared with its block as well, where there is one. */
  beyondId?: string
  made: readonly PairDecision[]
}

export interface NewDecisions {
  replace(compared: Compared): void
  made(): PairDecision[]
  over(): OverDecisions
}

export function createNewDecisions(near: Pick<NearRecords, 'eventsOf'>): NewDecisions {
  const made = new Map<string, PairDecision>()
  const compared = new Set<string>()
  const comparedBeyond = new Set<string>()
  return {
    replace({ patientKey, recordIds, beyondId, made: decided }) {
      for (const recordId of recordIds) compared.add(recordId)
      if (beyondId !== undefined) comparedBeyond.add(beyondId)
      const own = new Set(near.eventsOf(patientKey).map(({ recordId }) => recordId))
      const anew = new Set(recordIds)
      for (const [key, { recordA, recordB, rule }] of made) {
        if (!anew.has(recordA) && !anew.has(recordB)) continue
        const isAcross = rule === 'V8' && !(own.has(recordA) && own.has(recordB))
        // Between two patients: over only where the block was looked at again.
        if (!isAcross || recordA === beyondId || recordB === beyondId) made.delete(key)
      }
      for (const decision of decided) made.set(`${decision.recordA} ${decision.recordB}`, decision)
    },
    made: () => [...made.values()],
    // Decided again is not taken back: it stays the same row, opened when it was first decided.
    over: () => ({ compared: [...compared], comparedBeyond: [...comparedBeyond], kept: [...made.values()] })
  }
}

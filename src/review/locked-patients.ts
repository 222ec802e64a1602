// Everything about some patients, read under lock, for moving records between them.
import type { Known } from '../ingest/working-set.js'
import type { Stores } from '../storage/database.js'
import { Overtaken } from '../storage/overtaken.js'
import type { PatientRow } from '../storage/patient-store.js'

export interface LockedPatients extends Omit<Known, 'patients'> {
  /** The patients that were asked for and all that are merged into them. */
  members: readonly PatientRow[]
}

/**
 * Locks in the order of accepting: records first, then patients, each in key order. A record that came between the two
 * was accepted meanwhile.
 * @throws Overtaken then, and when one of the patients was merged meanwhile: the transaction begins again
 */
export async function lockPatients(patientKeys: readonly string[], stores: Stores): Promise<LockedPatients> {
  const recordIds = await stores.patients.listRecordIds(patientKeys)
  const heads = await stores.records.lockHeads({ identifiers: [], recordIds })
  const members = await stores.patients.lockFamilies(patientKeys)
  const wanted = new Set(patientKeys)
  const keptIds = await stores.patients.listRecordIds(patientKeys)
  const locked = new Set(heads.flatMap(({ recordId, patientKey }) => (wanted.has(patientKey) ? [recordId] : [])))
  const isSame = locked.size === keptIds.length && keptIds.every((id) => locked.has(id))
  const isMerged = members.some(({ patientKey, mergedInto }) => wanted.has(patientKey) && mergedInto !== null)
  if (!isSame || isMerged) throw new Overtaken('a patient')
  return {
    heads: heads.filter(({ recordId }) => locked.has(recordId)),
    members,
    events: await stores.events.findEvents(patientKeys),
    decisions: await stores.decisions.find(patientKeys),
    lanes: await stores.outbox.findLanes(keptIds)
  }
}

// Everything about some patients, read under lock, for moving records between them.
import type { Stores } from '../storage/database.js'
import { Overtaken } from '../storage/overtaken.js'
import type { PatientRow } from '../storage/patient-store.js'
import type { KnownPatients } from './known-set.js'

export interface LockedPatients extends KnownPatients {
  /** The patients that were asked for and all that are merged into them. */
  members: readonly PatientRow[]
}

/**
 * Patients first, as accepting does: whoever adds, changes or takes away one of their records holds them too, so that
 * nothing comes or goes from then on.
 * @throws Overtaken when one of the patients was merged meanwhile: the transaction begins again
 */
export async function lockPatients(patientKeys: readonly string[], stores: Stores): Promise<LockedPatients> {
  const members = await stores.patients.lockFamilies(patientKeys)
  const wanted = new Set(patientKeys)
  if (members.some(({ patientKey, mergedInto }) => wanted.has(patientKey) && mergedInto !== null))
    throw new Overtaken('a patient')
  const recordIds = await stores.patients.listRecordIds(patientKeys)
  const heads = await stores.records.lockHeads({ identifiers: [], recordIds })
  return {
    heads,
    members,
    events: await stores.events.findEvents(patientKeys),
    decisions: await stores.decisions.find(patientKeys),
    lanes: await stores.outbox.findLanes(recordIds)
  }
}

// A record moves to another patient: the one it was filed under wrongly loses it, and both patients' events are grouped
// anew. To a destination a wrong patient is a deletion and a new record, never an update: whoever watches the first
// patient must hear that it is gone (deduplication reference, sections 1.1 and 2.6).
import type { RecordHead } from '../storage/record-head.js'
import type { Incoming } from './classify-incoming.js'
import { makeVersion, type Accepted, type VersionDeps } from './make-version.js'
import type { Verdict } from './submission.js'
import type { WorkingSet } from './working-set.js'

export interface Moved extends Omit<Accepted, 'head' | 'incoming' | 'reason'> {
  head: RecordHead
  incoming: Extract<Incoming, { kind: 'moved' }>
}

/**
 * `other`: two versions, one that deletes the record where it was and one that reinstates it under its patient.
 * `identified`: the person is the same and has got a number: one version, an update to every destination.
 */
export async function moveRecord(moved: Moved, set: WorkingSet, deps: VersionDeps): Promise<Verdict> {
  const { submission, judged, head, incoming } = moved
  const { issues, reason } = incoming
  const why = reason === undefined ? {} : { reason }
  const isDeletedFirst = incoming.change === 'other' && !head.deleted
  if (isDeletedFirst) {
    const { caller, requestId, receivedAt } = submission
    const tombstone = { kind: 'delete', recordId: head.recordId, caller, requestId, receivedAt } as const
    await makeVersion(
      { submission: tombstone, judged: undefined, head, incoming: { kind: 'correction', issues }, ...why },
      set,
      deps
    )
  }
  const left = set.findRecord(head.recordId) ?? head
  await leave(left, set)
  const target = set.findPatient(judged?.facts.nhsNumber) ?? set.addPatient()
  return makeVersion(
    {
      submission,
      judged,
      head: { ...left, ...target },
      incoming: { kind: left.deleted ? 'reinstatement' : 'correction', issues },
      ...why
    },
    set,
    deps
  )
}

// What is left of the record's event group was regrouped when it was deleted; the one it is alone in is emptied.
async function leave({ recordId, patientKey }: RecordHead, set: WorkingSet): Promise<void> {
  await set.reach(patientKey, [], [recordId])
  const events = set.eventsOf(patientKey)
  const own = events.find((event) => event.recordId === recordId)
  if (own === undefined) throw new Error(`record ${recordId} has no event group`)
  set.setEvents(
    patientKey,
    events.filter((event) => event !== own)
  )
  set.addGroups([{ groupId: own.groupId, patientKey, anchorRecordId: recordId, survivorRecordId: null, members: [] }])
}

// Undoing a merge of NHS numbers: each record goes back to the number it is sent under, and both sides are grouped anew.
import { regroupKnown } from '../ingest/regroup-patient.js'
import type { Stores } from '../storage/database.js'
import type { GroupWrite, KnownEvent } from '../storage/event-store.js'
import { Overtaken } from '../storage/overtaken.js'
import type { PatientMerge } from '../storage/patient-merge-store.js'
import type { PatientRow } from '../storage/patient-store.js'
import { createKnownSet } from './known-set.js'
import { lockPatients, type LockedPatients } from './locked-patients.js'
import { checkCount, compareGroups, keepRegrouped, type MergeEffect, type MoveDeps } from './merge-patients.js'
import { MergeRefused } from './merge-refusal.js'
import { partGroups } from './part-groups.js'
import { tellDestinations } from './tell-destinations.js'

export interface UnmergeRequest {
  mergeId: string
  actor: string
  reason: string
  /** As of a merge. */
  confirmCount?: number
}

/** Inside a transaction. @throws MergeRefused for a merge that is not known or undone already, or another count */
export async function unmergePatients(request: UnmergeRequest, stores: Stores, deps: MoveDeps): Promise<MergeEffect> {
  const { mergeId, actor, reason } = request
  const { from, to } = await findActive(mergeId, stores)
  const locked = await lockPatients([from], stores)
  const family = await findFamily(to, locked.members, stores)
  if (!(await stores.patientMerges.undo(mergeId, { at: deps.now(), by: actor, reason }))) throw new Overtaken('a merge')
  const leaving = new Set(locked.heads.flatMap(({ recordId, numberKey }) => (family.has(numberKey) ? [recordId] : [])))
  checkCount(leaving.size, request.confirmCount)

  await stores.patients.raiseTotals([from, to])
  await stores.patients.moveRecords([...leaving], from, to)
  await stores.patients.setMergedInto([to], null)
  await stores.patients.setMergedInto(
    [...family].filter((key) => key !== to),
    to
  )
  const parted = part(locked, leaving, from, to, {
    before: await stores.patientMerges.findGroupsBefore(mergeId),
    owned: new Set(await stores.patients.listGroupIds(from))
  })
  const set = createKnownSet({ ...parted, lanes: locked.lanes }, stores, deps.newId)
  const after: KnownEvent[] = []
  const written: GroupWrite[] = []
  for (const patientKey of [from, to]) {
    const known = parted.events.filter((event) => event.patientKey === patientKey)
    const decisions = parted.decisions.filter((decision) => decision.patientKey === patientKey)
    const regrouped = regroupKnown({ patientKey, known, decisions }, deps)
    keepRegrouped(patientKey, regrouped, set)
    after.push(...regrouped.events)
    written.push(...regrouped.groups)
  }
  set.addGroups(emptied(locked.events, written, from))
  const deliveries = await tellDestinations({ before: locked.events, after, patientKeys: [from, to] }, set, deps)

  const effect = { records: leaving.size, ...compareGroups(locked.events, after), deliveries }
  set.addAudit({
    at: deps.now(),
    actor,
    action: 'patient.unmerge',
    patientKey: to,
    detail: { mergeId, reason, from, to, ...effect }
  })
  await set.write(deps.auditChainId)
  return effect
}

/** `from`: where the records are kept now, `to`: the patient of the number that is superseded no more. */
async function findActive(mergeId: string, stores: Stores): Promise<{ from: string; to: string }> {
  const merge = await stores.patientMerges.find(mergeId)
  if (merge === undefined)
    throw new MergeRefused('unknown-merge', 'there is no such merge; imms patients show lists them')
  if (merge.undoneAt !== null) throw new MergeRefused('merge-undone', 'this merge was undone before')
  const row = await stores.patients.find(merge.supersededKey)
  if (row?.mergedInto == null) throw new Overtaken('a merge')
  return { from: row.mergedInto, to: row.patientKey }
}

// The number itself and those whose chain leads through it.
async function findFamily(to: string, members: readonly PatientRow[], stores: Stores): Promise<Set<string>> {
  const merges = await stores.patientMerges.list(members.map(({ patientKey }) => patientKey))
  const active = merges.filter(({ undoneAt }) => undoneAt === null)
  const family = new Set([to])
  // A Set iterates over what is added while it is walked.
  for (const key of family) for (const { supersededKey } of active.filter(leadsTo(key))) family.add(supersededKey)
  return family
}

function leadsTo(key: string): (merge: PatientMerge) => boolean {
  return ({ successorKey }) => successorKey === key
}

function part(
  locked: LockedPatients,
  leaving: ReadonlySet<string>,
  from: string,
  to: string,
  groups: { before: ReadonlyMap<string, string>; owned: ReadonlySet<string> }
): Pick<LockedPatients, 'heads' | 'events' | 'decisions'> {
  const sideOf = (...recordIds: string[]): string => (recordIds.every((id) => leaving.has(id)) ? to : from)
  return {
    heads: locked.heads.map((head) => ({ ...head, patientKey: sideOf(head.recordId) })),
    events: partGroups({ events: locked.events, leaving, ...groups }).map((event) => ({
      ...event,
      patientKey: sideOf(event.recordId)
    })),
    decisions: locked.decisions.map((decision) => ({
      ...decision,
      patientKey: sideOf(decision.recordA, decision.recordB)
    }))
  }
}

// Groups that were formed while the two were one, and that neither side goes on with.
function emptied(before: readonly KnownEvent[], written: readonly GroupWrite[], patientKey: string): GroupWrite[] {
  const kept = new Set(written.map(({ groupId }) => groupId))
  const anchors = new Map(before.map(({ groupId, recordId }) => [groupId, recordId]))
  return [...anchors]
    .filter(([groupId]) => !kept.has(groupId))
    .map(([groupId, anchorRecordId]) => ({ groupId, patientKey, anchorRecordId, survivorRecordId: null, members: [] }))
}

// Merging a superseded NHS number into its successor: the records of both are one history, and are grouped together.
import type { Wanting } from '../delivery/plan-deliveries.js'
import { regroupKnown, type RegroupDeps, type Regrouped } from '../ingest/regroup-patient.js'
import type { WorkingSet } from '../ingest/working-set.js'
import type { Stores } from '../storage/database.js'
import type { KnownEvent } from '../storage/event-store.js'
import { Overtaken } from '../storage/overtaken.js'
import type { PatientKeys } from '../storage/record-head.js'
import { createKnownSet } from './known-set.js'
import { lockPatients, type LockedPatients } from './locked-patients.js'
import { MergeRefused } from './merge-refusal.js'
import { tellDestinations } from './tell-destinations.js'

/** What a merge, or its undoing, changes. */
export interface MergeEffect {
  /** Records that are kept under another patient afterwards, deleted ones too. */
  records: number
  /** Event groups with members, of all patients concerned. */
  groupsBefore: number
  groupsAfter: number
  /** Records that count for their event now and did not before. */
  newSurvivors: number
  /** Deliveries that were planned. */
  deliveries: number
}

export interface MoveDeps extends RegroupDeps {
  destinations: readonly Wanting[]
  auditChainId: string
}

export interface MergeRequest {
  superseded: string
  successor: string
  actor: string
  reason: string
  /** How many records change patients, as whoever asks was told; undefined for a plan. */
  confirmCount?: number
}

/**
 * Inside a transaction.
 * @throws MergeRefused for a merge of a number into itself or in a circle, of one that is merged already, or another count
 */
export async function mergePatients(
  request: MergeRequest,
  stores: Stores,
  deps: MoveDeps
): Promise<{ mergeId: string; effect: MergeEffect }> {
  const { superseded, successor } = await findBoth(request, stores, deps)
  const [from, to] = [superseded.patientKey, successor.patientKey]
  const locked = await lockPatients([from, to], stores)
  const moved = locked.heads.flatMap(({ recordId, patientKey }) => (patientKey === from ? [recordId] : []))
  checkCount(moved.length, request.confirmCount)

  await moveUnder(locked, from, to, stores)
  const known = locked.events.map((event) => ({ ...event, patientKey: to }))
  const decisions = locked.decisions.map((decision) => ({ ...decision, patientKey: to }))
  const set = createKnownSet(
    {
      heads: locked.heads.map((head) => ({ ...head, patientKey: to })),
      events: known,
      decisions,
      lanes: locked.lanes
    },
    stores,
    deps.newId
  )
  const regrouped = regroupKnown({ patientKey: to, known, decisions, touched: moved }, deps)
  keepRegrouped(to, regrouped, set)
  const { events } = locked
  const deliveries = await tellDestinations({ before: events, after: regrouped.events, patientKeys: [to] }, set, deps)

  const effect = { records: moved.length, ...compareGroups(events, regrouped.events), deliveries }
  const merge = {
    mergeId: deps.newId(),
    supersededKey: superseded.numberKey,
    successorKey: successor.numberKey,
    mergedAt: deps.now(),
    mergedBy: request.actor,
    reason: request.reason
  }
  await stores.patientMerges.insert(merge, new Map(events.map(({ recordId, groupId }) => [recordId, groupId])))
  const { mergeId, mergedAt: at, mergedBy: actor, ...told } = merge
  const detail = { mergeId, ...told, ...effect }
  set.addAudit({ at, actor, action: 'patient.merge', patientKey: to, detail })
  await set.write(deps.auditChainId)
  return { mergeId, effect }
}

async function moveUnder({ members }: LockedPatients, from: string, to: string, stores: Stores): Promise<void> {
  const family = members.filter(({ patientKey, mergedInto }) => patientKey === from || mergedInto === from)
  await stores.patients.raiseTotals([from, to])
  await stores.patients.moveAll(from, to)
  await stores.patients.setMergedInto(
    family.map(({ patientKey }) => patientKey),
    to
  )
}

// A number that no record gives yet is made a patient: what is sent under it later lands where it belongs.
async function findBoth(
  { superseded, successor }: MergeRequest,
  stores: Stores,
  { newId }: MoveDeps
): Promise<{ superseded: PatientKeys; successor: PatientKeys }> {
  if (superseded === successor) throw new MergeRefused('merge-into-itself', 'a number cannot be merged into itself')
  const known = await stores.patients.findNumbers([superseded, successor])
  const missing = new Map([superseded, successor].flatMap((number) => (known.has(number) ? [] : [[number, newId()]])))
  if (!(await stores.patients.insertNumbers(missing))) throw new Overtaken('a patient')
  for (const [number, key] of missing) known.set(number, { patientKey: key, numberKey: key })
  const [from, to] = [known.get(superseded), known.get(successor)]
  if (from === undefined || to === undefined) throw new Error('a patient was not made')
  if (from.patientKey !== from.numberKey)
    throw new MergeRefused('already-merged', 'this number is merged into another one already; undo that merge first')
  if (to.patientKey === from.numberKey)
    throw new MergeRefused(
      'merge-in-a-circle',
      'the successor is itself merged into this number; undo that merge first'
    )
  return { superseded: from, successor: to }
}

/** @throws MergeRefused when another count was confirmed */
export function checkCount(records: number, confirmed: number | undefined): void {
  if (confirmed === undefined || confirmed === records) return
  const text = `${records} records change patients now, ${confirmed} were confirmed; plan again`
  throw new MergeRefused('merge-count-differs', text)
}

export function keepRegrouped(patientKey: string, regrouped: Regrouped, set: WorkingSet): void {
  set.setEvents(patientKey, regrouped.events)
  set.addGroups(regrouped.groups)
  set.replaceDecisions({ patientKey, recordIds: regrouped.grouping.covered, made: regrouped.decisions })
}

export function compareGroups(
  before: readonly KnownEvent[],
  after: readonly KnownEvent[]
): Pick<MergeEffect, 'groupsBefore' | 'groupsAfter' | 'newSurvivors'> {
  const counted = new Set(before.flatMap(({ recordId, isSurvivor }) => (isSurvivor ? [recordId] : [])))
  return {
    groupsBefore: new Set(before.map(({ groupId }) => groupId)).size,
    groupsAfter: new Set(after.map(({ groupId }) => groupId)).size,
    newSurvivors: after.filter(({ recordId, isSurvivor }) => isSurvivor && !counted.has(recordId)).length
  }
}

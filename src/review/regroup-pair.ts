// What follows from a decision, or from its undoing: of a pair, the patient is grouped anew and destinations are told.
import type { Wanting } from '../delivery/plan-deliveries.js'
import { regroupKnown, type RegroupDeps } from '../ingest/regroup-patient.js'
import type { WorkingSet } from '../ingest/working-set.js'
import type { Stores } from '../storage/database.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { KnownEvent } from '../storage/event-store.js'
import { Overtaken } from '../storage/overtaken.js'
import type { ReviewPair } from '../storage/review-store.js'
import { createKnownSet } from './known-set.js'
import { lockPatients, type LockedPatients } from './locked-patients.js'
import { compareGroups, keepRegrouped } from './merge-patients.js'
import { ReviewRefused } from './review-refusal.js'
import { tellDestinations } from './tell-destinations.js'

/** What a decision, or its undoing, changes. */
export interface ReviewEffect {
  /** Event groups of the patient. */
  groupsBefore: number
  groupsAfter: number
  /** Records that count for their event now and did not before. */
  newSurvivors: number
  /** Deliveries that were planned. */
  deliveries: number
}

export interface ReviewDeps extends RegroupDeps {
  destinations: readonly Wanting[]
  auditChainId: string
}

export interface LockedCase {
  pair: ReviewPair
  locked: LockedPatients
}

export type LockedPair = LockedCase & { pair: ReviewPair & { recordB: string } }

/** What is still to be written, and what it changes. */
export interface Settled {
  set: WorkingSet
  effect: ReviewEffect
}

/** False where the question is about one record. */
export function isPair(found: LockedCase): found is LockedPair {
  return found.pair.recordB !== null
}

/**
 * The case, with its patient locked: nothing of that patient comes or goes from here on.
 * @throws ReviewRefused for one that is not known, Overtaken when it went to another patient meanwhile
 */
export async function lockCase(pairId: string, stores: Stores): Promise<LockedCase> {
  const seen = await stores.reviews.findPair(pairId)
  if (seen === undefined) throw unknownPair()
  const locked = await lockPatients([seen.patientKey], stores)
  const pair = await stores.reviews.findPair(pairId)
  if (pair === undefined) throw unknownPair()
  if (pair.patientKey !== seen.patientKey) throw new Overtaken('a pair of records')
  return { pair, locked }
}

/** `decision`: what holds for the pair from now on. The groups are written, the set is handed back to be written. */
export async function regroupPair(
  { pair, locked }: LockedPair,
  decision: PairDecision,
  stores: Stores,
  deps: ReviewDeps
): Promise<Settled & { after: readonly KnownEvent[] }> {
  const { patientKey, recordA, recordB } = pair
  const { events, heads, lanes } = locked
  const others = locked.decisions.filter((one) => one.recordA !== recordA || one.recordB !== recordB)
  const decisions = [...others, decision]
  const set = createKnownSet({ heads, lanes, events, decisions }, stores, deps.newId)
  const regrouped = regroupKnown({ patientKey, known: events, decisions, touched: [recordA, recordB] }, deps)
  keepRegrouped(patientKey, regrouped, set)
  const after = regrouped.events
  // Also where the groups stay as they are: what was open counted as one vaccination, and is two from now on.
  const deliveries = await tellDestinations({ before: events, after, patientKeys: [patientKey] }, set, deps)
  return { set, after, effect: { ...compareGroups(events, after), deliveries } }
}

/** A decision that says nothing of vaccinations: groups stay as they are, nobody is told. */
export function leaveGroups({ locked }: LockedCase, stores: Stores, { newId }: ReviewDeps): Settled {
  const { events } = locked
  return { set: createKnownSet(locked, stores, newId), effect: { ...compareGroups(events, events), deliveries: 0 } }
}

/** One entry for each record, so that the trail of either tells it. */
export function auditCase(
  { recordA, recordB, patientKey }: ReviewPair,
  entry: { at: Date; actor: string; action: string; detail: Record<string, unknown> },
  set: Pick<WorkingSet, 'addAudit'>
): void {
  for (const recordId of [recordA, ...(recordB === null ? [] : [recordB])])
    set.addAudit({ ...entry, recordId, patientKey })
}

function unknownPair(): ReviewRefused {
  return new ReviewRefused('unknown-pair', 'there is no such pair of records; imms duplicates list shows them')
}

// A reviewer decides whether two records are one vaccination, and takes a decision back.
import type { Stores } from '../storage/database.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { KnownEvent } from '../storage/event-store.js'
import type { ReviewChoice, ReviewDecision, ReviewPair } from '../storage/review-store.js'
import { auditPair, lockPair, regroupPair, type ReviewDeps, type ReviewEffect } from './regroup-pair.js'
import { ReviewRefused } from './review-refusal.js'

export interface DecideRequest {
  pairId: string
  choice: ReviewChoice
  actor: string
  reason: string
}

export interface UndoRequest {
  decisionId: string
  actor: string
  reason: string
}

export interface Decided {
  pairId: string | null
  decision: ReviewDecision
  /** Null for a repeat of what was done already. */
  effect: ReviewEffect | null
}

/**
 * Inside a transaction. The same person saying the same again is answered as before; a decision that is outdated is
 * replaced. `wrong-patient` keeps the two apart as `distinct` does, and the pair stays on the list until one of the
 * records has left the patient.
 * @throws ReviewRefused for a pair that is not known or is decided, where another decision keeps the two apart, or
 * the same for two records that are kept under two patients
 */
export async function decidePair(request: DecideRequest, stores: Stores, deps: ReviewDeps): Promise<Decided> {
  const found = await lockPair(request.pairId, stores)
  const { pair } = found
  if (request.choice === 'same' && isAcrossPatients(found)) throw patientsDiffer()
  const standing = (await stores.reviews.listDecisions(pair)).find(({ undoneAt }) => undoneAt === null)
  if (standing !== undefined && isRepeat(standing, request))
    return { pairId: pair.pairId, decision: standing, effect: null }
  if (standing !== undefined) await replace(standing, pair, request, stores, deps)
  else if (pair.decidedBy !== 'system') throw decidedAlready('')

  const { decision, verdict } = makeDecision(request, pair, deps)
  const { set, after, effect } = await regroupPair(found, verdict, stores, deps)
  if (request.choice === 'same' && !areTogether(pair, after)) throw separated()
  await stores.reviews.insert(decision)
  await stores.decisions.write([verdict])
  const { decisionId, choice, reason, decidedBy: actor, decidedAt: at } = decision
  const detail = { decisionId, pairId: pair.pairId, choice, reason, ...effect }
  auditPair(pair, { at, actor, action: 'duplicate.decide', detail }, set)
  await set.write(deps.auditChainId)
  return { pairId: pair.pairId, decision: { ...decision, undoneAt: null, undoneBy: null, undoneReason: null }, effect }
}

/**
 * Inside a transaction: the system's own verdict stands again.
 * @throws ReviewRefused for a decision that is not known, or was undone by somebody else or for another reason
 */
export async function undoDecision(request: UndoRequest, stores: Stores, deps: ReviewDeps): Promise<Decided> {
  const { decisionId, actor, reason } = request
  const known = await stores.reviews.findDecision(decisionId)
  if (known === undefined)
    throw new ReviewRefused('unknown-decision', 'there is no such decision; imms duplicates show <pair> lists them')
  if (known.undoneAt !== null || known.pairId === null) return undoneBefore(known, request)

  const found = await lockPair(known.pairId, stores)
  const at = deps.now()
  if (!(await stores.reviews.undo(decisionId, { at, by: actor, reason })))
    return undoneBefore((await stores.reviews.findDecision(decisionId)) ?? known, request)
  const { pair } = found
  await stores.decisions.release(pair, at)
  const open: PairDecision = { ...pair, outcome: 'possible', decidedBy: 'system', decidedAt: at }
  const { set, effect } = await regroupPair(found, open, stores, deps)
  const detail = { decisionId, pairId: pair.pairId, choice: known.choice, reason, ...effect }
  auditPair(pair, { at, actor, action: 'duplicate.undo', detail }, set)
  await set.write(deps.auditChainId)
  const { pairId, ...decision } = { ...known, undoneAt: at, undoneBy: actor, undoneReason: reason }
  return { pairId, decision, effect }
}

function isRepeat(standing: ReviewDecision, { choice, actor, reason }: DecideRequest): boolean {
  return standing.choice === choice && standing.decidedBy === actor && standing.reason === reason
}

async function replace(
  standing: ReviewDecision,
  pair: ReviewPair,
  { actor, reason }: DecideRequest,
  stores: Stores,
  { now }: ReviewDeps
): Promise<void> {
  if (pair.state !== 'outdated') throw decidedAlready(` (decision ${standing.decisionId})`)
  const at = now()
  await stores.reviews.undo(standing.decisionId, { at, by: actor, reason: `decided anew: ${reason}` })
  await stores.decisions.release(pair, at)
}

// Rule, score and features stay those of the question: what the reviewer saw.
function makeDecision(
  { choice, actor, reason }: DecideRequest,
  pair: ReviewPair,
  { newId, now }: ReviewDeps
): { decision: Omit<ReviewDecision, 'undoneAt' | 'undoneBy' | 'undoneReason'>; verdict: PairDecision } {
  const { recordA, recordB, patientKey, rule, score, features, rulesVersion } = pair
  const by = { decidedBy: actor, decidedAt: now(), rulesVersion }
  return {
    decision: { decisionId: newId(), recordA, recordB, choice, reason, ...by },
    verdict: {
      recordA,
      recordB,
      patientKey,
      outcome: choice === 'same' ? 'same' : 'distinct',
      rule,
      score,
      features,
      ...by
    }
  }
}

function areTogether({ recordA, recordB }: ReviewPair, after: readonly KnownEvent[]): boolean {
  const groupOf = (recordId: string): string | undefined => after.find((event) => event.recordId === recordId)?.groupId
  return groupOf(recordA) === groupOf(recordB)
}

function undoneBefore(
  { pairId, ...decision }: ReviewDecision & { pairId: string | null },
  { actor, reason }: UndoRequest
): Decided {
  if (decision.undoneBy !== actor || decision.undoneReason !== reason)
    throw new ReviewRefused(
      'decision-undone',
      'this decision was undone before; imms duplicates show <pair> tells by whom'
    )
  return { pairId, decision, effect: null }
}

function decidedAlready(which: string): ReviewRefused {
  return new ReviewRefused('pair-decided', `this pair is decided already${which}; undo that first`)
}

// Every record of the patient is locked; one that is not is another's.
function isAcrossPatients({ pair, locked }: Awaited<ReturnType<typeof lockPair>>): boolean {
  const own = new Set(locked.heads.map(({ recordId }) => recordId))
  return !own.has(pair.recordA) || !own.has(pair.recordB)
}

function patientsDiffer(): ReviewRefused {
  const text =
    'the two are kept under two patients, because the NHS number of one of them is missing or not traced; have its ' +
    'supplier correct the number (PUT), or merge the numbers (imms patients merge): then they are compared anew'
  return new ReviewRefused('patients-differ', text)
}

function separated(): ReviewRefused {
  const text =
    'the two cannot be joined: a reviewer keeps one of them apart from a record that the other belongs to, or one of ' +
    'them no longer counts; undo that decision first, or mend the record'
  return new ReviewRefused('pair-separated', text)
}

// A reviewer decides what was asked about records, and takes a decision back.
import { attachKnown } from '../elsewhere/attach-known.js'
import type { Stores } from '../storage/database.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { KnownEvent } from '../storage/event-store.js'
import {
  REVIEW_CHOICES,
  type NewDecision,
  type ReviewChoice,
  type ReviewDecision,
  type ReviewPair
} from '../storage/review-store.js'
import {
  auditCase,
  isPair,
  leaveGroups,
  lockCase,
  regroupPair,
  type LockedCase,
  type LockedPair,
  type ReviewDeps,
  type ReviewEffect,
  type Settled
} from './regroup-pair.js'
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
 * replaced. `wrong-patient` keeps two apart as `distinct` does, and the case stays on the list until a record has left
 * the patient; a record that may be another patient's is not changed by us: whoever sent it corrects its patient.
 * @throws ReviewRefused for a case that is not known, is decided, or is decided by other words; where another decision
 * keeps the two apart, or the same for two records that are kept under two patients
 */
export async function decidePair(request: DecideRequest, stores: Stores, deps: ReviewDeps): Promise<Decided> {
  const found = await lockCase(request.pairId, stores)
  const { pair } = found
  if (!isFit(request.choice, pair)) throw unfit(pair)
  if (request.choice === 'same' && isPair(found) && isAcrossPatients(found)) throw patientsDiffer()
  const standing = (await stores.reviews.listDecisions(pair.pairId)).find(({ undoneAt }) => undoneAt === null)
  if (standing !== undefined && isRepeat(standing, request))
    return { pairId: pair.pairId, decision: standing, effect: null }
  if (standing !== undefined) await replace(standing, pair, request, stores, deps)
  else if (pair.decidedBy !== 'system') throw decidedAlready('')

  const decision = makeDecision(request, pair, deps)
  const { set, effect } = isPair(found)
    ? await settlePair(found, decision, stores, deps)
    : await settleAlone(
        found,
        { by: decision.decidedBy, at: decision.decidedAt, choice: decision.choice },
        stores,
        deps
      )
  await stores.reviews.insert(pair.pairId, decision)
  const { decisionId, choice, reason, decidedBy: actor, decidedAt: at } = decision
  const { pairId, recordA, recordB } = pair
  auditCase(
    pair,
    { at, actor, action: 'duplicate.decide', detail: { decisionId, pairId, choice, reason, ...effect } },
    set
  )
  await set.write(deps.auditChainId)
  return {
    pairId,
    decision: { ...decision, recordA, recordB, undoneAt: null, undoneBy: null, undoneReason: null },
    effect
  }
}

async function settlePair(
  found: LockedPair,
  decision: NewDecision,
  stores: Stores,
  deps: ReviewDeps
): Promise<Settled> {
  const verdict = verdictOf(decision, found.pair)
  const { set, after, effect } = await regroupPair(found, verdict, stores, deps)
  if (decision.choice === 'same' && !areTogether(found.pair, after)) throw separated()
  await stores.decisions.write([verdict])
  return { set, effect }
}

/** `choice` undefined: it is open again. None of our groups changes. */
async function settleAlone(
  found: LockedCase,
  { by, at, choice }: { by: string; at: Date; choice?: ReviewChoice },
  stores: Stores,
  deps: ReviewDeps
): Promise<Settled> {
  const { pairId, kind, patientKey } = found.pair
  if (kind === 'patient') await stores.doubts.setDecided(pairId, { by, at })
  else {
    const outcome = choice === undefined ? 'possible' : choice === 'same' ? 'same' : 'distinct'
    await stores.elsewherePairs.setDecided(pairId, { outcome, by, at })
    const records = await stores.elsewhere.findOfPatient(patientKey)
    await attachKnown({ patientKey, before: records, records }, stores, deps)
  }
  return leaveGroups(found, stores, deps)
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

  const found = await lockCase(known.pairId, stores)
  const at = deps.now()
  if (!(await stores.reviews.undo(decisionId, { at, by: actor, reason })))
    return undoneBefore((await stores.reviews.findDecision(decisionId)) ?? known, request)
  const { pair } = found
  const { set, effect } = isPair(found)
    ? await reopenPair(found, at, stores, deps)
    : await settleAlone(found, { by: 'system', at }, stores, deps)
  const detail = { decisionId, pairId: pair.pairId, choice: known.choice, reason, ...effect }
  auditCase(pair, { at, actor, action: 'duplicate.undo', detail }, set)
  await set.write(deps.auditChainId)
  const { pairId, ...decision } = { ...known, undoneAt: at, undoneBy: actor, undoneReason: reason }
  return { pairId, decision, effect }
}

async function reopenPair(found: LockedPair, at: Date, stores: Stores, deps: ReviewDeps): Promise<Settled> {
  await stores.decisions.release(found.pair, at)
  const open: PairDecision = { ...found.pair, outcome: 'possible', decidedBy: 'system', decidedAt: at }
  return regroupPair(found, open, stores, deps)
}

function isFit(choice: ReviewChoice, { kind }: ReviewPair): boolean {
  const fit: readonly ReviewChoice[] = REVIEW_CHOICES[kind]
  return fit.includes(choice)
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
  if (pair.recordB !== null) await stores.decisions.release({ ...pair, recordB: pair.recordB }, at)
}

function makeDecision(
  { choice, actor, reason }: DecideRequest,
  { rulesVersion }: ReviewPair,
  { newId, now }: ReviewDeps
): NewDecision {
  return { decisionId: newId(), choice, reason, decidedBy: actor, decidedAt: now(), rulesVersion }
}

// Rule, score and features stay those of the question: what the reviewer saw.
function verdictOf({ choice, decidedBy, decidedAt }: NewDecision, pair: LockedPair['pair']): PairDecision {
  const { recordA, recordB, patientKey, rule, score, features, rulesVersion } = pair
  const outcome = choice === 'same' ? 'same' : 'distinct'
  return { recordA, recordB, patientKey, outcome, rule, score, features, rulesVersion, decidedBy, decidedAt }
}

function areTogether({ recordA, recordB }: LockedPair['pair'], after: readonly KnownEvent[]): boolean {
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
function isAcrossPatients({ pair, locked }: LockedPair): boolean {
  const own = new Set(locked.heads.map(({ recordId }) => recordId))
  return !own.has(pair.recordA) || !own.has(pair.recordB)
}

function unfit({ kind }: ReviewPair): ReviewRefused {
  const asked = {
    pair: 'whether two records are one vaccination',
    elsewhere: 'whether a record elsewhere is this vaccination',
    patient: 'whether a record is filed under the wrong patient'
  }
  return new ReviewRefused(
    'choice-unfit',
    `what is asked here is ${asked[kind]}; say ${REVIEW_CHOICES[kind].join(' or ')}`
  )
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

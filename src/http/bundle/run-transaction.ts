// A transaction Bundle: every entry or none, in one transaction of the database.
import { sha256 } from '../../fhir/content-hash.js'
import type { Issue } from '../../fhir/issue.js'
import { toOperationOutcome } from '../../fhir/operation-outcome.js'
import type { Submission, Verdict } from '../../ingest/submission.js'
import type { Stores } from '../../storage/database.js'
import {
  answerError,
  answerVerdict,
  joinEntry,
  joinResponse,
  placeIssues,
  type ContainedPlaces
} from './answer-entry.js'
import type { BundleAnswer, BundleDeps, BundleSender } from './bundle-deps.js'
import { planTransaction, type TransactionPlan } from './plan-transaction.js'
import type { BundleRequest } from './read-bundle.js'
import { describeSupporting, keepProvenances } from './supporting-entries.js'

/** Runs in the transaction that ends the work, be it done or refused. */
export type Finish = (stores: Stores, answer: BundleAnswer) => Promise<void>

/** @throws FhirError 409 and 503 when it was not tried to its end */
export async function runTransaction(
  bundle: BundleRequest,
  sender: BundleSender,
  deps: BundleDeps,
  finish: Finish = () => Promise.resolve()
): Promise<BundleAnswer> {
  const plan = planTransaction(bundle, sender, deps)
  const submissions = plan.writes.map(({ write }): Submission => ({ ...write, ...senderOf(sender) }))
  try {
    const outcome = await deps.together.accept(submissions, async (verdicts, stores) => {
      if (plan.refused.size > 0) throw new Faulty(new Map())
      const text = await conclude(bundle, sender, deps, plan, verdicts, stores)
      await finish(stores, { status: 200, text })
      return text
    })
    if (outcome.kind === 'done') return { status: 200, text: outcome.result }
    return await refuse(bundle, sender, deps, collect(plan, outcome.verdicts), finish)
  } catch (error) {
    if (error instanceof Faulty) return refuse(bundle, sender, deps, collect(plan, [], error.reads), finish)
    throw error
  }
}

/** Ends a transaction that its own entries refuse. `reads`: what was wrong with those that read. */
class Faulty extends Error {
  constructor(readonly reads: ReadonlyMap<number, Fault>) {
    super('faulty entries')
    this.name = 'Faulty'
  }
}

interface Fault {
  status: number
  issues: readonly Issue[]
}

function senderOf({ caller, requestId, receivedAt }: BundleSender) {
  return { caller, requestId, receivedAt }
}

async function conclude(
  bundle: BundleRequest,
  { caller, prefer }: BundleSender,
  deps: BundleDeps,
  plan: TransactionPlan,
  verdicts: readonly Verdict[],
  stores: Stores
): Promise<string> {
  const base = deps.base()
  const texts = new Map<number, string>()
  plan.writes.forEach(({ index, places }, place) => {
    const verdict = verdicts[place]
    if (verdict === undefined) throw new Error('an entry was given no verdict')
    const issues = placeIssues(verdict.issues, index, places)
    texts.set(index, joinEntry(answerVerdict({ ...verdict, issues }, prefer.return), base))
  })
  await keepProvenances(plan, verdicts, stores)
  for (const [index, issue] of describeSupporting(plan))
    texts.set(index, joinEntry({ status: 200, issues: [issue] }, base))
  const history = deps.historyOn(stores.history)
  const faults = new Map<number, Fault>()
  for (const { index, read } of plan.reads) {
    const answer = await read(history, caller, { base, lenient: prefer.handling === 'lenient' }).catch(answerError)
    if (answer.status >= 400) faults.set(index, answer)
    texts.set(index, joinEntry(answer, base))
  }
  if (faults.size > 0) throw new Faulty(faults)
  return joinResponse(
    'transaction',
    bundle.entries.map(({ index }) => texts.get(index) ?? '')
  )
}

/** Every issue of every bad entry, in the order of the entries. */
function collect(
  plan: TransactionPlan,
  verdicts: readonly Verdict[],
  reads: ReadonlyMap<number, Fault> = new Map()
): Fault[] {
  const faults = new Map<number, Fault>()
  const add = (index: number, fault: Fault, places?: ContainedPlaces): void => {
    const before = faults.get(index)
    const issues = [...(before?.issues ?? []), ...placeIssues(fault.issues, index, places)]
    if (fault.status >= 400) faults.set(index, { status: before?.status ?? fault.status, issues })
  }
  for (const [index, fault] of plan.refused) add(index, fault)
  plan.writes.forEach(({ index, places }, place) => {
    const verdict = verdicts[place]
    if (verdict !== undefined) add(index, verdict, places)
  })
  for (const [index, fault] of reads) add(index, fault)
  return [...faults].sort(([a], [b]) => a - b).map(([, fault]) => fault)
}

async function refuse(
  { text: body }: BundleRequest,
  { caller, requestId, receivedAt }: BundleSender,
  deps: BundleDeps,
  faults: readonly Fault[],
  finish: Finish
): Promise<BundleAnswer> {
  const statuses = new Set(faults.map(({ status }) => status))
  const [only = 400] = statuses
  const status = statuses.size === 1 ? only : 400
  const issues = faults.flatMap((fault) => fault.issues)
  const errors = issues.filter(({ severity }) => severity === 'error' || severity === 'fatal')
  const remarks = issues.filter((issue) => !errors.includes(issue))
  const outcome = JSON.stringify(toOperationOutcome([...errors, ...remarks]))
  const answer = { status, text: outcome }
  const kept = {
    receivedAt,
    supplier: caller.client,
    requestId,
    httpStatus: status,
    rules: [...new Set(errors.map(({ rule }) => rule))],
    payloadSha256: sha256(body),
    body,
    outcome
  }
  await deps.together.keepRefused(kept, (stores) => finish(stores, answer))
  return answer
}

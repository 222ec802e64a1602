// A batch Bundle: every entry by itself, whatever happens to the others.
import { findReferences } from '../../fhir/json-parts.js'
import { refusalOf } from '../../ingest/keep-refused.js'
import type { Submission, Verdict } from '../../ingest/submission.js'
import type { Alongside, Together } from '../../ingest/together.js'
import { answerError, answerVerdict, joinEntry, joinResponse, placeIssues, type EntryAnswer } from './answer-entry.js'
import type { BundleAnswer, BundleDeps, BundleSender } from './bundle-deps.js'
import { unresolvedReference } from './fold-entries.js'
import { planEntry, WRITE_ORDER, type EntryPlan } from './plan-entry.js'
import type { BundleEntry, BundleRequest } from './read-bundle.js'

/** Settles one write; gives what `answer` makes of its verdict. */
export type SettleEntry = (
  index: number,
  submission: Submission,
  answer: (verdict: Verdict) => string
) => Promise<string>

/** Deletes first, then creates, then updates, each kind at once; reads last. Never rejects because of one entry. */
export async function runBatch(bundle: BundleRequest, sender: BundleSender, deps: BundleDeps): Promise<BundleAnswer> {
  const settle: SettleEntry = async (_index, submission, answer) => answer(await settleNow(submission, deps))
  const entries = planBatch(bundle, sender, deps)
  const texts = new Map<number, string>()
  for (const phase of [0, 1, 2]) {
    const settled = entries
      .filter(({ order }) => order === phase)
      .map(async (entry): Promise<void> => {
        texts.set(entry.index, await entry.answer(settle))
      })
    await Promise.all(settled)
  }
  for (const entry of entries) if (!texts.has(entry.index)) texts.set(entry.index, await entry.answer(settle))
  return { status: 200, text: joinBatch(bundle, texts) }
}

export function joinBatch({ entries }: BundleRequest, texts: ReadonlyMap<number, string>): string {
  return joinResponse(
    'batch',
    entries.map(({ index }) => texts.get(index) ?? '')
  )
}

export interface BatchEntry {
  index: number
  /** 0 to 2 as {@link WRITE_ORDER}, 3 for what writes nothing. */
  order: number
  /** The entry of the answer as JSON text. */
  answer(settle: SettleEntry): Promise<string>
}

/** In the order of the Bundle. */
export function planBatch(bundle: BundleRequest, sender: BundleSender, deps: BundleDeps): BatchEntry[] {
  const { caller, requestId, receivedAt, prefer } = sender
  const base = deps.base()
  const lenient = prefer.handling === 'lenient'
  const options = { base, isTransaction: false, lenient }
  return bundle.entries.map((entry): BatchEntry => {
    const { index } = entry
    const plan = refuseReferences(entry, planEntry(entry, caller, options))
    const toText = (answer: EntryAnswer): string =>
      joinEntry({ ...answer, issues: placeIssues(answer.issues, index) }, base)
    switch (plan.kind) {
      case 'write': {
        const submission: Submission = { ...plan.write, caller, requestId, receivedAt }
        const answer = (verdict: Verdict): string => toText(answerVerdict(verdict, prefer.return))
        return { index, order: WRITE_ORDER[plan.write.kind], answer: (settle) => settle(index, submission, answer) }
      }
      case 'read': {
        const read = () => plan.read(deps.history, caller, { base, lenient }).catch(answerError)
        return { index, order: 3, answer: async () => toText(await read()) }
      }
      case 'supporting':
        throw new Error('a batch has no supporting entries')
      case 'refused':
        return { index, order: 3, answer: () => Promise.resolve(toText(plan)) }
    }
  })
}

// The entries of a batch know nothing of each other. http://hl7.org/fhir/R4/http.html#brules
function refuseReferences({ index, resource }: BundleEntry, plan: EntryPlan): EntryPlan {
  if (plan.kind !== 'write' || plan.write.kind === 'delete' || resource === undefined) return plan
  const issues = findReferences(resource.text)
    .filter(({ reference }) => /^urn:(?:uuid|oid):/i.test(reference))
    .map(({ path }) => unresolvedReference(`Bundle.entry[${index}].resource.${path}.reference`))
  return issues.length === 0 ? plan : { kind: 'refused', status: 400, issues }
}

async function settleNow(submission: Submission, { ingest }: BundleDeps): Promise<Verdict> {
  const [verdict] = await ingest.accept([submission])
  if (verdict === undefined) throw new Error('an entry was given no verdict')
  return verdict
}

/**
 * One write in a transaction of its own, with `alongside` in the transaction that ends it.
 * @throws FhirError 409 and 503 when it was not tried to its end
 */
export async function settleAlone(
  submission: Submission,
  together: Together,
  alongside: (verdict: Verdict) => Alongside = () => () => Promise.resolve()
): Promise<Verdict> {
  const outcome = await together.accept([submission], async ([verdict], stores) => {
    if (verdict === undefined) throw new Error('an entry was given no verdict')
    await alongside(verdict)(stores)
    return verdict
  })
  if (outcome.kind === 'done') return outcome.result
  const [refused] = outcome.verdicts
  if (refused === undefined) throw new Error('an entry was given no verdict')
  await together.keepRefused(refusalOf(submission, refused), alongside(refused))
  return refused
}

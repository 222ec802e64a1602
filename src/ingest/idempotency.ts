// Keys of callers: a write that is sent again under its key is answered as the first time, whichever process it meets.
// Only writes that were done are kept: a refusal has written nothing, and is judged anew.
import type { Issue, IssueCode } from '../fhir/issue.js'
import type { FoundAnswer, IdempotencyStore, KeptAnswer } from '../storage/idempotency-store.js'
import type { Submission, Verdict } from './submission.js'

/** What is answered without being settled, by submission. No round trip where nobody sent a key. */
export async function answerKnownKeys(
  submissions: readonly Submission[],
  store: IdempotencyStore
): Promise<Map<Submission, Verdict>> {
  const keyed = submissions.flatMap((submission) => {
    const { caller, idempotency } = submission
    return idempotency === undefined ? [] : [{ submission, client: caller.client, ...idempotency }]
  })
  const answers = new Map<Submission, Verdict>()
  if (keyed.length === 0) return answers
  const claimed = await store.claim(keyed)
  keyed.forEach(({ submission, requestSha256 }, index) => {
    const { isOurs, answer } = claimed[index] ?? { isOurs: false }
    const verdict = answer === undefined ? (isOurs ? undefined : inFlight()) : answerAgain(answer, requestSha256)
    if (verdict !== undefined) answers.set(submission, verdict)
  })
  return answers
}

/** What is kept of a verdict for the next time; undefined where there is no key or nothing was done. */
export function answerToKeep({ caller, idempotency }: Submission, verdict: Verdict): KeptAnswer | undefined {
  if (idempotency === undefined || verdict.record === undefined || verdict.status >= 300) return undefined
  const { recordId, version } = verdict.record
  const { status, issues } = verdict
  return { client: caller.client, ...idempotency, status, issues: JSON.stringify(issues), recordId, version }
}

/** Runs one write of a key at a time in this process; another with the same key is told so. */
export function createKeyGate(): (submission: Submission, run: () => Promise<Verdict>) => Promise<Verdict> {
  const held = new Set<string>()
  return async ({ caller, idempotency }, run) => {
    if (idempotency === undefined) return run()
    const name = `${caller.client}\n${idempotency.key}`
    if (held.has(name)) return inFlight()
    held.add(name)
    try {
      return await run()
    } finally {
      held.delete(name)
    }
  }
}

function answerAgain(answer: FoundAnswer, requestSha256: Buffer): Verdict {
  if (!answer.requestSha256.equals(requestSha256))
    return refusal(422, 'business-rule', 'idempotency-mismatch', MISMATCH)
  const { status, recordId, version, lastUpdated, body } = answer
  return {
    status,
    issues: JSON.parse(answer.issues) as Issue[],
    record: { recordId, version, lastUpdated, ...(body === undefined ? {} : { body }) },
    replayed: true
  }
}

function inFlight(): Verdict {
  return refusal(409, 'conflict', 'idempotency-in-flight', IN_FLIGHT)
}

function refusal(status: number, code: IssueCode, rule: string, text: string): Verdict {
  return { status, issues: [{ severity: 'error', code, layer: 'service', rule, text }] }
}

const MISMATCH =
  'this Idempotency-Key (or X-Request-ID) was used for another request in the last 24 hours; every request takes a key of its own'
const IN_FLIGHT = 'a request with this Idempotency-Key (or X-Request-ID) is being processed; send it again in a moment'

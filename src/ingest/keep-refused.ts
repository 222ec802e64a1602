// What is kept of a submission that was refused: all of it, as it was sent, with the answer it got.
import { sha256 } from '../fhir/content-hash.js'
import type { Issue } from '../fhir/issue.js'
import { toOperationOutcome } from '../fhir/operation-outcome.js'
import type { RefusedSubmission } from '../storage/refusal-store.js'
import type { Submission } from './submission.js'

/** Undefined for a delete: there is nothing to keep. */
export function refusalOf(
  submission: Submission,
  { status, issues }: { status: number; issues: readonly Issue[] }
): Omit<RefusedSubmission, 'submissionId'> | undefined {
  if (submission.kind === 'delete') return undefined
  const errors = issues.filter(({ severity }) => severity === 'error' || severity === 'fatal')
  const body = sentTextOf(submission)
  return {
    receivedAt: submission.receivedAt,
    supplier: submission.caller.client,
    requestId: submission.requestId,
    httpStatus: status,
    rules: [...new Set(errors.map(({ rule }) => rule))],
    payloadSha256: sha256(body),
    body,
    outcome: JSON.stringify(toOperationOutcome(issues))
  }
}

function sentTextOf(submission: Exclude<Submission, { kind: 'delete' }>): string {
  if (submission.kind === 'patch') return submission.patch.text
  return submission.payload.sentText ?? submission.payload.text
}

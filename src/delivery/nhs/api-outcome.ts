// What an answer of the NHS Immunisation FHIR API means, and what it said, without the patient.
// Source: sections 1.12 and 4.4 of reference/nhs-immunisation-fhir-api.md.
import type { OperationOutcome } from 'fhir/r4.js'
import type { DeliveryOutcome } from '../destination.js'
import { outcomeOfAnswer, outcomeOfFault } from '../transport/answer-outcome.js'
import type { FhirAnswer } from '../transport/fhir-client.js'
import type { Redact } from '../transport/receiver-text.js'
import type { ApiResult } from './immunization-api.js'

/** The delivery's outcome for a result that the conversation could not resolve. */
export function outcomeOfResult(result: ApiResult, isWrite: boolean, redact: Redact, now: Date): DeliveryOutcome {
  switch (result.kind) {
    case 'no-token':
      return result.outcome
    case 'fault':
      return outcomeOfFault(result.fault, isWrite)
    case 'answer':
      return outcomeOfFhirAnswer(result.answer, isWrite, redact, now)
  }
}

function outcomeOfFhirAnswer(answer: FhirAnswer, isWrite: boolean, redact: Redact, now: Date): DeliveryOutcome {
  const said = redact(readDiagnostics(answer))
  // One vaccine type we have no right to: this delivery is refused, the others of the destination go on.
  if (answer.status === 403 && /for vaccine type/i.test(said)) {
    return { kind: 'refused', status: 403, message: `answered 403: ${said}${NEXT_STEP}` }
  }
  return outcomeOfAnswer({ status: answer.status, retryAfter: answer.headers['retry-after'], said }, isWrite, now)
}

// The other deliveries of the type will be refused as well, so the cause is named and not only this one.
const NEXT_STEP =
  '; next: have NHS England grant the vaccine type to the application, then replay; or name the types it has in options.permissions'

/** True for both texts of a version that is not the stored one; they come as 400, not as 409 or 412. */
export function isVersionConflict(answer: FhirAnswer): boolean {
  return (
    answer.status === 400 &&
    /has changed since the last retrieve|version is inconsistent with the existing version/.test(
      readDiagnostics(answer)
    )
  )
}

/** A live record with the same identifier. */
export function isDuplicate(answer: FhirAnswer): boolean {
  return answer.status === 422 && findIssues(answer).some((issue) => issue.code === 'duplicate')
}

function readDiagnostics(answer: FhirAnswer): string {
  return findIssues(answer)
    .map((issue) => issue.diagnostics ?? issue.details?.text ?? issue.code)
    .join('; ')
}

function findIssues(answer: FhirAnswer): OperationOutcome['issue'] {
  if (answer.resource?.resourceType !== 'OperationOutcome') return []
  const outcome = answer.resource as unknown as Partial<OperationOutcome>
  return Array.isArray(outcome.issue) ? outcome.issue : []
}

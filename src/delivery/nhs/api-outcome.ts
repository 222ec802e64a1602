// What an answer of the NHS Immunisation FHIR API means, and what it said, without the patient.
// Source: sections 1.12 and 4.4 of reference/nhs-immunisation-fhir-api.md.
import type { DeliveryOutcome } from '../destination.js'
import type { FhirAnswer } from '../transport/fhir-client.js'
import { findIssues, outcomeOfResult, readDiagnostics } from '../transport/fhir-outcome.js'
import type { Redact } from '../transport/receiver-text.js'
import type { ApiResult } from './immunization-api.js'

/** The delivery's outcome for a result that the conversation could not resolve. */
export function outcomeOfApiResult(result: ApiResult, isWrite: boolean, redact: Redact, now: Date): DeliveryOutcome {
  const outcome = outcomeOfResult(result, isWrite, redact, now)
  // One vaccine type we have no right to: this delivery is refused, the others of the destination go on.
  if (outcome.kind === 'credentials' && outcome.status === 403 && /for vaccine type/i.test(outcome.message))
    return { ...outcome, kind: 'refused', message: `${outcome.message}${NEXT_STEP}` }
  return outcome
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

// What came of a call to a FHIR server that was no success, and what the server said of it.
import type { OperationOutcome } from 'fhir/r4.js'
import type { DeliveryOutcome } from '../destination.js'
import type { CallResult } from '../nhs/call-with-token.js'
import { outcomeOfAnswer, outcomeOfFault } from './answer-outcome.js'
import type { FhirAnswer } from './fhir-client.js'
import type { Redact } from './receiver-text.js'

/** `isWrite`: the call could have changed the receiver. */
export function outcomeOfResult(
  result: CallResult<FhirAnswer>,
  isWrite: boolean,
  redact: Redact,
  now: Date
): DeliveryOutcome {
  switch (result.kind) {
    case 'no-token':
      return result.outcome
    case 'fault':
      return outcomeOfFault(result.fault, isWrite)
    case 'answer': {
      const { status, headers } = result.answer
      const said = redact(readDiagnostics(result.answer))
      return outcomeOfAnswer({ status, retryAfter: headers['retry-after'], said }, isWrite, now)
    }
  }
}

/** Not redacted. */
export function readDiagnostics(answer: FhirAnswer): string {
  return findIssues(answer)
    .map(({ diagnostics, details, code }) => diagnostics ?? details?.text ?? code)
    .join('; ')
}

export function findIssues({ resource }: FhirAnswer): OperationOutcome['issue'] {
  if (resource?.resourceType !== 'OperationOutcome') return []
  const { issue } = resource as unknown as Partial<OperationOutcome>
  return Array.isArray(issue) ? issue : []
}

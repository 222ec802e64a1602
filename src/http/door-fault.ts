// An answer of the door itself, before any use case was asked.
import type { IssueCode } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'

export function doorFault(
  status: number,
  code: IssueCode,
  rule: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
  options?: ErrorOptions
): FhirError {
  return new FhirError(status, [{ severity: 'error', code, layer: 'service', rule, text }], headers, options)
}

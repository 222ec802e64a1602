// One fault, warning or remark about what was sent, before it becomes an entry of an OperationOutcome.

/** FHIR R4 issue-severity, http://hl7.org/fhir/R4/valueset-issue-severity.html */
export type IssueSeverity = 'fatal' | 'error' | 'warning' | 'information'

/** The part of FHIR R4 issue-type that the Hub uses, http://hl7.org/fhir/R4/valueset-issue-type.html */
export type IssueCode =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'security'
  | 'login'
  | 'forbidden'
  | 'processing'
  | 'not-supported'
  | 'duplicate'
  | 'not-found'
  | 'deleted'
  | 'too-long'
  | 'too-costly'
  | 'code-invalid'
  | 'extension'
  | 'conflict'
  | 'transient'
  | 'timeout'
  | 'throttled'
  | 'exception'
  | 'business-rule'
  | 'informational'

/**
 * Which judge raised the issue. Faults of `json` and `base` (FHIR R4 itself) are answered 400, faults of the others 422
 * unless an error class says otherwise.
 */
export type IssueLayer = 'json' | 'base' | 'profile' | 'programme' | 'identity' | 'duplicate' | 'service'

export interface Issue {
  severity: IssueSeverity
  code: IssueCode
  layer: IssueLayer
  /** Stable rule id, kebab-case, unique over the Hub: `r4-cardinality`, `batch-not-expired`, `same-event-linked`. */
  rule: string
  /** What was expected, what was found, what to do. Never a patient's data. */
  text: string
  /** Simple FHIRPath of the element, from the resource name: `Immunization.performer[0].actor`. */
  expression?: string[]
  /** For machines: points of a duplicate decision, programme file and version. Never a patient's data. */
  diagnostics?: string
}

/** True when at least one issue refuses the submission. */
export function refuses(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.severity === 'error' || issue.severity === 'fatal')
}

// Issues as a FHIR R4 OperationOutcome, and the error that carries them to the door.
import type { OperationOutcome, OperationOutcomeIssue } from 'fhir/r4.js'
import { ISSUE_RULE_SYSTEM } from './identifier-systems.js'
import type { Issue } from './issue.js'

/** At most this many issues are answered; a last one says how many were left out. */
export const MAX_ISSUES = 200

/** An OperationOutcome with one issue per fault, cut at {@link MAX_ISSUES} with a note. */
export function toOperationOutcome(issues: readonly Issue[]): OperationOutcome {
  const shown = issues.length > MAX_ISSUES ? issues.slice(0, MAX_ISSUES) : issues
  const outcome: OperationOutcome = { resourceType: 'OperationOutcome', issue: shown.map(toOutcomeIssue) }
  if (shown.length < issues.length) {
    outcome.issue.push({
      severity: 'information',
      code: 'too-long',
      details: {
        coding: [{ system: ISSUE_RULE_SYSTEM, code: 'issues-cut' }],
        text: `${issues.length - shown.length} more issues were found; mend these and send again to see the rest`
      }
    })
  }
  return outcome
}

function toOutcomeIssue(issue: Issue): OperationOutcomeIssue {
  return {
    severity: issue.severity,
    code: issue.code,
    details: { coding: [{ system: ISSUE_RULE_SYSTEM, code: issue.rule }], text: issue.text },
    ...(issue.diagnostics === undefined ? {} : { diagnostics: issue.diagnostics }),
    ...(issue.expression === undefined ? {} : { expression: issue.expression })
  }
}

/** An answer that stops this request. Owns its HTTP status, its issues and any header the status asks for. */
export class FhirError extends Error {
  constructor(
    readonly status: number,
    readonly issues: readonly Issue[],
    readonly headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions
  ) {
    super(issues.map((issue) => `${issue.rule}: ${issue.text}`).join('; '), options)
    this.name = 'FhirError'
  }
}

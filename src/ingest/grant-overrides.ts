// Which of the reasons that a record names its supplier may give.
import {
  CLIENT_WIDE_REASON,
  isOverrideReason,
  OVERRIDE_REASONS,
  type OverrideReason
} from '../fhir/override-reasons.js'
import type { Issue } from '../fhir/issue.js'
import type { RecordStatements } from '../programmes/record-statements.js'

/** The reasons that hold, and a warning for each tag that names one that is unknown or not granted. */
export function grantOverrides(
  { reasons }: RecordStatements,
  granted: ReadonlySet<OverrideReason>
): { overrides: OverrideReason[]; issues: Issue[] } {
  const overrides: OverrideReason[] = granted.has(CLIENT_WIDE_REASON) ? [CLIENT_WIDE_REASON] : []
  const issues: Issue[] = []
  for (const { reason, tagIndex } of reasons) {
    if (isOverrideReason(reason) && granted.has(reason)) overrides.push(reason)
    else issues.push(notTaken(isOverrideReason(reason), tagIndex))
  }
  return { overrides, issues }
}

function notTaken(isKnown: boolean, tagIndex: number): Issue {
  return {
    severity: 'warning',
    code: 'business-rule',
    layer: 'programme',
    rule: 'override-not-taken',
    expression: [`Immunization.meta.tag[${tagIndex}]`],
    text: isKnown
      ? 'this client may not give the reason of this tag, so nothing was overridden; ask the operator of the Hub to grant it'
      : `the tag names no reason that is known, so nothing was overridden; known are ${Object.keys(OVERRIDE_REASONS).join(', ')}`
  }
}

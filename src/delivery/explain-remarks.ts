// Warnings and information about a version: what its sender was answered, and what a terminology server said since.
import type { OperationOutcome } from 'fhir/r4.js'
import type { IssueSeverity } from '../fhir/issue.js'
import type { StoryVersion } from '../storage/ops-record-queries.js'

export interface Remark {
  /** When it was said: in the answer to the sender, or afterwards. */
  said: 'when accepted' | 'afterwards'
  severity: IssueSeverity
  rule: string
  text: string
}

export function explainRemarks({ outcome, terminology }: StoryVersion): Remark[] {
  const answered = outcome === null ? [] : (JSON.parse(outcome) as OperationOutcome).issue
  const waiting: Remark = {
    said: 'afterwards',
    severity: 'information',
    rule: 'terminology-waiting',
    text: 'the terminology server was not asked about its codes yet; nobody needs to do anything'
  }
  const isWaiting = terminology?.checkedAt === null && terminology.issues.length === 0
  return [
    ...answered.map(({ severity, details }): Remark => {
      const rule = details?.coding?.[0]?.code ?? ''
      return { said: 'when accepted', severity, rule, text: details?.text ?? '' }
    }),
    ...(terminology?.issues ?? []).map(({ severity, rule, text }): Remark => ({
      said: 'afterwards',
      severity,
      rule,
      text
    })),
    ...(isWaiting ? [waiting] : [])
  ]
}

// The checks that had nothing against a record, as remarks for who asks for all verdicts.
import type { Issue } from '../fhir/issue.js'
import type { CheckVerdict } from '../programmes/explain-check.js'

/** One remark for each check that could judge and had no fault to find. Drafts speak in shadow only. */
export function passedIssues(verdicts: readonly CheckVerdict[]): Issue[] {
  return verdicts
    .filter(({ verdict, programme }) => verdict === 'passed' && programme?.status !== 'draft')
    .map(({ check, rules, saw, source, certainty, origin }) => {
      const grounds = [
        ...(source === undefined ? [] : [`source: ${source}`]),
        ...(certainty === undefined ? [] : [`certainty ${certainty}`])
      ]
      return {
        severity: 'information',
        code: 'informational',
        layer: 'programme',
        rule: 'check-passed',
        text: [`${check} passed (${rules.join(', ')}): looked at ${saw}`, ...grounds].join('; '),
        diagnostics: origin
      }
    })
}

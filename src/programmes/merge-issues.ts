// Several files may say the same of one record: the worst severity wins, and the issue is given once.
import type { Issue, IssueSeverity } from '../fhir/issue.js'

const WEIGHTS: Readonly<Record<IssueSeverity, number>> = { information: 0, warning: 1, error: 2, fatal: 3 }

/** One issue per rule and elements, in the order they were first given; the diagnostics name every origin. */
export function mergeIssues(issues: readonly Issue[]): Issue[] {
  if (issues.length < 2) return [...issues]
  const merged = new Map<string, Issue>()
  for (const issue of issues) {
    const key = [issue.rule, ...(issue.expression ?? [])].join(' ')
    const before = merged.get(key)
    merged.set(key, before === undefined ? issue : combine(before, issue))
  }
  return [...merged.values()]
}

function combine(one: Issue, other: Issue): Issue {
  const worse = WEIGHTS[other.severity] > WEIGHTS[one.severity] ? other : one
  const origins = new Set([one.diagnostics, other.diagnostics].filter((text) => text !== undefined))
  return { ...worse, diagnostics: [...origins].join('; ') }
}

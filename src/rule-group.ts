// Rules that are explained together on the page of rules.
import type { IssueSeverity } from './fhir/issue.js'

export interface HubRule {
  id: string
  severity: IssueSeverity
  /** What is wrong, and what to do. */
  meaning: string
}

export interface HubRules {
  title: string
  intro: string
  rules: readonly HubRule[]
}

type Row = readonly [id: string, meaning: string, severity?: IssueSeverity]

/** Errors unless a row says otherwise. */
export function ruleGroup(title: string, intro: string, rows: readonly Row[]): HubRules {
  return { title, intro, rules: rows.map(([id, meaning, severity = 'error']) => ({ id, severity, meaning })) }
}

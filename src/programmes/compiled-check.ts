// An entry of a programme file, or a common check, ready to be asked: severity, override and origin applied.
import type { Issue } from '../fhir/issue.js'
import { CHECKS, type CommonCheck } from './check-catalogue.js'
import {
  isGiven,
  type Check,
  type CheckScope,
  type Finding,
  type Judge,
  type ProgrammeScope,
  type Subject
} from './check.js'
import { isWithin, type Period } from './day-range.js'
import type { Programme, ProgrammeCheck } from './programme.js'

/** Gives the issue of one check; undefined when it has nothing to say or does not apply. */
export type CompiledCheck = (subject: Subject) => Issue | undefined

interface Entry {
  severity: ProgrammeCheck['severity']
  overridableBy: string | undefined
  period: Period | undefined
  appliesTo: Check<never>['appliesTo']
  /** Where the check is written and what it rests on. */
  origin: string
}

export function compileProgrammeCheck(entry: ProgrammeCheck, scope: ProgrammeScope): CompiledCheck {
  const check = CHECKS[entry.check]
  // The schema of the file has held the params against the check's own schema.
  const judge = check.compile((entry.params ?? {}) as never, scope)
  const period = entry.from === undefined && entry.to === undefined ? undefined : periodOf(entry)
  return createCompiledCheck(judge, {
    severity: entry.severity,
    overridableBy: entry.overridableBy,
    period,
    appliesTo: check.appliesTo,
    origin: describeOrigin(entry, scope.programme)
  })
}

export function compileCommonCheck(entry: CommonCheck, scope: CheckScope): CompiledCheck {
  return createCompiledCheck(entry.check.compile({}, scope), {
    severity: entry.severity,
    overridableBy: entry.overridableBy,
    period: undefined,
    appliesTo: entry.check.appliesTo,
    origin: `common check ${entry.source}`
  })
}

function createCompiledCheck(judge: Judge, entry: Entry): CompiledCheck {
  return (subject) => {
    if (entry.appliesTo === 'given' && !isGiven(subject)) return undefined
    if (entry.period !== undefined && isWithin(subject.occurrence, entry.period) !== 'yes') return undefined
    const finding = judge(subject)
    return finding === undefined ? undefined : toIssue(finding, entry, subject)
  }
}

function toIssue(finding: Finding, entry: Entry, { overrides }: Subject): Issue {
  const reason = entry.overridableBy
  const isOverridden = reason !== undefined && overrides.includes(reason)
  const isUncertain = finding.restsOn === 'L'
  const severity = entry.severity === 'error' && (isOverridden || isUncertain) ? 'warning' : entry.severity
  return {
    severity,
    code: finding.code,
    layer: 'programme',
    rule: finding.rule,
    text: finding.text,
    expression: finding.expression,
    diagnostics: isOverridden ? `${entry.origin}; a warning by the reason ${reason}` : entry.origin
  }
}

function periodOf({ from = '0000-01-01', to }: ProgrammeCheck): Period {
  return to === undefined ? { from } : { from, to }
}

/** Where a check is written and what it rests on. */
export function describeOrigin({ check, source, certainty }: ProgrammeCheck, { id, version, file }: Programme): string {
  const grounds = [
    ...(source === undefined ? [] : [`source ${source}`]),
    ...(certainty === undefined ? [] : [`certainty ${certainty}`])
  ]
  return [`programme ${id} ${version} (${file})`, `check ${check}`, ...grounds].join(', ')
}

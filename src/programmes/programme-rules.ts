// Judging one record: the common checks, and the checks of every programme file that is for it.
import type { ImmunizationFacts } from '../fhir/immunization.js'
import type { Issue } from '../fhir/issue.js'
import { COMMON_CHECKS } from './check-catalogue.js'
import { isGiven, type Subject } from './check.js'
import { createCodeKnowledge } from './code-knowledge.js'
import { compileCommonCheck, type CompiledCheck } from './compiled-check.js'
import { isExactDay } from './day-range.js'
import { explainCommonCheck, explainProgrammeCheck, type CheckVerdict } from './explain-check.js'
import { ProgrammeFileError } from './file-schema.js'
import { lintProgrammes } from './lint-programmes.js'
import { mergeIssues } from './merge-issues.js'
import type { Programme } from './programme.js'
import { compileSelection, type CompiledProgramme } from './select-programmes.js'
import { createSubject, type JudgementContext } from './subject.js'
import type { VaccineCodes } from './vaccine-codes.js'

export interface ProgrammeVersion {
  id: string
  version: string
}

export interface Judgement {
  issues: Issue[]
  /** The active files that were applied. */
  programmes: ProgrammeVersion[]
  /** What draft files would have said: for metrics, never answered. */
  shadow: { issues: Issue[]; programmes: ProgrammeVersion[] }
}

export interface ProgrammeRules {
  /** Pure: the same facts and context give the same judgement. */
  judge(facts: ImmunizationFacts, context: JudgementContext): Judgement
  /** Every common check and every check of the files that are for the record, drafts last: what it saw and said. */
  explain(facts: ImmunizationFacts, context: JudgementContext): CheckVerdict[]
}

/**
 * Compiles the files once.
 * @throws ProgrammeFileError when they contradict one another: same id and version, overlapping periods of one vaccine
 * type without cohorts of their own, a product that is known for another vaccine type
 */
export function createProgrammeRules(programmes: readonly Programme[], vaccineCodes: VaccineCodes): ProgrammeRules {
  const problems = lintProgrammes(programmes, vaccineCodes)
  if (problems.length > 0) throw new ProgrammeFileError(problems)
  const codes = createCodeKnowledge(programmes, vaccineCodes)
  const common = COMMON_CHECKS.map((entry) => compileCommonCheck(entry, { codes }))
  const selectActive = compileSelection(programmes, 'active', codes)
  const selectDrafts = compileSelection(programmes, 'draft', codes)

  return {
    judge(facts, context) {
      const subject = createSubject(facts, context)
      const applied = selectActive(subject)
      const drafts = selectDrafts(subject)
      const issues = [...runChecks(common, subject), ...runProgrammes(applied, subject)]
      if (applied.length === 0 && facts.vaccineType !== undefined && isGiven(subject)) {
        issues.push(noProgramme(facts.vaccineType, subject))
      }
      return {
        issues: mergeIssues(issues),
        programmes: applied.map(versionOf),
        shadow: { issues: mergeIssues(runProgrammes(drafts, subject)), programmes: drafts.map(versionOf) }
      }
    },
    explain(facts, context) {
      const subject = createSubject(facts, context)
      const files = [...selectActive(subject), ...selectDrafts(subject)]
      return [
        ...COMMON_CHECKS.map((entry) => explainCommonCheck(entry, { codes }, subject)),
        ...files.flatMap(({ programme }) =>
          programme.checks.map((entry) => explainProgrammeCheck(entry, { programme, codes }, subject))
        )
      ]
    }
  }
}

function runProgrammes(programmes: readonly CompiledProgramme[], subject: Subject): Issue[] {
  return programmes.flatMap(({ checks }) => runChecks(checks, subject))
}

function runChecks(checks: readonly CompiledCheck[], subject: Subject): Issue[] {
  const issues: Issue[] = []
  for (const check of checks) {
    const issue = check(subject)
    if (issue !== undefined) issues.push(issue)
  }
  return issues
}

function noProgramme(vaccineType: string, { occurrence }: Subject): Issue {
  return {
    severity: 'warning',
    code: 'business-rule',
    layer: 'programme',
    rule: 'no-programme',
    expression: ['Immunization.occurrence.ofType(dateTime)', 'Immunization.protocolApplied[0].targetDisease'],
    text: isExactDay(occurrence)
      ? `no ${vaccineType} programme is in force on the day of vaccination, so only what holds for every vaccine was checked; check date and target diseases, nothing to do if they are right`
      : `a partial date does not tell which ${vaccineType} programme was in force, so only what holds for every vaccine was checked; send the full date if it is known`
  }
}

function versionOf({ programme: { id, version } }: CompiledProgramme): ProgrammeVersion {
  return { id, version }
}

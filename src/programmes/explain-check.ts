// Why a check spoke of a record, or why it did not: for people who ask, never on the path of accepting.
import type { Issue } from '../fhir/issue.js'
import { CHECKS, type CommonCheck } from './check-catalogue.js'
import { isGiven, type Check, type CheckScope, type ProgrammeScope, type Subject } from './check.js'
import { compileCommonCheck, compileProgrammeCheck, describeOrigin, type CompiledCheck } from './compiled-check.js'
import { describePeriod, isWithin } from './day-range.js'
import type { Ground } from './ground.js'
import { CHECK_NAMES, type Certainty, type CheckName, type Programme, type ProgrammeCheck } from './programme.js'

export interface CheckVerdict {
  check: CheckName
  /** Rule ids it can give. */
  rules: readonly string[]
  /** Undefined for a common check. */
  programme?: Pick<Programme, 'id' | 'version' | 'status' | 'file'>
  verdict: 'passed' | 'failed' | 'cannot tell' | 'not applicable'
  /** What was held against what. Never a patient's value. */
  saw: string
  /** Of a failed check. */
  issue?: Issue
  /** Title of the source it rests on, or the rule of the Hub's own list. */
  source?: string
  certainty?: Certainty
  /** Where the check is written, as in the diagnostics of an issue. */
  origin: string
}

export function explainProgrammeCheck(entry: ProgrammeCheck, scope: ProgrammeScope, subject: Subject): CheckVerdict {
  const check = CHECKS[entry.check]
  const { id, version, status, file, sources } = scope.programme
  const source = sources.find((one) => one.id === entry.source)?.title
  return {
    check: entry.check,
    rules: check.rules,
    programme: { id, version, status, file },
    ...(isOutOfTime(entry, subject)
      ? { verdict: 'not applicable', saw: `the day of vaccination: the check holds ${timeOf(entry)}` }
      : answer(
          compileProgrammeCheck(entry, scope),
          check,
          // The schema of the file has held the params against the check's own schema.
          check.look((entry.params ?? {}) as never, scope),
          subject
        )),
    ...(source === undefined ? {} : { source }),
    ...(entry.certainty === undefined ? {} : { certainty: entry.certainty }),
    origin: describeOrigin(entry, scope.programme)
  }
}

export function explainCommonCheck(entry: CommonCheck, scope: CheckScope, subject: Subject): CheckVerdict {
  const { check } = entry
  return {
    check: nameOf(check),
    rules: check.rules,
    ...answer(compileCommonCheck(entry, scope), check, check.look({}, scope), subject),
    source: `${entry.source} of the common checks`,
    origin: `common check ${entry.source}`
  }
}

function answer(
  compiled: CompiledCheck,
  { appliesTo }: Pick<Check<never>, 'appliesTo'>,
  look: (subject: Subject) => Ground,
  subject: Subject
): Pick<CheckVerdict, 'verdict' | 'saw' | 'issue'> {
  if (appliesTo === 'given' && !isGiven(subject))
    return { verdict: 'not applicable', saw: 'the status: no dose was given' }
  const { kind, saw } = look(subject)
  const issue = compiled(subject)
  if (issue !== undefined) return { verdict: 'failed', saw, issue }
  return { verdict: VERDICTS[kind], saw }
}

const VERDICTS = { enough: 'passed', 'too-little': 'cannot tell', nothing: 'not applicable' } as const

function isOutOfTime({ from, to }: ProgrammeCheck, { occurrence }: Subject): boolean {
  if (from === undefined && to === undefined) return false
  return isWithin(occurrence, { from: from ?? '0000-01-01', ...(to === undefined ? {} : { to }) }) !== 'yes'
}

function timeOf({ from, to }: ProgrammeCheck): string {
  return from === undefined ? `until ${to ?? ''}` : describePeriod({ from, ...(to === undefined ? {} : { to }) })
}

export function nameOf(check: Check<never> | CommonCheck['check']): CheckName {
  const name = CHECK_NAMES.find((one) => CHECKS[one] === check)
  if (name === undefined) throw new Error('the check is not in the catalogue of checks')
  return name
}

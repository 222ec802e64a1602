// Which programme files a record is judged by: those of its vaccine type in force on the day of vaccination, whatever
// the day of receipt.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Subject } from './check.js'
import type { CodeKnowledge } from './code-knowledge.js'
import { compileAudience, type Membership } from './cohort.js'
import { compileProgrammeCheck, type CompiledCheck } from './compiled-check.js'
import { isWithin } from './day-range.js'
import type { Programme } from './programme.js'

export interface CompiledProgramme {
  programme: Programme
  checks: readonly CompiledCheck[]
  audience: (subject: Subject) => Membership
}

/**
 * Compiles the files of one status into a selection.
 * Several files may be in force. Those of which the patient surely is judge then, all of them; where there is none, those
 * of which the patient may be; and where the patient is surely outside all of them, all judge, and say so.
 */
export function compileSelection(
  programmes: readonly Programme[],
  status: Programme['status'],
  codes: CodeKnowledge
): (subject: Subject) => readonly CompiledProgramme[] {
  const byType = new Map<VaccineType, CompiledProgramme[]>()
  for (const programme of programmes) {
    if (programme.status !== status) continue
    const files = byType.get(programme.vaccineType) ?? []
    byType.set(programme.vaccineType, [...files, compileProgramme(programme, codes)])
  }
  return (subject) => {
    const { vaccineType } = subject.facts
    const files = vaccineType === undefined ? undefined : byType.get(vaccineType)
    if (files === undefined) return []
    const inForce = files.filter(({ programme }) => isWithin(subject.occurrence, programme.effective) === 'yes')
    if (inForce.length < 2) return inForce
    const memberships = inForce.map(({ audience }) => audience(subject))
    const meant: Membership | undefined = (['in', 'unknown'] as const).find((one) => memberships.includes(one))
    return meant === undefined ? inForce : inForce.filter((_file, index) => memberships[index] === meant)
  }
}

function compileProgramme(programme: Programme, codes: CodeKnowledge): CompiledProgramme {
  return {
    programme,
    checks: programme.checks.map((entry) => compileProgrammeCheck(entry, { programme, codes })),
    audience: compileAudience(programme.cohorts ?? [])
  }
}

// What a record says for itself that is not a fact of the vaccination: reasons of its supplier, and what is known of the
// patient that FHIR has no element for.
import type { Immunization } from 'fhir/r4.js'
import { OVERRIDE_REASON_SYSTEM, PATIENT_FLAG_SYSTEM, SNOMED_SYSTEM } from '../fhir/identifier-systems.js'

export interface RecordStatements {
  /** Tags of `meta` with a reason, each with its place among the tags. */
  reasons: { reason: string; tagIndex: number }[]
  /** What is stated: PREGNANT is true, NOT_PREGNANT false; what is not stated is not known. */
  flags: Record<string, boolean>
}

const NOT = 'NOT_'
/** Reason codes of a vaccination that say something of the patient. 443684005 disease outbreak: reference 3.2. */
const FLAGS_BY_REASON_CODE: Readonly<Record<string, string>> = { '443684005': 'OUTBREAK_OR_TRAVEL' }

/** Every element must have its right type, but any may be absent. */
export function readStatements({ meta, programEligibility = [], reasonCode = [] }: Immunization): RecordStatements {
  const reasons = (meta?.tag ?? []).flatMap(({ system, code }, tagIndex) =>
    system === OVERRIDE_REASON_SYSTEM && code !== undefined ? [{ reason: code, tagIndex }] : []
  )
  const stated = programEligibility
    .flatMap(({ coding = [] }) => coding)
    .flatMap(({ system, code }) => (system === PATIENT_FLAG_SYSTEM && code !== undefined ? [code] : []))
  const implied = reasonCode
    .flatMap(({ coding = [] }) => coding)
    .flatMap(({ system, code = '' }) => (system === SNOMED_SYSTEM ? (FLAGS_BY_REASON_CODE[code] ?? []) : []))
  return { reasons, flags: readFlags([...stated, ...implied]) }
}

// Who says both of a thing has said nothing.
function readFlags(codes: readonly string[]): Record<string, boolean> {
  const opposite = (code: string): string => (code.startsWith(NOT) ? code.slice(NOT.length) : `${NOT}${code}`)
  return Object.fromEntries(
    codes
      .filter((code) => !codes.includes(opposite(code)))
      .map((code) => (code.startsWith(NOT) ? [opposite(code), false] : [code, true]))
  )
}

// The head of a record: what is current of it.
import type { VaccineType } from '../fhir/vaccine-types.js'

/** Where a record stands: the two differ while the number it was sent under is superseded by another. */
export interface PatientKeys {
  /** What everything about the patient is found by. */
  patientKey: string
  /** The patient of the NHS number that the current version gives. */
  numberKey: string
}

/** What is current of a record. */
export interface RecordHead extends PatientKeys {
  recordId: string
  /** The number that the current version gives; null where it gives none. */
  nhsNumber: string | null
  identifierSystem: string
  identifierValue: string
  /** Client name of the supplier that created it. */
  owner: string
  vaccineType: VaccineType
  status: 'completed' | 'entered-in-error' | 'not-done'
  version: number
  deleted: boolean
  /** YYYY-MM-DD, Europe/London. */
  occurrenceDay: string
  occurrenceFrom: Date
  contentSha256: Buffer
  clinicalSha256: Buffer
  lastUpdated: Date
}

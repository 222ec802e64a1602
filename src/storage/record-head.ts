// The head of a record: what is current of it.
import type { VaccineType } from '../fhir/vaccine-types.js'

/** What is current of a record. */
export interface RecordHead {
  recordId: string
  patientKey: string
  /** Null for a patient without a known NHS number. */
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

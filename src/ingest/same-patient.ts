// Is a record still sent for the patient it is kept under? Pure.
import type { RecordHead } from '../storage/record-head.js'
import type { Judged } from './judge.js'

/**
 * `same`: the same number, or another one of the same patient (one of them was superseded). `identified`: a patient that
 * had no number has got one. `other`: another number, or none where there was one.
 */
export type PatientChange = 'same' | 'identified' | 'other'

/** `patientKey`: the patient that the number sent leads to; undefined where none was sent. */
export function comparePatient(judged: Judged, patientKey: string | undefined, head: RecordHead): PatientChange {
  if (judged.facts.nhsNumber === undefined) return head.nhsNumber === null ? 'same' : 'other'
  if (head.nhsNumber === null) return 'identified'
  return patientKey === head.patientKey ? 'same' : 'other'
}

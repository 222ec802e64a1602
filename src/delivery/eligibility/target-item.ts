// The item of one patient and one target: which key it has, which of its fields are ours and what they hold.
// Source: NHSDigital/eligibility-signposting-api @d692378; section 6 of reference/deduplication-and-programmes.md.
import { createHmac } from 'node:crypto'
import type { EligibilityTotals } from '../destination.js'

/** Partition key of a patient: the store never holds an NHS number. */
export function patientItemKey(nhsNumber: string, hashSecret: string): string {
  return createHmac('sha512', hashSecret).update(nhsNumber).digest('hex')
}

export interface TargetFields {
  /** YYYYMMDD, null when no dose counts any more. */
  lastSuccessfulDate: string | null
  /** The store keeps counts as decimal strings. */
  successfulProcedureCount: string
  sourceVersion: number
  /** What the intervals and ages of the programme say; undefined where nobody judged. */
  doses?: { validDosesCount: string; invalidDosesCount: string; lastValidDoseDate: string | null }
}

/** A pure function of the patient's present event groups: computed again it gives the same, so replays do no harm. */
export function toTargetFields(totals: EligibilityTotals): TargetFields {
  const last = totals.eventDays.reduce((latest, day) => (day > latest ? day : latest), '')
  return {
    lastSuccessfulDate: last === '' ? null : compact(last),
    successfulProcedureCount: String(totals.eventDays.length),
    sourceVersion: totals.sourceVersion,
    ...(totals.doses === undefined ? {} : { doses: toDoseFields(totals.doses) })
  }
}

function toDoseFields({
  valid,
  invalid,
  lastValidDay
}: NonNullable<EligibilityTotals['doses']>): NonNullable<TargetFields['doses']> {
  return {
    validDosesCount: String(valid),
    invalidDosesCount: String(invalid),
    lastValidDoseDate: lastValidDay === undefined ? null : compact(lastValidDay)
  }
}

/** The store writes days as YYYYMMDD. */
function compact(day: string): string {
  return day.replaceAll('-', '')
}

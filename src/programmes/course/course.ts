// What is asked of a course of vaccinations, and what is answered: which doses count, and what comes next.
import type { VaccineType } from '../../fhir/vaccine-types.js'
import type { DayRange } from '../day-range.js'
import type { Programme } from '../programme.js'

/** One vaccination that took place, whoever reported it. */
export interface CourseEvent {
  /** Names it among those handed in. */
  id: string
  /** Days the occurrence can stand for. */
  occurrence: DayRange
  /** SNOMED CT codes of the target diseases. */
  antigens: readonly string[]
  /** Undefined for a set of diseases that no vaccine type has. */
  vaccineType?: VaccineType
  productCode?: string
  isSubpotent: boolean
  /** Last day of the batch. */
  expirationDate?: string
}

export interface Person {
  /** Days on which they can have been born; undefined when nothing is known, or what is known disagrees. */
  birth?: DayRange
  /** What is known beside the records: PREGNANT, RISK_GROUP ... Absent means cannot tell. */
  flags: Readonly<Record<string, boolean>>
}

/** Why a dose does not count, or what cannot be told of it. */
export type DoseReason =
  | 'below-minimum-age'
  | 'above-maximum-age'
  | 'interval-too-short'
  | 'outside-licence'
  | 'live-vaccines-too-close'
  | 'subpotent'
  | 'batch-expired'
  | 'beyond-course'
  | 'outside-cohort'
  | 'season-unclear'
  | 'no-programme'

export interface DoseEvaluation {
  /** Id of the event. */
  event: string
  status: 'valid' | 'not-valid' | 'cannot-tell'
  /** Of `not-valid` what speaks against it, of `cannot-tell` what is not known. */
  reasons: readonly DoseReason[]
  /** Whose course it was looked at in; undefined when no programme in force knows the vaccine. */
  programme?: Programme
  /** Number of the dose in the course, as the file counts. */
  doseNumber?: number
  /** Number of the last dose that this person surely needs. */
  lastDoseNumber?: number
}

/** `too-early`: until `due`; it may be given from `earliest` on. */
export type ForecastStatus = 'too-early' | 'due' | 'overdue' | 'complete' | 'not-eligible' | 'aged-out' | 'cannot-tell'

export type ForecastReason =
  | 'birth-date-unclear'
  | 'cohort-unclear'
  | 'dose-unclear'
  | 'outside-cohorts'
  | 'cohort-left'
  | 'too-late'
  | 'season-over'
  | 'more-for-some'

export interface Forecast {
  programme: Programme
  status: ForecastStatus
  reasons: readonly ForecastReason[]
  /** Names of what is not known and would decide, as the file names it: RISK_GROUP ... */
  openFlags: readonly string[]
  /** Of the next dose, as the file counts; undefined where there is none. */
  doseNumber?: number
  /** First day on which the next dose counts. All days are left out where they are not exactly known. */
  earliest?: string
  /** Day the schedule asks for. */
  due?: string
  overdue?: string
  /** Last day on which it is offered. */
  latest?: string
}

// The reasons of an immunisation status in words.
import type { DoseReason, ForecastReason } from '../programmes/course/course.js'

/** `code`: of HL7's immunization-evaluation-dose-status-reason, where one fits. */
export const DOSE_REASONS: Readonly<Record<DoseReason, { text: string; code?: 'outsidesched' | 'explot' }>> = {
  'below-minimum-age': { text: 'given before the least age for this dose', code: 'outsidesched' },
  'above-maximum-age': { text: 'given when the patient was too old for this dose', code: 'outsidesched' },
  'interval-too-short': { text: 'given too soon after the dose before', code: 'outsidesched' },
  'outside-licence': { text: 'the product is not licensed for this age' },
  'live-vaccines-too-close': { text: 'given too soon after another live vaccine', code: 'outsidesched' },
  subpotent: { text: 'the record says that the dose was not fully potent' },
  'batch-expired': { text: 'the batch had expired', code: 'explot' },
  'beyond-course': { text: 'the course was complete before this dose', code: 'outsidesched' },
  'outside-cohort': { text: 'the programme has no dose for this patient on that day' },
  'season-unclear': { text: 'a partial date does not tell which season the dose is of' },
  'no-programme': { text: 'no programme in force has this vaccine' }
}

export const FORECAST_REASONS: Readonly<Record<ForecastReason, string>> = {
  'birth-date-unclear': 'the date of birth is missing or not exact enough',
  'cohort-unclear': 'whether the programme is offered to this patient depends on what records do not say',
  'dose-unclear': 'whether an earlier dose counts cannot be told',
  'outside-cohorts': 'the programme is not offered to this patient on this day',
  'cohort-left': 'the programme was offered to this patient before and is not any more',
  'too-late': 'there is no day left on which the next dose may be given',
  'season-over': 'the season is over, or ends before the next dose may be given',
  'more-for-some': 'complete, unless the patient is in a group that has more doses'
}

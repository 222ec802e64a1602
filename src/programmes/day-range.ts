// Calendar days and how far they are known: a partial date stands for every day of its month or year.
import { parseFhirDateTime } from '../fhir/dates.js'

/** What is true of every day of a range is `yes`, of none `no`; otherwise nobody can tell. */
export type Answer = 'yes' | 'no' | 'unknown'

/** Days YYYY-MM-DD, both included; a fully known day is first and last at once. */
export interface DayRange {
  first: string
  last: string
}

/** A period of a programme file: both days included, without `to` it has no end yet. */
export interface Period {
  from: string
  to?: string
}

/** Reads a FHIR date or dateTime as London calendar days. Undefined for what is not one. */
export function parseDayRange(text: string): DayRange | undefined {
  const parsed = parseFhirDateTime(text)
  if (parsed === undefined) return undefined
  const first = parsed.londonDay
  switch (parsed.precision) {
    case 'day':
    case 'time':
      return { first, last: first }
    case 'month':
      return { first, last: lastDayOfMonth(first) }
    case 'year':
      return { first, last: `${first.slice(0, 4)}-12-31` }
  }
}

export function isExactDay(range: DayRange): boolean {
  return range.first === range.last
}

/** Whether the days lie before a day. */
export function isBefore(range: DayRange, day: string): Answer {
  if (range.last < day) return 'yes'
  return range.first >= day ? 'no' : 'unknown'
}

/** Whether the days lie in a period. */
export function isWithin(range: DayRange, period: Period): Answer {
  const end = period.to ?? '9999-12-31'
  if (range.first >= period.from && range.last <= end) return 'yes'
  return overlaps(range, period) ? 'unknown' : 'no'
}

/** Whether at least one of the days lies in a period. */
export function overlaps(range: DayRange, period: Period): boolean {
  return range.last >= period.from && (period.to === undefined || range.first <= period.to)
}

/** The range as a period. */
export function periodOf(range: DayRange): Period {
  return { from: range.first, to: range.last }
}

function lastDayOfMonth(day: string): string {
  const end = new Date(`${day.slice(0, 7)}-01T00:00:00Z`)
  end.setUTCMonth(end.getUTCMonth() + 1, 0)
  return end.toISOString().slice(0, 10)
}

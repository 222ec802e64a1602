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

const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/

/** Reads a FHIR date or dateTime as London calendar days. Undefined for what is not one. */
export function parseDayRange(text: string): DayRange | undefined {
  const match = DATE.exec(text)
  if (match === null) {
    const day = parseFhirDateTime(text)?.londonDay
    return day === undefined ? undefined : { first: day, last: day }
  }
  // Without a time there is no instant to place in London, which would cost most of the judgement of a record.
  const [, year = '', month, day] = match
  if (year === '0000') return undefined
  if (month === undefined) return { first: `${year}-01-01`, last: `${year}-12-31` }
  const length = monthLength(Number(year), Number(month))
  if (length === undefined) return undefined
  if (day === undefined) return { first: `${text}-01`, last: `${text}-${length}` }
  return Number(day) >= 1 && Number(day) <= length ? { first: text, last: text } : undefined
}

const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

/** Days of a month, counted from 1; undefined when there is no such month. */
export function monthLength(year: number, month: number): number | undefined {
  const isLeapFebruary = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return isLeapFebruary ? 29 : MONTH_LENGTHS[month - 1]
}

export function isExactDay(range: DayRange): boolean {
  return range.first === range.last
}

/** Whether the days lie before a day. */
export function isBefore(range: DayRange, day: string): Answer {
  if (range.last < day) return 'yes'
  return range.first >= day ? 'no' : 'unknown'
}

/** Whether the days lie after a day. */
export function isAfter(range: DayRange, day: string): Answer {
  if (range.first > day) return 'yes'
  return range.last <= day ? 'no' : 'unknown'
}

/** Whether the days lie in a period. */
export function isWithin(range: DayRange, period: Period): Answer {
  const end = period.to ?? '9999-12-31'
  if (range.first >= period.from && range.last <= end) return 'yes'
  return overlaps(range, period) ? 'unknown' : 'no'
}

/** "2026-09-01 to 2027-03-31", or "from 2026-09-01 on". */
export function describePeriod({ from, to }: Period): string {
  return to === undefined ? `from ${from} on` : `${from} to ${to}`
}

/** Whether at least one of the days lies in a period. */
export function overlaps(range: DayRange, period: Period): boolean {
  return range.last >= period.from && (period.to === undefined || range.first <= period.to)
}

// FHIR dates: partial ones, the instants they stand for, and the calendar day in the United Kingdom.

const DATE_TIME = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2}))?)?)?$/

export interface FhirDateTime {
  precision: 'year' | 'month' | 'day' | 'time'
  /** First instant that the text stands for; a day, month or year without a time begins at midnight in London. */
  from: Date
  /** Calendar day in Europe/London, YYYY-MM-DD; a partial date gives the first day it stands for. */
  londonDay: string
}

/**
 * Reads a FHIR date or dateTime.
 * Returns undefined for what is not one: wrong shape, an impossible calendar date or clock time, a time without offset.
 */
export function parseFhirDateTime(text: string): FhirDateTime | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [, year = '', month, day, hour, minute, second, fraction, offset] = match
  if (year === '0000' || !isCalendarDay(Number(year), Number(month ?? 1), Number(day ?? 1))) return undefined
  if (hour === undefined) {
    const londonDay = `${year}-${month ?? '01'}-${day ?? '01'}`
    const precision = day !== undefined ? 'day' : month !== undefined ? 'month' : 'year'
    return { precision, from: startOfLondonDay(londonDay), londonDay }
  }
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60 || !isOffset(offset ?? '')) return undefined
  const milliseconds = (fraction ?? '').padEnd(3, '0').slice(0, 3)
  const seconds = second === '60' ? '59' : second
  const from = new Date(`${year}-${month}-${day}T${hour}:${minute}:${seconds}.${milliseconds}${offset}`)
  if (second === '60') from.setTime(from.getTime() + 1000)
  return { precision: 'time', from, londonDay: londonDayOf(from) }
}

/**
 * The first instant after the span that a FHIR date or dateTime stands for. `timeMs`: how long a time stands for, in
 * milliseconds. Source: http://hl7.org/fhir/R4/search.html#date, checked 2026-11-22.
 */
export function endOfFhirDateTime({ precision, from, londonDay }: FhirDateTime, timeMs: number): Date {
  if (precision === 'time') return new Date(from.getTime() + timeMs)
  const next = new Date(`${londonDay}T00:00:00Z`)
  if (precision === 'year') next.setUTCFullYear(next.getUTCFullYear() + 1)
  else if (precision === 'month') next.setUTCMonth(next.getUTCMonth() + 1)
  else next.setUTCDate(next.getUTCDate() + 1)
  return next < END_OF_TIME ? startOfLondonDay(next.toISOString().slice(0, 10)) : END_OF_TIME
}

/** FHIR years have four digits. */
const END_OF_TIME = new Date('+010000-01-01T00:00:00Z')

/** True for a real day of the proleptic Gregorian calendar written YYYY-MM-DD. */
export function isFullDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && parseFhirDateTime(text) !== undefined
}

const LONDON = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23'
})

/** Calendar day in Europe/London of an instant, YYYY-MM-DD. */
export function londonDayOf(instant: Date): string {
  return new Date(instant.getTime() + londonOffsetMs(instant)).toISOString().slice(0, 10)
}

/** The instant at which a London calendar day (YYYY-MM-DD) begins. */
export function startOfLondonDay(day: string): Date {
  const utcMidnight = new Date(`${day}T00:00:00Z`)
  return new Date(utcMidnight.getTime() - londonOffsetMs(utcMidnight))
}

/** Whole days from one calendar day (YYYY-MM-DD) to another; negative when the second is earlier. */
export function daysBetween(fromDay: string, toDay: string): number {
  return dayNumber(toDay) - dayNumber(fromDay)
}

// Days since 1 March of the year 0, in which the day that leap years add comes last: Date.parse takes ten times as long,
// and deduplication asks this of every pair.
function dayNumber(day: string): number {
  const written = Number(day.slice(5, 7))
  const year = Number(day.slice(0, 4)) - (written <= 2 ? 1 : 0)
  const month = written <= 2 ? written + 9 : written - 3
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
  return year * 365 + leapDays + Math.floor((month * 153 + 2) / 5) + Number(day.slice(8, 10))
}

// Offset of London from UTC at an instant. Since 1972 it is 0, or one hour from the last Sunday of March to the last
// Sunday of October at 01:00 UTC; that rule is computed, older instants ask the time zone database.
function londonOffsetMs(instant: Date): number {
  const year = instant.getUTCFullYear()
  if (year >= 1996 && year <= 2100) {
    const summer = instant.getTime() >= lastSunday(year, 2) && instant.getTime() < lastSunday(year, 9)
    return summer ? 3_600_000 : 0
  }
  const parts = Object.fromEntries(LONDON.formatToParts(instant).map((part) => [part.type, part.value]))
  const wallClock = new Date(0)
  wallClock.setUTCFullYear(Number(parts['year']), Number(parts['month']) - 1, Number(parts['day']))
  wallClock.setUTCHours(Number(parts['hour']), Number(parts['minute']), Number(parts['second']))
  return wallClock.getTime() - Math.floor(instant.getTime() / 1000) * 1000
}

function lastSunday(year: number, monthIndex: number): number {
  const end = new Date(Date.UTC(year, monthIndex + 1, 0, 1))
  return end.getTime() - end.getUTCDay() * 86_400_000
}

function isCalendarDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
  return day <= days
}

function isOffset(offset: string): boolean {
  if (offset === 'Z') return true
  const hours = Number(offset.slice(1, 3))
  return (hours < 14 && Number(offset.slice(4)) <= 59) || offset.slice(1) === '14:00'
}

// Ages and intervals of programme files (P16W, P3Y4M, P91D) on calendar days.
import { monthLength, type Answer, type DayRange } from './day-range.js'

/** Weeks are kept as seven days each. */
export interface Age {
  years: number
  months: number
  days: number
}

const AGE = /^P(?=\d)(\d{1,3}Y)?(\d{1,3}M)?(\d{1,3}W)?(\d{1,4}D)?$/

export function isAge(text: string): boolean {
  return AGE.test(text)
}

/**
 * Reads years, months, weeks and days in the order of ISO 8601.
 * @throws RangeError for anything else: the schema of the programme file has let a wrong text pass.
 */
export function parseAge(text: string): Age {
  const match = AGE.exec(text)
  if (match === null) throw new RangeError(`"${text}" is not an age such as P16W or P3Y4M`)
  const [, years = '0', months = '0', weeks = '0', days = '0'] = match
  return {
    years: Number.parseInt(years, 10),
    months: Number.parseInt(months, 10),
    days: Number.parseInt(weeks, 10) * 7 + Number.parseInt(days, 10)
  }
}

/**
 * The calendar day on which an age is reached, or an interval is over.
 * Years and months come first, then days. A day that does not exist becomes the first of the next month, so who was born
 * on 29 February is a year older on 1 March in other years: the rule of CDC's CDSi, and of English law (anniversary).
 */
export function addAge(day: string, age: Age): string {
  const months = Number(day.slice(5, 7)) - 1 + age.months
  const year = Number(day.slice(0, 4)) + age.years + Math.floor(months / 12)
  const onMonth = firstRealDay(year, months % 12, Number(day.slice(8, 10)))
  if (year > 9999) return '9999-12-31'
  return age.days === 0 ? onMonth : addDays(onMonth, age.days)
}

function firstRealDay(year: number, monthIndex: number, dayOfMonth: number): string {
  const isReal = dayOfMonth <= (monthLength(year, monthIndex + 1) ?? 31)
  // December has every day, so the next month is in the same year.
  return isReal ? writeDay(year, monthIndex + 1, dayOfMonth) : writeDay(year, monthIndex + 2, 1)
}

function writeDay(year: number, month: number, dayOfMonth: number): string {
  const fullYear = year < 1000 ? String(year).padStart(4, '0') : year
  return `${fullYear}-${month < 10 ? '0' : ''}${month}-${dayOfMonth < 10 ? '0' : ''}${dayOfMonth}`
}

function addDays(day: string, days: number): string {
  const date = new Date(Date.parse(day) + days * 86_400_000)
  return date.getUTCFullYear() > 9999 ? '9999-12-31' : date.toISOString().slice(0, 10)
}

/** Whether somebody born in `birth` has reached an age on the days `on`. */
export function reachedAge(birth: DayRange, age: Age, on: DayRange): Answer {
  const latest = addAge(birth.last, age)
  if (on.first >= latest) return 'yes'
  const earliest = birth.first === birth.last ? latest : addAge(birth.first, age)
  return on.last < earliest ? 'no' : 'unknown'
}

/** `P3Y4M` as "3 years 4 months". */
export function describeAge(age: Age): string {
  const wholeWeeks = age.days > 0 && age.days % 7 === 0
  const parts = [
    count(age.years, 'year'),
    count(age.months, 'month'),
    wholeWeeks ? count(age.days / 7, 'week') : count(age.days, 'day')
  ]
  return parts.filter((part) => part !== '').join(' ') || '0 days'
}

function count(amount: number, unit: string): string {
  if (amount === 0) return ''
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}

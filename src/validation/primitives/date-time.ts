// FHIR date, dateTime, instant and time by scanning: real calendar days, offsets up to 14:00, no regular expression.
// http://hl7.org/fhir/R4/datatypes.html#dateTime

/** YYYY, YYYY-MM or YYYY-MM-DD, a day that exists. */
export function isDate(text: string): boolean {
  const length = text.length
  return (length === 10 || length === 7 || length === 4) && isCalendarPart(text, length)
}

/** A date, or a full date with time and offset. */
export function isDateTime(text: string): boolean {
  return text.length <= 10 ? isDate(text) : isInstant(text)
}

/** Full date, time to the second or finer, offset. */
export function isInstant(text: string): boolean {
  if (text.length < 20 || !isCalendarPart(text, 10) || text.charCodeAt(10) !== CAPITAL_T) return false
  const end = endOfTime(text, 11)
  return end > 0 && isOffset(text, end)
}

/** hh:mm:ss, with or without a fraction. */
export function isTime(text: string): boolean {
  return text.length >= 8 && endOfTime(text, 0) === text.length
}

const CAPITAL_T = 84
const CAPITAL_Z = 90
const COLON = 58
const DOT = 46
const HYPHEN = 45
const PLUS = 43

function isCalendarPart(text: string, length: number): boolean {
  const century = twoDigits(text, 0)
  const years = twoDigits(text, 2)
  if (century < 0 || years < 0 || century + years === 0) return false
  if (length === 4) return true
  const month = twoDigits(text, 5)
  if (text.charCodeAt(4) !== HYPHEN || month < 1 || month > 12) return false
  if (length === 7) return true
  const day = twoDigits(text, 8)
  return text.charCodeAt(7) === HYPHEN && day >= 1 && day <= daysInMonth(century * 100 + years, month)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

// Index after hh:mm:ss(.f+); -1 for no time. 60 seconds are allowed for leap seconds, 24:00 is not.
function endOfTime(text: string, start: number): number {
  const hour = twoDigits(text, start)
  const minute = twoDigits(text, start + 3)
  const second = twoDigits(text, start + 6)
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return -1
  if (text.charCodeAt(start + 2) !== COLON || text.charCodeAt(start + 5) !== COLON) return -1
  let end = start + 8
  if (text.charCodeAt(end) !== DOT) return end
  end++
  const fraction = end
  while (isDigit(text.charCodeAt(end))) end++
  return end > fraction ? end : -1
}

function isOffset(text: string, start: number): boolean {
  const sign = text.charCodeAt(start)
  if (sign === CAPITAL_Z) return text.length === start + 1
  if ((sign !== PLUS && sign !== HYPHEN) || text.length !== start + 6) return false
  const hours = twoDigits(text, start + 1)
  const minutes = twoDigits(text, start + 4)
  if (text.charCodeAt(start + 3) !== COLON || hours < 0 || minutes < 0 || minutes > 59) return false
  return hours < 14 || (hours === 14 && minutes === 0)
}

function twoDigits(text: string, index: number): number {
  const tens = text.charCodeAt(index) - 48
  const ones = text.charCodeAt(index + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

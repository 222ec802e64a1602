// Dates as the NHS Immunisation FHIR API reads them: no "Z" in occurrenceDateTime, offsets of the United Kingdom, six
// digits of fraction. Source: section 2.4 of reference/nhs-immunisation-fhir-api.md.
import { londonDayOf, parseFhirDateTime, startOfLondonDay } from '../../fhir/dates.js'

const TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/

/**
 * "Z" becomes "+00:00" with the clock unchanged; an offset that is neither +00:00 nor +01:00 becomes the one London
 * had at that instant. A date, a partial date and anything unreadable are given back as they are.
 */
export function toOutboundOccurrence(text: string | undefined): string | undefined {
  const match = TIME.exec(text ?? '')
  if (text === undefined || match === null) return text
  const [, day = '', clock = '', fraction, offset = ''] = match
  const digits = toFraction(fraction)
  if (offset === '+00:00' || offset === '+01:00') return `${day}T${clock}${digits}${offset}`
  if (offset === 'Z' || offset === '-00:00') return `${day}T${clock}${digits}+00:00`
  const parsed = parseFhirDateTime(`${day}T${clock}${offset}`)
  return parsed === undefined ? text : toLondonClock(parsed.from, digits)
}

/** Any offset is taken here; only the fraction is cut. */
export function toOutboundRecorded(text: string | undefined): string | undefined {
  const match = TIME.exec(text ?? '')
  if (text === undefined || match === null) return text
  const [, day = '', clock = '', fraction, offset = ''] = match
  return `${day}T${clock}${toFraction(fraction)}${offset}`
}

function toFraction(fraction: string | undefined): string {
  return fraction === undefined ? '' : `.${fraction.slice(0, 6)}`
}

function toLondonClock(instant: Date, fraction: string): string {
  const offsetMs = londonOffsetMs(instant)
  const wall = new Date(instant.getTime() + offsetMs).toISOString()
  return `${wall.slice(0, 19)}${fraction}${offsetMs === 0 ? '+00:00' : '+01:00'}`
}

// The offset in force at both ends of the London day; where they differ, the clocks change at 01:00 UTC that day.
function londonOffsetMs(instant: Date): number {
  const day = londonDayOf(instant)
  const nextDay = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
  const [before, after] = [offsetAtStart(day), offsetAtStart(nextDay)]
  return before === after || instant.getTime() >= Date.parse(`${day}T01:00:00Z`) ? after : before
}

function offsetAtStart(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) - startOfLondonDay(day).getTime()
}

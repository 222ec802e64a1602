// Days as YYYY-MM-DD, and how far London is from UTC on them.
import { startOfLondonDay } from '../../src/fhir/dates.js'

export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

const offsets = new Map<string, string>()

/** `+00:00` or `+01:00`. */
export function londonOffset(day: string): string {
  const known = offsets.get(day)
  if (known !== undefined) return known
  const offset = startOfLondonDay(day).toISOString().startsWith(day) ? '+00:00' : '+01:00'
  offsets.set(day, offset)
  return offset
}

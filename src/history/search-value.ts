// The values of search parameters: alternatives, escapes, tokens and dates. Source: http://hl7.org/fhir/R4/search.html,
// checked 2026-11-22.
import { parseFhirDateTime, startOfLondonDay } from '../fhir/dates.js'
import type { DatePrefix, DateRange } from '../storage/history-query.js'

/** Alternatives of one value: split at commas that are not escaped. The escapes are still in them. */
export function splitAlternatives(value: string): string[] {
  return value.match(/(?:^|,)(?:[^,\\]|\\.|\\$)*/g)?.map((part, index) => (index === 0 ? part : part.slice(1))) ?? ['']
}

/** A token `system|code`: `system` is undefined where there is no bar, and empty for `|code`. */
export interface Token {
  system?: string
  code: string
}

export function parseToken(text: string): Token {
  const bar = /^(?:[^|\\]|\\.)*?\|/.exec(text)?.[0].length
  if (bar === undefined) return { code: unescapeValue(text) }
  return { system: unescapeValue(text.slice(0, bar - 1)), code: unescapeValue(text.slice(bar)) }
}

function unescapeValue(text: string): string {
  return text.replace(/\\([,|$\\])/g, '$1')
}

export const DATE_PREFIXES: readonly DatePrefix[] = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb']

/**
 * A date of a search: prefix, then a year, month, day, or a time (seconds may be left out) with an offset.
 * Days, months and years are those of the United Kingdom. Returns undefined for anything else.
 */
export function parseDateRange(text: string): DateRange | undefined {
  const match = /^([a-z]{2})?(\d.*)$/.exec(text)
  const prefix = (match?.[1] ?? 'eq') as DatePrefix
  const written = match?.[2] ?? ''
  if (!DATE_PREFIXES.includes(prefix)) return undefined
  const minutesOnly = /^(.{10}T\d{2}:\d{2})(Z|[+-]\d{2}:\d{2})$/.exec(written)
  const parsed = parseFhirDateTime(minutesOnly === null ? written : `${minutesOnly[1] ?? ''}:00${minutesOnly[2] ?? ''}`)
  if (parsed === undefined) return undefined
  const until = endOf(parsed, minutesOnly === null ? (written.includes('.') ? 1 : 1000) : 60_000)
  return { prefix, from: parsed.from, until }
}

/** FHIR years have four digits. */
const END_OF_TIME = new Date('+010000-01-01T00:00:00Z')

function endOf(parsed: NonNullable<ReturnType<typeof parseFhirDateTime>>, timeMs: number): Date {
  if (parsed.precision === 'time') return new Date(parsed.from.getTime() + timeMs)
  const next = new Date(`${parsed.londonDay}T00:00:00Z`)
  if (parsed.precision === 'year') next.setUTCFullYear(next.getUTCFullYear() + 1)
  else if (parsed.precision === 'month') next.setUTCMonth(next.getUTCMonth() + 1)
  else next.setUTCDate(next.getUTCDate() + 1)
  return next < END_OF_TIME ? startOfLondonDay(next.toISOString().slice(0, 10)) : END_OF_TIME
}

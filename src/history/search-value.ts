// The values of search parameters: alternatives, escapes, tokens and dates. Source: http://hl7.org/fhir/R4/search.html,
// checked 2026-11-22.
import { endOfFhirDateTime, parseFhirDateTime } from '../fhir/dates.js'
import type { DatePrefix, DateRange } from '../storage/record-filter.js'

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

/** What a value says once its escapes are read. */
export function unescapeValue(text: string): string {
  return text.replace(/\\([,|$\\])/g, '$1')
}

export const DATE_PREFIXES: readonly DatePrefix[] = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap']

/**
 * A date of a search: prefix, then a year, month, day, or a time (seconds may be left out) with an offset.
 * Days, months and years are those of the United Kingdom. `ap` widens the span on both sides by a tenth of its distance
 * from `now`. Returns undefined for anything else.
 */
export function parseDateRange(text: string, now?: Date): DateRange | undefined {
  const match = /^([a-z]{2})?(\d.*)$/.exec(text)
  const prefix = (match?.[1] ?? 'eq') as DatePrefix
  const span = parseDateSpan(match?.[2] ?? '')
  if (span === undefined || !DATE_PREFIXES.includes(prefix)) return undefined
  if (prefix !== 'ap') return { prefix, ...span }
  if (now === undefined) return undefined
  const slackMs = Math.abs(now.getTime() - span.from.getTime()) / 10
  return { prefix, from: shift(span.from, -slackMs), until: shift(span.until, slackMs) }
}

/** From the first instant on, up to but without the second. */
export function parseDateSpan(written: string): { from: Date; until: Date } | undefined {
  const minutesOnly = /^(.{10}T\d{2}:\d{2})(Z|[+-]\d{2}:\d{2})$/.exec(written)
  const parsed = parseFhirDateTime(minutesOnly === null ? written : `${minutesOnly[1] ?? ''}:00${minutesOnly[2] ?? ''}`)
  if (parsed === undefined) return undefined
  const timeMs = minutesOnly === null ? (written.includes('.') ? 1 : 1000) : 60_000
  return { from: parsed.from, until: endOfFhirDateTime(parsed, timeMs) }
}

// No further than PostgreSQL and FHIR can say.
function shift(instant: Date, byMs: number): Date {
  const shifted = instant.getTime() + byMs
  return new Date(Math.min(Math.max(shifted, EARLIEST), LATEST))
}

const EARLIEST = Date.parse('0001-01-01T00:00:00Z')
const LATEST = Date.parse('+010000-01-01T00:00:00Z')

// The Retry-After header, in both of its forms (RFC 9110, 10.2.3).

const SHORTEST_MS = 1_000
const LONGEST_MS = 15 * 60_000

/**
 * How long the receiver asks us to wait, held between one second and a quarter of an hour: a receiver's slip must
 * neither hammer it nor stop us for a day. Undefined when the header is absent or is neither seconds nor an HTTP date.
 */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return bounded(Number(text) * 1000)
  // Only the date forms of RFC 9110 begin with a weekday; Date.parse alone would take far more for a date.
  const instant = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(instant) ? undefined : bounded(instant - now.getTime())
}

function bounded(waitMs: number): number {
  return Math.min(Math.max(waitMs, SHORTEST_MS), LONGEST_MS)
}

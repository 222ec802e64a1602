// Numbers and moments as a table cell says them.

/** `45s`, `12m`, `3h`, `2d`: rounded down to the largest unit that fits. */
export function ageWords(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** How long ago; a dash for never. */
export function agoWords(iso: string | null, now: Date): string {
  return iso === null ? '-' : `${ageWords((now.getTime() - Date.parse(iso)) / 1_000)} ago`
}

/** To the second, UTC: `2026-11-22 02:14:05`. A dash for never. */
export function momentWords(iso: string | null): string {
  return iso === null ? '-' : new Date(iso).toISOString().slice(0, 19).replace('T', ' ')
}

/** `503 unavailable`; a dash where there was no attempt. */
export function outcomeWords(status: number | null, kind: string | null): string {
  return [status, kind].filter((word) => word !== null).join(' ') || '-'
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** A count as people read it: `12,431`. */
export function countWords(count: number): string {
  return count.toLocaleString('en-GB')
}

/** `45 s`, `41 min`, `5 h 33 min`: rounded to what matters at that length. */
export function durationWords(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `5/s`, `0.25/s`. */
export function rateWords(perSecond: number): string {
  return `${perSecond.toLocaleString('en-GB', { maximumFractionDigits: 2 })}/s`
}

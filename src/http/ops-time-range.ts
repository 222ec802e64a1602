// `since` and `until` of an operations query, checked already, as moments.
import { parseFhirDateTime } from '../fhir/dates.js'
import { doorFault } from './door-fault.js'

interface Texts {
  since?: string
  until?: string
}

/** A bare day begins at midnight in London. @throws FhirError 400 when the range ends before it begins */
export function rangeOf(texts: Texts): { since?: Date; until?: Date } {
  const since = momentOf(texts.since)
  const until = momentOf(texts.until)
  if (since !== undefined && until !== undefined && until <= since)
    throw doorFault(400, 'value', 'ops-query', 'until: must be later than since')
  return { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) }
}

/** The same with a beginning and an end: `forMs` before the end, and now. */
export function closedRangeOf(texts: Texts, forMs: number, now: Date): { since: Date; until: Date } {
  const { since, until = now } = rangeOf(texts)
  return { since: since ?? new Date(until.getTime() - forMs), until }
}

function momentOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : parseFhirDateTime(text)?.from
}

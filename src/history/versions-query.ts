// What a version history asks for: `_count`, `_since` or `_at`. http://hl7.org/fhir/R4/http.html#history, checked
// 2026-11-22.
import { parseFhirDateTime } from '../fhir/dates.js'
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { VersionsQuery } from '../storage/version-query.js'
import type { Parameter } from './plan-search.js'
import { DEFAULT_COUNT, MAX_COUNT, readCount } from './result-parameters.js'
import { searchFault } from './search-fault.js'
import { parseDateSpan } from './search-value.js'

export interface VersionsPlan extends Pick<VersionsQuery, 'since' | 'at'> {
  /** 0 for the total alone. */
  count: number
  /** The parameters that were used, as sent. */
  used: Parameter[]
}

const SERVED = ['_count', '_since', '_at']

/** @throws FhirError 400 with every fault */
export function planVersions(parameters: readonly Parameter[], lenient: boolean): VersionsPlan {
  const faults: Issue[] = []
  const used = parameters.filter(({ name }) => SERVED.includes(name))
  if (used.length < parameters.length && !lenient)
    faults.push(
      searchFault(
        'not-supported',
        'search-parameter-unknown',
        `a version history takes ${SERVED.join(', ')} only; Prefer: handling=lenient ignores others`
      )
    )
  const read = <Value>(name: string, values: (text: string) => Value | undefined, form: string): Value | undefined => {
    const given = used.filter((parameter) => parameter.name === name)
    if (given.length > 1) faults.push(searchFault('invalid', 'search-parameter-repeated', 'may be given once', name))
    if (given[0] === undefined) return undefined
    const value = values(given[0].value)
    if (value === undefined) faults.push(searchFault('value', 'search-value', `must be ${form}`, name))
    return value
  }
  const count = read('_count', readCount, 'a whole number')
  const instant = 'an instant such as 2026-10-01T09:30:00%2B01:00 (a plus sign is written %2B in a URL), or a date'
  const since = read('_since', (text) => parseFhirDateTime(text)?.from, instant)
  const at = read('_at', parseDateSpan, instant)
  if (since !== undefined && at !== undefined)
    faults.push(searchFault('invalid', 'since-with-at', 'and _at exclude each other; send one of them', '_since'))
  if (faults.length > 0) throw new FhirError(400, faults)
  return {
    count: Math.min(count ?? DEFAULT_COUNT, MAX_COUNT),
    used,
    ...(since === undefined ? {} : { since }),
    ...(at === undefined ? {} : { at })
  }
}

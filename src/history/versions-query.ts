// What a version history asks for: `_count`, `_since`, or a page link.
import { parseFhirDateTime } from '../fhir/dates.js'
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { Parameter } from './plan-search.js'
import { DEFAULT_COUNT, MAX_COUNT, readCount } from './result-parameters.js'
import { searchFault } from './search-fault.js'

export interface VersionsPlan {
  count: number
  since?: Date
}

/** @throws FhirError 400 with every fault */
export function planVersions(parameters: readonly Parameter[]): VersionsPlan {
  const faults: Issue[] = []
  const plan: VersionsPlan = { count: DEFAULT_COUNT }
  const seen = new Set<string>()
  for (const { name, value } of parameters) {
    if (seen.has(name)) faults.push(searchFault('invalid', 'search-parameter-repeated', 'may be given once', name))
    seen.add(name)
    if (name === '_count') {
      const count = readCount(value)
      if (count === undefined) faults.push(searchFault('value', 'search-value', 'must be a whole number', name))
      else plan.count = Math.min(count, MAX_COUNT)
    } else if (name === '_since') {
      const since = parseFhirDateTime(value)?.from
      if (since === undefined) faults.push(searchFault('value', 'search-value', 'must be an instant', name))
      else plan.since = since
    } else
      faults.push(
        searchFault('not-supported', 'search-parameter-unknown', 'a version history takes _count and _since only')
      )
  }
  if (faults.length > 0) throw new FhirError(400, faults)
  return plan
}

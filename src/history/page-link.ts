// URLs of links in Bundles, relative to the base.
import { FhirError } from '../fhir/operation-outcome.js'
import type { Parameter } from './plan-search.js'
import { MAX_COUNT, readCount } from './result-parameters.js'
import { searchFault } from './search-fault.js'

export function relativeUrl(path: string, parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return path
  const query = parameters.map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  return `${path}?${query.join('&')}`
}

/**
 * The cursor where the parameters are a page link; undefined where they are not. A `_count` that every page keeps asks
 * for nothing: Medplum's client adds one to each link it follows.
 * @throws FhirError 400 when a page link was added to
 */
export function onlyCursor(parameters: readonly Parameter[]): string | undefined {
  const cursor = parameters.find(({ name }) => name === '_cursor')
  if (cursor !== undefined && parameters.some((other) => other !== cursor && !isKeptByEveryPage(other)))
    throw new FhirError(400, [
      searchFault('invalid', 'cursor-with-others', 'stands alone: a page link is followed as it is', '_cursor')
    ])
  return cursor?.value
}

function isKeptByEveryPage({ name, value }: Parameter): boolean {
  return name === '_count' && (readCount(value) ?? 0) >= MAX_COUNT
}

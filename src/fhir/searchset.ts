// Bundles made by joining text: a stored resource is served as it was stored, never parsed and written anew.
import type { Extension, OperationOutcome } from 'fhir/r4.js'

export interface BundleLink {
  relation: 'self' | 'next'
  /** `self` relative to the base: what was asked, wherever it was asked. `next` absolute: many clients just follow it. */
  url: string
}

export interface SearchsetEntry {
  fullUrl: string
  /** The resource as JSON text. */
  resource: string
  /** What the Hub says of it beside the resource. */
  extension?: readonly Extension[]
}

export interface Searchset {
  /** Matches over all pages; undefined when it was not asked for. */
  total?: number
  links: readonly BundleLink[]
  matches: readonly SearchsetEntry[]
  /** What came along with the matches. Not counted. */
  included: readonly SearchsetEntry[]
  /** What the searcher must know about the answer. Not a match, not counted. */
  outcome?: OperationOutcome
}

export interface HistoryEntry {
  fullUrl: string
  /** Undefined for a delete. */
  resource?: string
  method: 'POST' | 'PUT' | 'DELETE'
  /** Relative to the base. */
  url: string
  status: string
  version: number
  lastModified: Date
  /** What is to be said of this version. */
  outcome?: OperationOutcome
}

/** A Bundle of type searchset. JSON has no empty arrays in FHIR: without entries there is no `entry`. */
export function joinSearchset({ total, links, matches, included, outcome }: Searchset): string {
  const inMode =
    (mode: 'match' | 'include') =>
    (entry: SearchsetEntry): string =>
      `{${entryText(entry)},"search":{"mode":"${mode}"}}`
  const entries = [...matches.map(inMode('match')), ...included.map(inMode('include'))]
  if (outcome !== undefined) entries.push(`{"resource":${JSON.stringify(outcome)},"search":{"mode":"outcome"}}`)
  return joinBundle('searchset', { total, links }, entries)
}

/** A Bundle of type collection: resources that are answered together, without a search. */
export function joinCollection(timestamp: Date, entries: readonly (SearchsetEntry | OperationOutcome)[]): string {
  const texts = entries.map((entry) =>
    'resourceType' in entry ? `{"resource":${JSON.stringify(entry)}}` : `{${entryText(entry)}}`
  )
  return joinBundle('collection', { timestamp: timestamp.toISOString() }, texts)
}

function entryText({ fullUrl, resource, extension }: SearchsetEntry): string {
  const said = extension === undefined ? '' : `"extension":${JSON.stringify(extension)},`
  return `${said}"fullUrl":${JSON.stringify(fullUrl)},"resource":${resource}`
}

/** A Bundle of type history, http://hl7.org/fhir/R4/http.html#history. */
export function joinHistoryBundle(
  total: number | undefined,
  links: readonly BundleLink[],
  versions: readonly HistoryEntry[]
): string {
  const entries = versions.map(({ fullUrl, resource, method, url, status, version, lastModified, outcome }) => {
    const response = { status, etag: `W/"${version}"`, lastModified: lastModified.toISOString(), outcome }
    return (
      `{"fullUrl":${JSON.stringify(fullUrl)},` +
      (resource === undefined ? '' : `"resource":${resource},`) +
      `"request":${JSON.stringify({ method, url })},"response":${JSON.stringify(response)}}`
    )
  })
  return joinBundle('history', { total, links }, entries)
}

function joinBundle(
  type: 'searchset' | 'history' | 'collection',
  about: { timestamp?: string; total?: number | undefined; links?: readonly BundleLink[] },
  entries: readonly string[]
): string {
  const { timestamp, total, links } = about
  // What is undefined is left out.
  const head = JSON.stringify({ resourceType: 'Bundle', type, timestamp, total, link: links })
  return entries.length === 0 ? head : `${head.slice(0, -1)},"entry":[${entries.join(',')}]}`
}

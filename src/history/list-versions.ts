// Version histories as Bundles: of one record, or of every record that the caller may see.
import { permits, permittedTypes, type Caller } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import { FhirError, toOperationOutcome } from '../fhir/operation-outcome.js'
import { joinHistoryBundle, type BundleLink, type HistoryEntry } from '../fhir/searchset.js'
import type { HistoryStore, KeptVersion } from '../storage/history-store.js'
import type { VersionsOf, VersionsQuery } from '../storage/version-query.js'
import type { Cursors, Page, VersionsPage } from './cursor.js'
import { onlyCursor, relativeUrl } from './page-link.js'
import type { Parameter } from './plan-search.js'
import { searchFault } from './search-fault.js'
import { planVersions, type VersionsPlan } from './versions-query.js'

interface ListOptions {
  /** Absolute base of fullUrl, without a slash at its end. */
  base: string
  lenient: boolean
}

/**
 * `recordId`: undefined for the history of the type. Its total is told only where nothing else is asked (_count=0).
 * @throws FhirError 400 for a fault in the parameters
 */
export async function listVersions(
  { store, cursors }: { store: HistoryStore; cursors: Cursors },
  caller: Caller,
  recordId: string | undefined,
  parameters: readonly Parameter[],
  { base, lenient }: ListOptions
): Promise<string> {
  const cursor = onlyCursor(parameters)
  const page = cursor === undefined ? undefined : readPage(cursors.open(caller.client, cursor), recordId)
  const plan: VersionsPlan = {
    ...planVersions(page?.parameters ?? parameters, lenient),
    ...(page === undefined ? {} : { count: page.count })
  }
  const query = toQuery(plan, recordId === undefined ? visibleTo(caller) : { recordId }, page)
  const found = plan.count === 0 ? [] : await store.findVersions(query)
  const shown = found.slice(0, plan.count)
  const path = recordId === undefined ? 'Immunization/_history' : `Immunization/${recordId}/_history`
  const links: BundleLink[] = [
    { relation: 'self', url: relativeUrl(path, page === undefined ? plan.used : parameters) }
  ]
  const last = shown.at(-1)
  if (last !== undefined && found.length > shown.length)
    links.push({
      relation: 'next',
      url: `${base}/${path}?_cursor=${cursors.seal(caller.client, nextPage(plan, recordId, last))}`
    })
  const isCounted = recordId !== undefined || plan.count === 0
  return joinHistoryBundle(
    isCounted ? await store.countVersions(query) : undefined,
    links,
    shown.map((version) => toEntry(version, base))
  )
}

// A client that may also create records of a type is a supplier: it sees what it sent itself. Who only reads (an NHS
// service), or runs the service, sees every record of the types it may read.
function visibleTo(caller: Caller): VersionsOf {
  const readable = permittedTypes(caller, 'R')
  const isOperator = caller.scopes.has('ops/read')
  const all = readable.filter((type) => isOperator || !permits(caller, 'C', type))
  return { supplier: caller.client, own: readable.filter((type) => !all.includes(type)), all }
}

function toQuery({ since, at, count }: VersionsPlan, of: VersionsOf, page: VersionsPage | undefined): VersionsQuery {
  return {
    of,
    ...(since === undefined ? {} : { since }),
    ...(at === undefined ? {} : { at }),
    ...(page === undefined ? {} : { before: { ...page.before, receivedAt: new Date(page.before.receivedAt) } }),
    // One more than shown tells whether there is a next page.
    limit: count + 1
  }
}

function nextPage({ used, count }: VersionsPlan, recordId: string | undefined, last: KeptVersion): VersionsPage {
  return {
    kind: 'versions',
    ...(recordId === undefined ? {} : { recordId }),
    parameters: used.filter(({ name }) => name !== '_count'),
    count,
    before: { receivedAt: last.receivedAt.toISOString(), recordId: last.recordId, version: last.version }
  }
}

function readPage(page: Page, recordId: string | undefined): VersionsPage {
  if (page.kind === 'versions' && page.recordId === recordId) return page
  throw new FhirError(400, [searchFault('invalid', 'cursor-unknown', 'belongs to another search', '_cursor')])
}

const REQUESTS = {
  create: { method: 'POST', status: '201' },
  update: { method: 'PUT', status: '200' },
  reinstate: { method: 'PUT', status: '200' },
  delete: { method: 'DELETE', status: '204' }
} as const

function toEntry({ recordId, version, operation, receivedAt, body, reason }: KeptVersion, base: string): HistoryEntry {
  const url = `Immunization/${recordId}`
  return {
    fullUrl: `${base}/${url}`,
    ...(body === undefined ? {} : { resource: body }),
    ...REQUESTS[operation],
    url: operation === 'create' ? 'Immunization' : url,
    version,
    lastModified: receivedAt,
    ...(reason === undefined ? {} : { outcome: toOperationOutcome([reasonIssue(reason)]) })
  }
}

function reasonIssue(reason: string): Issue {
  return {
    severity: 'information',
    code: 'informational',
    layer: 'service',
    rule: 'deleted-because',
    text: `the reason given for the delete: ${reason}`
  }
}

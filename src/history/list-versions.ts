// The version history of one record as a Bundle.
import type { Caller } from '../fhir/caller.js'
import { FhirError } from '../fhir/operation-outcome.js'
import { joinHistoryBundle, type BundleLink, type HistoryEntry } from '../fhir/searchset.js'
import type { HistoryStore, KeptRecord, KeptVersion } from '../storage/history-store.js'
import type { Cursors, Page, VersionsPage } from './cursor.js'
import type { Parameter } from './plan-search.js'
import { searchFault } from './search-fault.js'
import { onlyCursor, relativeUrl } from './page-link.js'
import { planVersions, type VersionsPlan } from './versions-query.js'

/** @throws FhirError 400 for a fault in the parameters */
export async function listVersions(
  { store, cursors }: { store: HistoryStore; cursors: Cursors },
  caller: Caller,
  { recordId }: KeptRecord,
  parameters: readonly Parameter[],
  base: string
): Promise<string> {
  const cursor = onlyCursor(parameters)
  const { before, ...plan } =
    cursor === undefined
      ? { ...planVersions(parameters), before: undefined }
      : readPage(cursors.open(caller.client, cursor), recordId)
  const wanted = { recordId, ...(plan.since === undefined ? {} : { since: plan.since }) }
  const found = await store.findVersions({
    ...wanted,
    ...(before === undefined ? {} : { before }),
    limit: plan.count + 1
  })
  const shown = found.slice(0, plan.count)
  const path = `Immunization/${recordId}/_history`
  const links: BundleLink[] = [{ relation: 'self', url: relativeUrl(path, parameters) }]
  const last = shown.at(-1)
  if (last !== undefined && found.length > shown.length) {
    const page: VersionsPage = {
      kind: 'versions',
      recordId,
      count: plan.count,
      before: last.version,
      ...(plan.since === undefined ? {} : { since: plan.since.toISOString() })
    }
    links.push({ relation: 'next', url: `${base}/${path}?_cursor=${cursors.seal(caller.client, page)}` })
  }
  const entries = shown.map((version) => toEntry(recordId, version, base))
  return joinHistoryBundle(await store.countVersions(wanted), links, entries)
}

function readPage(page: Page, recordId: string): VersionsPlan & { before: number } {
  if (page.kind !== 'versions' || page.recordId !== recordId)
    throw new FhirError(400, [searchFault('invalid', 'cursor-unknown', 'belongs to another search', '_cursor')])
  return {
    count: page.count,
    before: page.before,
    ...(page.since === undefined ? {} : { since: new Date(page.since) })
  }
}

const REQUESTS = {
  create: { method: 'POST', status: '201' },
  update: { method: 'PUT', status: '200' },
  reinstate: { method: 'PUT', status: '200' },
  delete: { method: 'DELETE', status: '204' }
} as const

function toEntry(recordId: string, { version, operation, receivedAt, body }: KeptVersion, base: string): HistoryEntry {
  const url = `Immunization/${recordId}`
  return {
    fullUrl: `${base}/${url}`,
    ...(body === undefined ? {} : { resource: body }),
    ...REQUESTS[operation],
    url: operation === 'create' ? 'Immunization' : url,
    version,
    lastModified: receivedAt
  }
}

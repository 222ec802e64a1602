// A GET within a Bundle: read, vread, history and search of Immunization.
import type { Caller, Scope } from '../../fhir/caller.js'
import type { History, QueryOptions, ReadVersion } from '../../history/history.js'
import { requireScope } from '../authenticate.js'
import { doorFault } from '../door-fault.js'
import { isNotModified } from '../version-condition.js'
import type { EntryAnswer } from './answer-entry.js'
import type { EntryUrl } from './entry-url.js'
import type { EntryRequest } from './read-bundle.js'

/** @throws FhirError as {@link History} */
export type EntryRead = (history: History, caller: Caller, options: QueryOptions) => Promise<EntryAnswer>

/** @throws FhirError 400 and 403 */
export function planRead(
  request: EntryRequest,
  { id, history: part, parameters }: EntryUrl,
  caller: Caller,
  lenient: boolean
): EntryRead {
  const scope: Scope = id === undefined ? 'system/Immunization.s' : 'system/Immunization.r'
  requireScope(caller, scope)
  if (id === undefined)
    return async (history, asking, options) => found(await history.search(asking, parameters, options))
  if (part === 'all')
    return async (history, asking, options) => found(await history.versions(asking, id, parameters, options))
  if (parameters.length > 0 && !lenient) {
    const text = 'there are no parameters here except _format and _pretty; Prefer: handling=lenient ignores others'
    throw doorFault(400, 'not-supported', 'parameter-unknown', text)
  }
  if (part === undefined) return async (history, asking) => answerVersion(request, await history.read(asking, id))
  if (!/^[1-9]\d{0,8}$/.test(part.version))
    throw doorFault(404, 'not-found', 'unknown-version', 'versions are whole numbers, counted from 1')
  const version = Number(part.version)
  return async (history, asking) => answerVersion(request, await history.readVersion(asking, id, version))
}

function found(resource: string): EntryAnswer {
  return { status: 200, issues: [], resource }
}

function answerVersion({ ifNoneMatch, ifModifiedSince }: EntryRequest, read: ReadVersion): EntryAnswer {
  const { recordId, version, lastUpdated, body } = read
  const headers = { 'if-none-match': ifNoneMatch, 'if-modified-since': ifModifiedSince }
  const record = { recordId, version, lastUpdated }
  if (isNotModified(headers, version, lastUpdated)) return { status: 304, issues: [], record }
  return { status: 200, issues: [], record, resource: body }
}

// Reading what was kept: one record, one of its versions, all of its versions, and searches. Whatever the caller may
// not see is as if it were not there.
import { permits, permittedTypes, type Caller } from '../fhir/caller.js'
import type { Issue, IssueCode } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import { isDatabaseDown } from '../storage/database-down.js'
import type { HistoryStore, KeptRecord } from '../storage/history-store.js'
import { createCursors } from './cursor.js'
import { writeEventView } from './event-view.js'
import { listVersions } from './list-versions.js'
import type { Parameter } from './plan-search.js'
import type { ReadNote } from './read-audit.js'
import { RECORD_ID } from './search-demand.js'
import { searchRecords } from './search-records.js'

/** One version of a record with its text. */
export interface ReadVersion {
  recordId: string
  version: number
  lastUpdated: Date
  /** The Immunization as JSON text. */
  body: string
}

/** Of a search or a version history. `base`: the absolute base of fullUrl, without a slash at its end. */
export interface QueryOptions {
  base: string
  /** Prefer: handling=lenient */
  lenient: boolean
}

/** All of it @throws FhirError: 400 for what was asked, 403, 404, 410, and 503 while PostgreSQL is not there. */
export interface History {
  read(caller: Caller, recordId: string): Promise<ReadVersion>
  readVersion(caller: Caller, recordId: string, version: number): Promise<ReadVersion>
  /** The event that a record tells of, composed of the records that the caller may read: a Bundle as JSON text. */
  composed(caller: Caller, recordId: string, options: Pick<QueryOptions, 'base'>): Promise<string>
  /** A Bundle of type history as JSON text, newest first. */
  versions(caller: Caller, recordId: string, parameters: readonly Parameter[], options: QueryOptions): Promise<string>
  /** The same for every record that the caller may see; 403 for a caller who may read no vaccine type. */
  allVersions(caller: Caller, parameters: readonly Parameter[], options: QueryOptions): Promise<string>
  /** A Bundle of type searchset as JSON text. */
  search(caller: Caller, parameters: readonly Parameter[], options: QueryOptions): Promise<string>
}

export interface HistoryDeps {
  store: HistoryStore
  /** Signs page links: at least 32 bytes, the same in every process. */
  cursorKey: Uint8Array
  /** Told of every read, for the audit trail. */
  note?: (note: ReadNote) => void
  now?: () => Date
}

export function createHistory({
  store,
  cursorKey,
  note = () => undefined,
  now = () => new Date()
}: HistoryDeps): History {
  const cursors = createCursors(cursorKey)

  // Noted whatever comes of it: that a record is deleted, or has no such version, is told of it too.
  const findPermitted = async (
    caller: Caller,
    recordId: string,
    interaction: 'read' | 'vread' | 'history-instance',
    version?: number
  ): Promise<KeptRecord> => {
    const record = RECORD_ID.test(recordId) ? await store.findRecord(recordId) : undefined
    if (record === undefined || !permits(caller, 'R', record.vaccineType)) throw notFound()
    const { patientKey } = record
    const seen = interaction === 'history-instance' ? {} : { version: version ?? record.version }
    note({ actor: caller.client, type: 'immunization', interaction, recordId, ...seen, patientKey })
    return record
  }

  return {
    read: (caller, recordId) =>
      unlessDatabaseIsDown(async () => {
        const { version, lastUpdated, body } = await findPermitted(caller, recordId, 'read')
        if (body === undefined) throw gone(version)
        return { recordId, version, lastUpdated, body }
      }),
    readVersion: (caller, recordId, version) =>
      unlessDatabaseIsDown(async () => {
        const record = await findPermitted(caller, recordId, 'vread', version)
        const kept = version <= record.version ? await store.findVersion(recordId, version) : undefined
        if (kept === undefined) throw notFound()
        if (kept.body === undefined) throw gone(version)
        return { recordId, version, lastUpdated: kept.receivedAt, body: kept.body }
      }),
    composed: (caller, recordId, { base }) =>
      unlessDatabaseIsDown(async () => {
        const record = await findPermitted(caller, recordId, 'read')
        if (record.body === undefined) throw gone(record.version)
        const members = await store.findEventMembers(recordId, permittedTypes(caller, 'R'))
        for (const { recordId: id, version, patientKey } of members)
          if (id !== recordId)
            note({ actor: caller.client, type: 'immunization', interaction: 'read', recordId: id, version, patientKey })
        // It was deleted in between.
        if (members.length === 0) throw notFound()
        return writeEventView(members, caller, { base, now: now() })
      }),
    versions: (caller, recordId, parameters, options) =>
      unlessDatabaseIsDown(async () => {
        await findPermitted(caller, recordId, 'history-instance')
        return listVersions({ store, cursors }, caller, recordId, parameters, options)
      }),
    allVersions: (caller, parameters, options) =>
      unlessDatabaseIsDown(() => {
        if (permittedTypes(caller, 'R').length === 0) throw nothingPermitted()
        note({ actor: caller.client, type: 'immunization', interaction: 'history-type' })
        return listVersions({ store, cursors }, caller, undefined, parameters, options)
      }),
    search: (caller, parameters, options) =>
      unlessDatabaseIsDown(() => searchRecords({ store, cursors, note, now }, caller, parameters, options))
  }
}

/** @throws FhirError 503 while PostgreSQL is not there */
export async function unlessDatabaseIsDown<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (!isDatabaseDown(cause)) throw cause
    const text = 'the records cannot be read at the moment; try again after the seconds in Retry-After'
    throw new FhirError(503, [fault('transient', 'database-unavailable', text)], { 'Retry-After': '5' }, { cause })
  }
}

// Unknown and not permitted are told in the same words.
function notFound(): FhirError {
  return new FhirError(404, [fault('not-found', 'unknown-record', 'there is no such Immunization for this client')])
}

function nothingPermitted(): FhirError {
  const text =
    'this client may read no vaccine type (a permission such as FLU.R); ask the operator of the Hub to grant it'
  return new FhirError(403, [fault('forbidden', 'permission-missing', text)])
}

function gone(version: number): FhirError {
  const text = 'this Immunization was deleted; its _history has the versions before'
  return new FhirError(410, [fault('deleted', 'deleted-record', text)], { ETag: `W/"${version}"` })
}

function fault(code: IssueCode, rule: string, text: string): Issue {
  return { severity: 'error', code, layer: 'service', rule, text }
}

// What one entry of a Bundle asks for: the same interactions as at their own URLs, with the conditions of Bundle.entry.request.
import type { Caller } from '../../fhir/caller.js'
import { FhirError } from '../../fhir/operation-outcome.js'
import type { Parameter } from '../../history/plan-search.js'
import { RECORD_ID } from '../../history/search-demand.js'
import type { Submission, SubmissionBase } from '../../ingest/submission.js'
import { requireScope } from '../authenticate.js'
import { bodyIdOf, checkBodyId } from '../body-id.js'
import { doorFault } from '../door-fault.js'
import { parseIfNoneExist, readIdentifierCriterion } from '../identifier-criterion.js'
import { readIfMatch, requireIfMatch } from '../version-condition.js'
import { parseEntryUrl, type EntryUrl } from './entry-url.js'
import { planRead, type EntryRead } from './entry-read.js'
import type { BundleEntry } from './read-bundle.js'

type WithoutSender<Sent> = Sent extends unknown ? Omit<Sent, keyof SubmissionBase> : never
export type Write = WithoutSender<Submission>

export type EntryPlan =
  | { kind: 'write'; write: Write }
  | { kind: 'read'; read: EntryRead }
  /** A resource that is not kept by itself, only with the records that refer to it. */
  | { kind: 'supporting'; type: string }
  | { kind: 'refused'; status: number; issues: FhirError['issues'] }

export interface PlanOptions {
  /** Absolute, as in https://hub.example/FHIR/R4. */
  base: string
  isTransaction: boolean
  lenient: boolean
}

/** R4 processes deletes first, then creates, then updates; reads come last. http://hl7.org/fhir/R4/http.html#trules */
export const WRITE_ORDER: Readonly<Record<Write['kind'], number>> = {
  delete: 0,
  create: 1,
  patch: 2,
  update: 2,
  'conditional-update': 2
}

/** Resource types that a transaction may hold beside Immunizations. */
export const SUPPORTING_TYPES: ReadonlySet<string> = new Set([
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Organization',
  'Location',
  'Provenance'
])

export function planEntry(entry: BundleEntry, caller: Caller, options: PlanOptions): EntryPlan {
  try {
    if (entry.faults.length > 0) throw new FhirError(400, entry.faults)
    return plan(entry, caller, options)
  } catch (error) {
    if (!(error instanceof FhirError)) throw error
    return { kind: 'refused', status: error.status, issues: error.issues }
  }
}

function plan(entry: BundleEntry, caller: Caller, options: PlanOptions): EntryPlan {
  const { method } = entry.request
  const url = parseEntryUrl(entry.request.url, options.base)
  if (SUPPORTING_TYPES.has(url.type)) return planSupporting(entry, url, caller, options)
  if (url.type !== 'Immunization') throw notServed()
  switch (method) {
    case 'GET':
      return { kind: 'read', read: planRead(entry.request, url, caller, options.lenient) }
    case 'POST':
      requireScope(caller, 'system/Immunization.c')
      return { kind: 'write', write: planCreate(entry, url) }
    case 'PUT':
      requireScope(caller, 'system/Immunization.u')
      return { kind: 'write', write: planUpdate(entry, url) }
    case 'DELETE':
      requireScope(caller, 'system/Immunization.d')
      return { kind: 'write', write: planDelete(entry, url) }
    default: {
      const text = 'an entry of a Bundle is a GET, POST, PUT or DELETE here'
      throw doorFault(400, 'not-supported', 'bundle-entry-method', text)
    }
  }
}

function planSupporting(entry: BundleEntry, url: EntryUrl, caller: Caller, { isTransaction }: PlanOptions): EntryPlan {
  if (!isTransaction || entry.request.method !== 'POST' || url.id !== undefined) {
    const text = `${url.type} is not kept by itself: POST it in a transaction with the Immunizations that refer to it`
    throw doorFault(400, 'not-supported', 'bundle-entry-supporting', text)
  }
  requireScope(caller, 'system/Immunization.c')
  const { value } = resourceOf(entry)
  const type = typeof value === 'object' && value !== null && 'resourceType' in value ? value.resourceType : undefined
  if (type !== url.type) {
    const text = 'the resource is not of the type that request.url names'
    throw doorFault(400, 'invalid', 'bundle-entry-type', text)
  }
  return { kind: 'supporting', type: url.type }
}

function planCreate(entry: BundleEntry, url: EntryUrl): Write {
  if (url.id !== undefined || url.parameters.length > 0) throw notServed()
  const payload = resourceOf(entry)
  const { ifNoneExist } = entry.request
  if (ifNoneExist === undefined) return { kind: 'create', payload }
  return { kind: 'create', payload, ifNoneExist: parseIfNoneExist(ifNoneExist) }
}

function planUpdate(entry: BundleEntry, { id, history, parameters }: EntryUrl): Write {
  const payload = resourceOf(entry)
  const headers = { 'if-match': entry.request.ifMatch }
  if (id === undefined) {
    const criterion = readIdentifierCriterion(parameters)
    const ifMatch = readIfMatch(headers)
    const bodyId = bodyIdOf(payload.value)
    return { kind: 'conditional-update', criterion, bodyId, payload, ...(ifMatch === undefined ? {} : { ifMatch }) }
  }
  refuseMore(history, parameters)
  const ifMatch = requireIfMatch(headers)
  const wrongId = checkBodyId(payload.value, id)
  if (wrongId !== undefined) throw new FhirError(400, [wrongId])
  return { kind: 'update', recordId: requireRecordId(id), ifMatch, payload }
}

function planDelete(entry: BundleEntry, { id, history, parameters }: EntryUrl): Write {
  if (id === undefined) throw notServed()
  refuseMore(history, parameters)
  const ifMatch = readIfMatch({ 'if-match': entry.request.ifMatch })
  return { kind: 'delete', recordId: requireRecordId(id), ...(ifMatch === undefined ? {} : { ifMatch }) }
}

function resourceOf({ resource }: BundleEntry): NonNullable<BundleEntry['resource']> {
  if (resource !== undefined) return resource
  throw doorFault(400, 'required', 'bundle-entry-resource', 'an entry that is a POST or a PUT has a resource')
}

function requireRecordId(id: string): string {
  if (RECORD_ID.test(id)) return id
  throw doorFault(404, 'not-found', 'unknown-record', 'there is no such Immunization of this client; check the id')
}

function refuseMore(history: unknown, parameters: readonly Parameter[]): void {
  if (history !== undefined || parameters.length > 0) throw notServed()
}

function notServed(): FhirError {
  const text =
    'request.url is relative to the base and one of Immunization, Immunization/[id], Immunization/[id]/_history(/[version]) ' +
    'and Immunization?identifier=…, as the method allows'
  return doorFault(400, 'not-supported', 'bundle-entry-url', text)
}

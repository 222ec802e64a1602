// Brings one version of a record to a FHIR server, whatever state the server is in. A doubt is settled by reading back.
import type { Immunization } from 'fhir/r4.js'
import type { DeliveryOutcome } from '../destination.js'
import { hasSameContent } from '../nhs/same-content.js'
import type { FhirAnswer } from '../transport/fhir-client.js'
import { outcomeOfResult } from '../transport/fhir-outcome.js'
import type { CallTrace } from '../transport/http-destination.js'
import type { Redact } from '../transport/receiver-text.js'
import { delivered, takeSteps, unreadable, type End, type RemoteRecord } from '../transport/record-steps.js'
import {
  isErrorInDisguise,
  readMatches,
  readVersion,
  readWritten,
  type ServerApi,
  type ServerResult
} from './server-api.js'

export interface PutDeps {
  api: ServerApi
  trace: CallTrace
  redact: Redact
  now: () => Date
}

/** The next thing to do about a record, or how it ended. */
type Step =
  | { do: 'put' }
  | { do: 'find'; otherwise: 'put' | 'wait' }
  | { do: 'read'; id: string }
  | { do: 'overwrite'; remote: Required<RemoteRecord> }
  | End

/**
 * Sends the content. `ask`: an earlier attempt may have been carried out.
 *
 * put (by identifier) -> delivered, or conflict, or an answer that does not name the record -> find;
 * find, read -> delivered (same content), overwrite (other content), nothing there -> put;
 * overwrite (that version and no other) -> delivered, or conflict -> read, or gone -> put.
 */
export function putVersion(
  deps: PutDeps,
  resource: Immunization,
  known: { remote?: RemoteRecord; ask: boolean }
): Promise<DeliveryOutcome> {
  return takeSteps(firstStep(known), ['put', 'overwrite'], (step: Exclude<Step, End>) => take(step, deps, resource))
}

function firstStep({ remote, ask }: { remote?: RemoteRecord; ask: boolean }): Step {
  if (remote === undefined) return ask ? { do: 'find', otherwise: 'put' } : { do: 'put' }
  const { id, version } = remote
  return ask || version === undefined ? { do: 'read', id } : { do: 'overwrite', remote: { id, version } }
}

function take(step: Exclude<Step, End>, deps: PutDeps, resource: Immunization): Promise<Step> {
  switch (step.do) {
    case 'put':
      return put(deps, resource)
    case 'find':
      return find(deps, resource, step.otherwise)
    case 'read':
      return read(deps, resource, step.id)
    case 'overwrite':
      return overwrite(deps, resource, step.remote)
  }
}

async function put(deps: PutDeps, resource: Immunization): Promise<Step> {
  const result = await deps.api.putByIdentifier(resource, deps.trace)
  if (result.kind !== 'answer') return failed(result, true, deps)
  const { answer } = result
  if (isConflict(answer)) return { do: 'find', otherwise: 'wait' }
  if (!isSuccess(answer)) return failed(result, true, deps)
  const written = readWritten(answer)
  // Done, but under which id, or whether at all, only the server can say.
  return written === undefined || isErrorInDisguise(answer)
    ? { do: 'find', otherwise: 'wait' }
    : delivered(answer.status, written)
}

async function find(deps: PutDeps, resource: Immunization, otherwise: 'put' | 'wait'): Promise<Step> {
  const result = await deps.api.find(resource, deps.trace)
  if (result.kind !== 'answer' || result.answer.status !== 200) return failed(result, false, deps)
  const matches = readMatches(result.answer)
  if (matches === 'unreadable') return unreadable
  const [match] = matches
  if (matches.length > 1) return refused(`the receiver has ${matches.length} records with this identifier`)
  if (match?.id !== undefined) return compare(resource, match, { id: match.id, version: match.meta?.versionId })
  return otherwise === 'put' ? { do: 'put' } : { do: 'end', outcome: notFoundYet }
}

async function read(deps: PutDeps, resource: Immunization, id: string): Promise<Step> {
  const result = await deps.api.read(id, deps.trace)
  if (result.kind !== 'answer') return failed(result, false, deps)
  const { answer } = result
  if (isGone(answer)) return { do: 'put' }
  if (answer.status !== 200) return failed(result, false, deps)
  if (answer.resource?.resourceType !== 'Immunization') return unreadable
  return compare(resource, answer.resource, { id, version: readVersion(answer) })
}

async function overwrite(deps: PutDeps, resource: Immunization, remote: Required<RemoteRecord>): Promise<Step> {
  const result = await deps.api.putById(remote, resource, deps.trace)
  if (result.kind !== 'answer') return failed(result, true, deps)
  const { answer } = result
  if (isConflict(answer)) return { do: 'read', id: remote.id }
  // A server that began anew, or that does not bring a deleted record back under its id.
  if (isGone(answer)) return { do: 'put' }
  if (!isSuccess(answer)) return failed(result, true, deps)
  if (isErrorInDisguise(answer)) return disguised(answer.status)
  // Without a version the next one is read before it is written.
  const version = readVersion(answer) ?? readWritten(answer)?.version
  return delivered(answer.status, { id: remote.id, ...(version === undefined ? {} : { version }) })
}

function compare(ours: Immunization, theirs: object, remote: { id: string; version: string | undefined }): Step {
  const { id, version } = remote
  if (hasSameContent(ours, theirs)) {
    const known = { id, ...(version === undefined ? {} : { version }) }
    return delivered(200, known, 'the receiver had this content already')
  }
  // A server without versions cannot be told which one to write over.
  return version === undefined ? { do: 'put' } : { do: 'overwrite', remote: { id, version } }
}

/** Deletes the record. Gone already counts as done; a deletion repeats without harm, so nothing is asked first. */
export async function removeRecord(deps: PutDeps, remote: RemoteRecord): Promise<DeliveryOutcome> {
  const result = await deps.api.remove(remote.id, deps.trace)
  if (result.kind !== 'answer') return outcomeOfResult(result, true, deps.redact, deps.now())
  const { answer } = result
  const { status } = answer
  if (isGone(answer)) return { kind: 'delivered', status, remote, message: 'the receiver had no such record any more' }
  if (!isSuccess(answer)) return outcomeOfResult(result, true, deps.redact, deps.now())
  return isErrorInDisguise(answer) ? inDisguise(status) : { kind: 'delivered', status, remote }
}

function isSuccess({ status }: FhirAnswer): boolean {
  return status >= 200 && status < 300
}

function isConflict({ status }: FhirAnswer): boolean {
  return status === 409 || status === 412
}

function isGone({ status }: FhirAnswer): boolean {
  return status === 404 || status === 410
}

function failed(result: ServerResult, isWrite: boolean, deps: PutDeps): Step {
  return { do: 'end', outcome: outcomeOfResult(result, isWrite, deps.redact, deps.now()) }
}

function refused(message: string): Step {
  return { do: 'end', outcome: { kind: 'refused', status: 412, message } }
}

const notFoundYet: DeliveryOutcome = {
  kind: 'unavailable',
  ambiguous: true,
  message: 'the receiver took this identifier, or has it, and does not find it yet; asking again later'
}

function disguised(status: number): Step {
  return { do: 'end', outcome: inDisguise(status) }
}

function inDisguise(status: number): DeliveryOutcome {
  const message = `answered ${status} with an error in the body; asking what was done`
  return { kind: 'unavailable', ambiguous: true, status, message }
}

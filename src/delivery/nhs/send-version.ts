// Brings one version of a record to the NHS Immunisation FHIR API, whatever state the API is in.
// Neither its duplicate check nor its version check is atomic, so a doubt is settled by reading back, never by guessing.
// Source: sections 4.3 and 4.4 of reference/nhs-immunisation-fhir-api.md.
import type { Immunization } from 'fhir/r4.js'
import type { DeliveryOutcome } from '../destination.js'
import type { CallTrace } from '../transport/http-destination.js'
import type { Redact } from '../transport/receiver-text.js'
import { delivered, takeSteps, unreadable, type End, type RemoteRecord } from '../transport/record-steps.js'
import { isDuplicate, isVersionConflict, outcomeOfApiResult } from './api-outcome.js'
import { readCreated, readFound, readVersion, type ApiResult, type ImmunizationApi } from './immunization-api.js'
import { hasSameContent } from './same-content.js'

export interface SendDeps {
  api: ImmunizationApi
  trace: CallTrace
  redact: Redact
  now: () => Date
}

/** The next thing to do about a record, or how it ended. */
type Step =
  | { do: 'create' }
  /** `afterDuplicate`: the API has just said that there is one. */
  | { do: 'find'; afterDuplicate: boolean }
  | { do: 'compare'; remote: RemoteRecord }
  | { do: 'update'; id: string; version: string }
  | End

/**
 * Sends the content, as a new record or as the next version of the one the API has.
 *
 * create -> delivered, or duplicate -> find; find -> compare, or nothing there -> create;
 * compare -> delivered (same content), or update; update -> delivered, or version conflict -> compare, or gone -> create.
 */
export function sendVersion(
  deps: SendDeps,
  resource: Immunization,
  known: { remote?: RemoteRecord; isOutcomeUnknown: boolean }
): Promise<DeliveryOutcome> {
  return takeSteps(firstStep(known), ['create', 'update'], (step: Exclude<Step, End>) => take(step, deps, resource))
}

// Their duplicate check and their search read an index that lags behind.
const notFoundYet: DeliveryOutcome = {
  kind: 'unavailable',
  ambiguous: true,
  message: 'the receiver says it has this identifier and does not find it yet; asking again later'
}

function firstStep(known: { remote?: RemoteRecord; isOutcomeUnknown: boolean }): Step {
  const { remote } = known
  if (remote === undefined) return known.isOutcomeUnknown ? { do: 'find', afterDuplicate: false } : { do: 'create' }
  if (known.isOutcomeUnknown || remote.version === undefined) return { do: 'compare', remote }
  return { do: 'update', id: remote.id, version: remote.version }
}

function take(step: Exclude<Step, End>, deps: SendDeps, resource: Immunization): Promise<Step> {
  switch (step.do) {
    case 'create':
      return create(deps, resource)
    case 'find':
      return find(deps, resource, step.afterDuplicate)
    case 'compare':
      return compare(deps, resource, step.remote)
    case 'update':
      return update(deps, resource, step.id, step.version)
  }
}

async function create(deps: SendDeps, resource: Immunization): Promise<Step> {
  const result = await deps.api.create(resource, deps.trace)
  if (result.kind !== 'answer') return failed(result, true, deps)
  const { answer } = result
  if (answer.status === 201 || answer.status === 200) {
    const remote = readCreated(answer)
    return remote === undefined ? { do: 'find', afterDuplicate: true } : delivered(answer.status, remote)
  }
  return isDuplicate(answer) ? { do: 'find', afterDuplicate: true } : failed(result, true, deps)
}

async function find(deps: SendDeps, resource: Immunization, afterDuplicate: boolean): Promise<Step> {
  const { system = '', value = '' } = resource.identifier?.[0] ?? {}
  const result = await deps.api.find({ system, value }, deps.trace)
  if (result.kind !== 'answer' || result.answer.status !== 200) return failed(result, false, deps)
  const found = readFound(result.answer)
  if (found === 'unreadable') return unreadable
  if (found !== undefined) return { do: 'compare', remote: found }
  return afterDuplicate ? { do: 'end', outcome: notFoundYet } : { do: 'create' }
}

async function compare(deps: SendDeps, resource: Immunization, remote: RemoteRecord): Promise<Step> {
  const result = await deps.api.read(remote.id, deps.trace)
  if (result.kind !== 'answer') return failed(result, false, deps)
  const { answer } = result
  // A deleted record is found by identifier (their defect VED-1263) and answers 404: creating it again reinstates it.
  if (answer.status === 404) return { do: 'create' }
  const version = readVersion(answer) ?? remote.version
  // Without the right to read, writing again is the way to be sure: an update repeats without harm.
  if (answer.status === 403 && version !== undefined) return { do: 'update', id: remote.id, version }
  if (answer.status !== 200) return failed(result, false, deps)
  if (answer.resource === undefined || version === undefined) return unreadable
  return hasSameContent(resource, answer.resource)
    ? delivered(200, { id: remote.id, version }, 'the receiver had this content already')
    : { do: 'update', id: remote.id, version }
}

async function update(deps: SendDeps, resource: Immunization, id: string, version: string): Promise<Step> {
  const result = await deps.api.update(id, version, resource, deps.trace)
  if (result.kind !== 'answer') return failed(result, true, deps)
  const { answer } = result
  if (answer.status === 200) {
    return delivered(200, { id, version: readVersion(answer) ?? String(Number(version) + 1) })
  }
  if (answer.status === 404) return { do: 'create' }
  return isVersionConflict(answer) ? { do: 'compare', remote: { id } } : failed(result, true, deps)
}

/** Deletes the record. 404 counts as done; a deletion repeats without harm, so nothing is asked first. */
export async function withdrawRecord(deps: SendDeps, remote: RemoteRecord): Promise<DeliveryOutcome> {
  const result = await deps.api.remove(remote.id, deps.trace)
  if (result.kind !== 'answer') return outcomeOfApiResult(result, true, deps.redact, deps.now())
  const { status } = result.answer
  if (status === 204 || status === 200) return { kind: 'delivered', status, remote }
  if (status === 404) return { kind: 'delivered', status, remote, message: 'the receiver had no such record any more' }
  return outcomeOfApiResult(result, true, deps.redact, deps.now())
}

function failed(result: ApiResult, isWrite: boolean, deps: SendDeps): Step {
  return { do: 'end', outcome: outcomeOfApiResult(result, isWrite, deps.redact, deps.now()) }
}

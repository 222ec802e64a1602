// POST, PUT, PATCH and DELETE of Immunization, by id and by identifier: from the request to a submission.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { parseJsonPatch, type JsonPatch } from '../fhir/json-patch.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { IdentifierCriterion, IfMatch, Ingest, Submission } from '../ingest/submission.js'
import { requireScope } from './authenticate.js'
import { bodyIdOf, checkBodyId } from './body-id.js'
import { readDeleteReason } from './delete-reason.js'
import { doorFault } from './door-fault.js'
import { readIdempotency } from './idempotency-key.js'
import { parseIfNoneExist, readIdentifierCriterion } from './identifier-criterion.js'
import { refuseParameters } from './immunization-reads.js'
import { readPatientCorrection } from './patient-correction.js'
import { readPayload, readRecordId } from './read-payload.js'
import { callerOf, FHIR_BASE, type Route } from './route.js'
import { sendVerdict } from './send-verdict.js'
import { readIfMatch, refuseIfNoneMatch, requireIfMatch } from './version-condition.js'

const COLLECTION = `${FHIR_BASE}/Immunization`
const INSTANCE = `${COLLECTION}/:id`
export const FHIR_JSON = ['application/fhir+json', 'application/json'] as const
export const JSON_PATCH = ['application/json-patch+json'] as const

export interface WriteDeps {
  ingest: Ingest
  now: () => Date
  /** Absolute, as in https://hub.example/FHIR/R4. */
  base: () => string
}

/** Reads a submission from its request. @throws FhirError for what is wrong with the request itself */
type Read = (request: FastifyRequest, sender: Sender) => Submission
type Sender = Pick<Submission, 'caller' | 'requestId' | 'receivedAt' | 'idempotency'>

export function immunizationWrites(deps: WriteDeps): Route[] {
  const submits = (read: Read) => async (request: FastifyRequest, reply: FastifyReply) => {
    const caller = callerOf(request)
    const sender = { caller, requestId: request.id, receivedAt: deps.now(), ...readIdempotency(request) }
    const submission = read(request, sender)
    const [verdict] = await deps.ingest.accept([submission])
    if (verdict === undefined) throw new Error('a submission was given no verdict')
    return sendVerdict(request, reply, verdict, deps.base())
  }
  const fhir = { surface: 'fhir', resource: 'Immunization', accepts: FHIR_JSON } as const
  const create = { ...fhir, access: 'system/Immunization.c', interaction: 'create' } as const
  const update = { ...fhir, access: 'system/Immunization.u', interaction: 'update' } as const
  const patch = { ...fhir, access: 'system/Immunization.u', interaction: 'patch', accepts: JSON_PATCH } as const
  const remove = {
    surface: 'fhir',
    resource: 'Immunization',
    access: 'system/Immunization.d',
    interaction: 'delete'
  } as const
  return [
    { ...create, method: 'POST', path: COLLECTION, handle: submits(readCreate) },
    { ...update, method: 'PUT', path: INSTANCE, handle: submits(readUpdate) },
    { ...update, method: 'PUT', path: COLLECTION, handle: submits(readConditionalUpdate) },
    { ...patch, method: 'PATCH', path: INSTANCE, handle: submits(readPatch) },
    { ...patch, method: 'PATCH', path: COLLECTION, handle: submits(readConditionalPatch) },
    { ...remove, method: 'DELETE', path: INSTANCE, handle: submits(readDelete) }
  ]
}

function readCreate(request: FastifyRequest, sender: Sender): Submission {
  refuseParameters(request)
  const condition = request.headers['if-none-exist']
  const ifNoneExist = condition === undefined ? undefined : parseIfNoneExist(String(condition))
  return {
    kind: 'create',
    ...sender,
    payload: readPayload(request),
    ...(ifNoneExist === undefined ? {} : { ifNoneExist })
  }
}

function readUpdate(request: FastifyRequest, sender: Sender): Submission {
  refuseIfNoneMatch(request.headers)
  refuseParameters(request)
  const recordId = readRecordId(request)
  const ifMatch = requireIfMatch(request.headers)
  const payload = readPayload(request)
  const wrongId = checkBodyId(payload.value, recordId)
  if (wrongId !== undefined) throw new FhirError(400, [wrongId])
  return { kind: 'update', ...sender, recordId, ifMatch, payload, ...correctionOf(request) }
}

// It may come to a create, so the caller must be allowed to.
function readConditionalUpdate(request: FastifyRequest, sender: Sender): Submission {
  refuseIfNoneMatch(request.headers)
  const criterion = readCriterion(request)
  requireScope(sender.caller, 'system/Immunization.c')
  const payload = readPayload(request)
  const bodyId = bodyIdOf(payload.value)
  return {
    kind: 'conditional-update',
    ...sender,
    criterion,
    ...optionalIfMatch(request),
    bodyId,
    payload,
    ...correctionOf(request)
  }
}

function readPatch(request: FastifyRequest, sender: Sender): Submission {
  refuseIfNoneMatch(request.headers)
  refuseParameters(request)
  const recordId = readRecordId(request)
  const ifMatch = requireIfMatch(request.headers)
  return { kind: 'patch', ...sender, target: { recordId }, ifMatch, patch: readJsonPatch(request) }
}

function readConditionalPatch(request: FastifyRequest, sender: Sender): Submission {
  refuseIfNoneMatch(request.headers)
  const criterion = readCriterion(request)
  return { kind: 'patch', ...sender, target: { criterion }, ...optionalIfMatch(request), patch: readJsonPatch(request) }
}

function readDelete(request: FastifyRequest, sender: Sender): Submission {
  refuseIfNoneMatch(request.headers)
  refuseParameters(request)
  const recordId = readRecordId(request)
  const reason = readDeleteReason(request.headers)
  return {
    kind: 'delete',
    ...sender,
    recordId,
    ...optionalIfMatch(request),
    ...(reason === undefined ? {} : { reason })
  }
}

// Without a condition the URL names the whole collection, which has no PUT or PATCH.
function readCriterion(request: FastifyRequest): IdentifierCriterion {
  if (request.parameters.length > 0) return readIdentifierCriterion(request.parameters)
  const allow = 'GET, HEAD, POST'
  const text = `served here are ${allow}; to change a record name its id, or ?identifier=system|value`
  throw doorFault(405, 'not-supported', 'method-not-allowed', text, { Allow: allow })
}

function correctionOf(request: FastifyRequest): { patientCorrection?: string } {
  const patientCorrection = readPatientCorrection(request.headers)
  return patientCorrection === undefined ? {} : { patientCorrection }
}

function optionalIfMatch(request: FastifyRequest): { ifMatch?: IfMatch } {
  const ifMatch = readIfMatch(request.headers)
  return ifMatch === undefined ? {} : { ifMatch }
}

function readJsonPatch(request: FastifyRequest): JsonPatch {
  return parseJsonPatch(readPayload(request, 'a JSON Patch (RFC 6902)'))
}

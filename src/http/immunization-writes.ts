// POST, PUT and DELETE of Immunization: from the request to a submission, from the verdict to the answer.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import { parseJson, type ParsedJson } from '../fhir/parse-json.js'
import { RECORD_ID } from '../history/search-parameters.js'
import type { Ingest, Submission, Verdict } from '../ingest/submission.js'
import { sendFhir, sendOutcome } from './answer.js'
import { checkBodyId } from './body-id.js'
import { doorFault } from './door-fault.js'
import { refuseParameters } from './immunization-reads.js'
import { readPatientCorrection } from './patient-correction.js'
import { parsePrefer } from './prefer.js'
import { callerOf, FHIR_BASE, type Route } from './route.js'
import { readIfMatch, requireIfMatch } from './version-condition.js'

const COLLECTION = `${FHIR_BASE}/Immunization`
export const FHIR_JSON = ['application/fhir+json', 'application/json'] as const

/** `base()`: absolute, as in https://hub.example/FHIR/R4. */
export function immunizationWrites(deps: { ingest: Ingest; now: () => Date; base: () => string }): Route[] {
  const submit = async (
    request: FastifyRequest,
    reply: FastifyReply,
    submission: Submission
  ): Promise<FastifyReply> => {
    const [verdict] = await deps.ingest.accept([submission])
    if (verdict === undefined) throw new Error('a submission was given no verdict')
    return sendVerdict(request, reply, verdict, deps.base())
  }
  const sender = (request: FastifyRequest) => ({
    caller: callerOf(request),
    requestId: request.id,
    receivedAt: deps.now()
  })
  return [
    {
      method: 'POST',
      path: COLLECTION,
      access: 'system/Immunization.c',
      surface: 'fhir',
      accepts: FHIR_JSON,
      resource: 'Immunization',
      interaction: 'create',
      handle(request, reply) {
        refuseParameters(request)
        refuseConditionalCreate(request)
        return submit(request, reply, { kind: 'create', ...sender(request), payload: readPayload(request) })
      }
    },
    {
      method: 'PUT',
      path: `${COLLECTION}/:id`,
      access: 'system/Immunization.u',
      surface: 'fhir',
      accepts: FHIR_JSON,
      resource: 'Immunization',
      interaction: 'update',
      handle(request, reply) {
        refuseParameters(request)
        const recordId = readRecordId(request)
        const ifMatch = requireIfMatch(request.headers)
        const payload = readPayload(request)
        const wrongId = checkBodyId(payload.value, recordId)
        if (wrongId !== undefined) throw new FhirError(400, [wrongId])
        const patientCorrection = readPatientCorrection(request.headers)
        return submit(request, reply, {
          kind: 'update',
          ...sender(request),
          recordId,
          ifMatch,
          payload,
          ...(patientCorrection === undefined ? {} : { patientCorrection })
        })
      }
    },
    {
      method: 'DELETE',
      path: `${COLLECTION}/:id`,
      access: 'system/Immunization.d',
      surface: 'fhir',
      resource: 'Immunization',
      interaction: 'delete',
      handle(request, reply) {
        refuseParameters(request)
        const recordId = readRecordId(request)
        const ifMatch = readIfMatch(request.headers)
        return submit(request, reply, {
          kind: 'delete',
          ...sender(request),
          recordId,
          ...(ifMatch === undefined ? {} : { ifMatch })
        })
      }
    }
  ]
}

function readPayload(request: FastifyRequest): ParsedJson {
  const body = request.body
  if (Buffer.isBuffer(body) && body.length > 0) return parseJson(body)
  throw new FhirError(400, [
    {
      severity: 'error',
      code: 'structure',
      layer: 'json',
      rule: 'json-empty',
      text: 'the body is empty; send an Immunization as JSON'
    }
  ])
}

export function readRecordId(request: FastifyRequest): string {
  const { id } = request.params as { id: string }
  if (RECORD_ID.test(id)) return id
  throw doorFault(404, 'not-found', 'unknown-record', 'there is no such Immunization of this client; check the id')
}

function refuseConditionalCreate(request: FastifyRequest): void {
  if (request.headers['if-none-exist'] === undefined) return
  const text =
    'If-None-Exist is not served; leave it out: the identifier of an Immunization keeps it from being created twice'
  throw doorFault(400, 'not-supported', 'conditional-create', text)
}

function sendVerdict(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, issues, record }: Verdict,
  base: string
): FastifyReply {
  if (status >= 400) throw new FhirError(status, issues, status === 503 ? { 'Retry-After': '5' } : {})
  reply.code(status)
  if (record !== undefined) {
    request.logged['record_id'] = record.recordId
    reply.headers({ etag: `W/"${record.version}"`, 'last-modified': record.lastUpdated.toUTCString() })
    if (status !== 204) reply.header('location', `${base}/Immunization/${record.recordId}/_history/${record.version}`)
  }
  if (issues.length > 0) {
    request.logged['rules'] = [...new Set(issues.map(({ rule }) => rule))]
    // The default answer is the record; a sender who does not ask for the outcome still learns that there is one.
    reply.header('x-issue-count', issues.length)
  }
  return status === 204 ? reply.send() : sendPreferred(request, reply, issues, record?.body)
}

function sendPreferred(
  request: FastifyRequest,
  reply: FastifyReply,
  issues: readonly Issue[],
  body: string | undefined
): FastifyReply {
  const preferred = parsePrefer(request.headers['prefer']).return
  if (preferred !== undefined) reply.header('preference-applied', `return=${preferred}`)
  if (preferred === 'minimal') return reply.send()
  if (preferred !== 'OperationOutcome' && body !== undefined) return sendFhir(request, reply, body)
  return sendOutcome(request, reply, issues.length > 0 ? issues : [ACCEPTED])
}

const ACCEPTED: Issue = {
  severity: 'information',
  code: 'informational',
  layer: 'service',
  rule: 'accepted',
  text: 'accepted without remarks'
}

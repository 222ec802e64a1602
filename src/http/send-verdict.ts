// From the verdict on a write to its answer: status, version headers, and the body that Prefer asks for.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { Verdict } from '../ingest/submission.js'
import { sendFhir, sendOutcome } from './answer.js'
import { parsePrefer } from './prefer.js'

/** `base`: absolute, as in https://hub.example/FHIR/R4. */
export function sendVerdict(
  request: FastifyRequest,
  reply: FastifyReply,
  verdict: Verdict,
  base: string
): FastifyReply {
  const { status, issues, record, replayed } = verdict
  if (status >= 400) throw new FhirError(status, issues, { ...waitOf(verdict), ...placeOf(record, base) })
  const isDelete = status === 204
  if (record !== undefined) {
    request.logged['record_id'] = record.recordId
    reply.headers({ etag: `W/"${record.version}"`, 'last-modified': record.lastUpdated.toUTCString() })
    if (!isDelete) reply.headers(placeOf(record, base))
  }
  if (replayed === true) {
    request.logged['replayed'] = true
    reply.header('idempotency-replayed', 'true')
  }
  if (issues.length > 0) {
    request.logged['rules'] = [...new Set(issues.map(({ rule }) => rule))]
    // The default answer is the record; a sender who does not ask for the outcome still learns that there is one.
    reply.header('x-issue-count', issues.length)
  }
  return sendPreferred(request, reply.code(status), issues, record?.body)
}

/** `body` is undefined for a delete, which is answered 204 unless the outcome is asked for. */
function sendPreferred(
  request: FastifyRequest,
  reply: FastifyReply,
  issues: readonly Issue[],
  body: string | undefined
): FastifyReply {
  const preferred = parsePrefer(request.headers['prefer']).return
  const isServed = preferred !== undefined && (body !== undefined || preferred !== 'representation')
  if (isServed) reply.header('preference-applied', `return=${preferred}`)
  if (preferred === 'OperationOutcome')
    return sendOutcome(
      request,
      reply.statusCode === 204 ? reply.code(200) : reply,
      issues.length > 0 ? issues : [ACCEPTED]
    )
  return preferred === 'minimal' || body === undefined ? reply.send() : sendFhir(request, reply, body)
}

/** Of a refusal: the record that the identifier belongs to already. */
function placeOf(record: Verdict['record'], base: string): Readonly<Record<string, string>> {
  return record === undefined ? {} : { location: `${base}/Immunization/${record.recordId}/_history/${record.version}` }
}

function waitOf({ status, issues }: Verdict): Readonly<Record<string, string>> {
  if (status === 503) return { 'Retry-After': '5' }
  return issues.some(({ rule }) => rule === 'idempotency-in-flight') ? { 'Retry-After': '1' } : {}
}

export const ACCEPTED: Issue = {
  severity: 'information',
  code: 'informational',
  layer: 'service',
  rule: 'accepted',
  text: 'accepted without remarks'
}

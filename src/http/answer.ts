// Writing answers: FHIR JSON in the form that was asked for, OperationOutcomes, and what goes wrong.
import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Issue } from '../fhir/issue.js'
import { FhirError, toOperationOutcome } from '../fhir/operation-outcome.js'
import { prettyJson } from '../fhir/pretty-json.js'
import { doorFault } from './door-fault.js'
import type { HttpLog } from './http-log.js'

/** Sends FHIR JSON text. */
export function sendFhir(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const { type, pretty } = request.answer
  return reply.header('content-type', `${type}; charset=utf-8`).send(pretty ? prettyJson(text) : text)
}

export function sendOutcome(request: FastifyRequest, reply: FastifyReply, issues: readonly Issue[]): FastifyReply {
  return sendFhir(request, reply, JSON.stringify(toOperationOutcome(issues)))
}

/** Any error as an OperationOutcome. What the Hub did wrong itself gets an id and no detail: that goes to the log. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: HttpLog): FastifyReply {
  const fault = error instanceof FhirError ? error : (faultOfFramework(error, request) ?? ownFault(error, request, log))
  request.logged['rules'] = [...new Set(fault.issues.map(({ rule }) => rule))]
  return sendOutcome(request, reply.code(fault.status).headers(fault.headers), fault.issues)
}

// Fastify's own errors carry a status; their texts may repeat what was sent.
function faultOfFramework(error: unknown, request: FastifyRequest): FhirError | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && error.code === 'ECONNRESET' && !request.raw.complete)
    return doorFault(400, 'invalid', 'body-cut-off', 'the connection ended before the whole body had come')
  if (!('statusCode' in error) || typeof error.statusCode !== 'number') return undefined
  switch (error.statusCode) {
    case 413:
      return doorFault(
        413,
        'too-long',
        'body-too-large',
        'the body is larger than this service takes; send less at once'
      )
    case 414:
      return doorFault(414, 'too-long', 'url-too-long', 'a part of the URL is longer than any id')
    case 415:
      return doorFault(415, 'not-supported', 'media-type', 'the Content-Type header cannot be read')
    default:
      return error.statusCode >= 400 && error.statusCode < 500
        ? doorFault(
            error.statusCode,
            'invalid',
            'request-malformed',
            'the request is malformed; check its URL and headers'
          )
        : undefined
  }
}

function ownFault(error: unknown, request: FastifyRequest, log: HttpLog): FhirError {
  const errorId = randomUUID()
  request.logged['error_id'] = errorId
  log.error({ error_id: errorId, request_id: request.id, ...describe(error) }, 'http.failed')
  return doorFault(
    500,
    'exception',
    'internal-error',
    `something went wrong in the Hub, not in what was sent; tell its operator the error id ${errorId}`
  )
}

// Where it happened, and the message without what could be a value: quoted text and digits.
function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error_name: typeof error }
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  return {
    error_name: error.name,
    ...('code' in error ? { error_code: error.code } : {}),
    error_message: error instanceof SyntaxError ? '' : withoutValues(error.message),
    error_stack: frames.slice(0, 12).join('\n'),
    ...(error.cause === undefined ? {} : { error_cause: describe(error.cause) })
  }
}

function withoutValues(message: string): string {
  return message
    .slice(0, 500)
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '"…"')
    .replace(/\d{4,}/g, '…')
}

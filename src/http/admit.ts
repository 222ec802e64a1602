// What is looked at before a handler is asked: the caller, the form of question and answer, the body.
import type { FastifyRequest } from 'fastify'
import { parseJson } from '../fhir/parse-json.js'
import { authenticate, requireScope } from './authenticate.js'
import { checkContentType } from './media-type.js'
import { parseParameters, queryOf } from './parse-parameters.js'
import { readAnswerForm, withoutGeneral } from './read-answer-form.js'
import type { VerifyToken } from './token-verifier.js'

/** Who it is, whether they may, and whether question and answer have a form that is served: before a body is read. */
export async function admit(request: FastifyRequest, verifyToken: VerifyToken): Promise<void> {
  const { access, surface, accepts } = request.routeOptions.config
  if (request.is404 || access === undefined) return
  if (access !== 'open') {
    request.caller = await authenticate(request.raw, verifyToken)
    requireScope(request.caller, access)
  }
  if (surface === 'fhir') {
    const parameters = parseParameters(queryOf(request.url))
    request.answer = readAnswerForm(request.headers.accept, parameters)
    request.parameters = withoutGeneral(parameters)
  }
  if (accepts !== undefined && hasBody(request))
    checkContentType(request.headers['content-type'], request.headers['content-encoding'], accepts, request.method)
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** FHIR bodies stay bytes, so that what was sent can be kept as it was; others are read as strictly. */
export function parseBody(
  request: FastifyRequest,
  body: Buffer,
  done: (error: Error | null, body?: unknown) => void
): void {
  if (request.routeOptions.config.surface === 'fhir' || request.is404) {
    done(null, body)
    return
  }
  try {
    if (body.length === 0) done(null)
    else {
      checkContentType(request.headers['content-type'], request.headers['content-encoding'], ['application/json'])
      done(null, parseJson(body).value)
    }
  } catch (error) {
    done(error as Error)
  }
}

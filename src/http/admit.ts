// What is looked at before a handler is asked: the caller, the form of question and answer, the body.
import type { FastifyRequest } from 'fastify'
import { parseJson } from '../fhir/parse-json.js'
import { authenticate, requireScope } from './authenticate.js'
import { checkContentEncoding, unpackBody } from './content-coding.js'
import { checkContentType } from './media-type.js'
import { parseParameters, queryOf } from './parse-parameters.js'
import { readAnswerForm, withoutGeneral } from './read-answer-form.js'
import type { VerifyToken } from './token-verifier.js'

/** Who it is, whether they may, and whether question and answer have a form that is served: before a body is read. */
export async function admit(request: FastifyRequest, verifyToken: VerifyToken): Promise<void> {
  const { access, surface, accepts, authenticate: known } = request.routeOptions.config
  if (request.is404 || access === undefined) return
  if (access !== 'open') {
    request.caller = await (known === undefined ? authenticate(request.raw, verifyToken) : known(request))
    if (access !== 'authenticated') requireScope(request.caller, access)
  }
  if (surface === 'fhir') {
    const parameters = parseParameters(queryOf(request.url))
    request.answer = readAnswerForm(request.headers.accept, parameters)
    request.parameters = withoutGeneral(parameters)
  }
  if (accepts === undefined || !hasBody(request)) return
  checkContentEncoding(request.headers['content-encoding'])
  checkContentType(request.headers['content-type'], accepts)
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** FHIR bodies stay bytes, so that what was sent can be kept as it was; others are read as strictly. */
export async function parseBody(request: FastifyRequest, received: Buffer): Promise<unknown> {
  const { config, bodyLimit } = request.routeOptions
  if (request.is404) return received
  const body = await unpackBody(received, request.headers['content-encoding'], bodyLimit)
  if (config.surface === 'fhir') return body
  if (body.length === 0) return undefined
  checkContentType(request.headers['content-type'], ['application/json'])
  return parseJson(body).value
}

// read, vread, history and search of Immunization.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readSingleShape, shapeBody, SHAPE_PARAMETERS, type AnswerShape } from '../history/answer-shape.js'
import type { History, QueryOptions, ReadVersion } from '../history/history.js'
import type { Parameter } from '../history/plan-search.js'
import { sendFhir } from './answer.js'
import { doorFault } from './door-fault.js'
import { decodeForm, parseParameters, queryOf } from './parse-parameters.js'
import { parsePrefer } from './prefer.js'
import { readAnswerForm, withoutGeneral } from './read-answer-form.js'
import { callerOf, FHIR_BASE, type Route } from './route.js'
import { isNotModified } from './version-condition.js'

const COLLECTION = `${FHIR_BASE}/Immunization`
const common = { surface: 'fhir', resource: 'Immunization' } as const

/** `base()`: absolute, as in https://hub.example/FHIR/R4. */
export function immunizationReads(deps: { history: History; base: () => string }): Route[] {
  const { history } = deps
  const optionsOf = (request: FastifyRequest): QueryOptions => ({ base: deps.base(), lenient: isLenient(request) })
  const search = async (request: FastifyRequest, reply: FastifyReply, parameters: readonly Parameter[]) =>
    sendFhir(request, reply, await history.search(callerOf(request), parameters, optionsOf(request)))
  return [
    {
      ...common,
      method: 'GET',
      path: COLLECTION,
      access: 'system/Immunization.s',
      interaction: 'search-type',
      handle: (request, reply) => search(request, reply, request.parameters)
    },
    {
      ...common,
      method: 'POST',
      path: `${COLLECTION}/_search`,
      access: 'system/Immunization.s',
      accepts: ['application/x-www-form-urlencoded'],
      interaction: 'search-type',
      handle: (request, reply) => search(request, reply, [...request.parameters, ...readForm(request)])
    },
    {
      ...common,
      method: 'GET',
      path: `${COLLECTION}/:id`,
      access: 'system/Immunization.r',
      interaction: 'read',
      async handle(request, reply) {
        const shape = readShape(request)
        const { id } = request.params as { id: string }
        return sendVersion(request, reply, await history.read(callerOf(request), id), shape)
      }
    },
    {
      ...common,
      method: 'GET',
      path: `${COLLECTION}/:id/_history/:version`,
      access: 'system/Immunization.r',
      interaction: 'vread',
      async handle(request, reply) {
        const shape = readShape(request)
        const { id, version } = request.params as { id: string; version: string }
        if (!/^[1-9]\d{0,8}$/.test(version))
          throw doorFault(404, 'not-found', 'unknown-version', 'versions are whole numbers, counted from 1')
        return sendVersion(request, reply, await history.readVersion(callerOf(request), id, Number(version)), shape)
      }
    },
    ...versionHistories(history, optionsOf)
  ]
}

function versionHistories(history: History, optionsOf: (request: FastifyRequest) => QueryOptions): Route[] {
  return [
    {
      ...common,
      method: 'GET',
      path: `${COLLECTION}/_history`,
      access: 'system/Immunization.r',
      interaction: 'history-type',
      handle: async (request, reply) =>
        sendFhir(request, reply, await history.allVersions(callerOf(request), request.parameters, optionsOf(request)))
    },
    {
      ...common,
      method: 'GET',
      path: `${COLLECTION}/:id/_history`,
      access: 'system/Immunization.r',
      interaction: 'history-instance',
      async handle(request, reply) {
        const { id } = request.params as { id: string }
        const options = optionsOf(request)
        return sendFhir(request, reply, await history.versions(callerOf(request), id, request.parameters, options))
      }
    }
  ]
}

/** Which elements of a single record are asked for. @throws FhirError 400 for another parameter, unless lenient */
function readShape(request: FastifyRequest): AnswerShape {
  const shaping = request.parameters.filter(({ name }) => SHAPE_PARAMETERS.some((known) => known === name))
  if (shaping.length < request.parameters.length && !isLenient(request)) {
    const text = 'a read takes _summary, _elements, _format and _pretty; Prefer: handling=lenient ignores others'
    throw doorFault(400, 'not-supported', 'parameter-unknown', text)
  }
  return readSingleShape(shaping)
}

/** Writes take no parameters. @throws FhirError 400 unless the caller asks for lenient handling */
export function refuseParameters(request: FastifyRequest): void {
  if (request.parameters.length === 0 || isLenient(request)) return
  const text = 'there are no parameters here except _format and _pretty; Prefer: handling=lenient ignores others'
  throw doorFault(400, 'not-supported', 'parameter-unknown', text)
}

export function isLenient(request: FastifyRequest): boolean {
  return parsePrefer(request.headers['prefer']).handling === 'lenient'
}

// A form may say what the answer shall look like, as a URL may.
export function readForm(request: FastifyRequest): readonly Parameter[] {
  if (!Buffer.isBuffer(request.body)) return []
  const parameters = parseParameters(decodeForm(request.body))
  const others = withoutGeneral(parameters)
  if (others.length < parameters.length)
    request.answer = readAnswerForm(request.headers.accept, [...parseParameters(queryOf(request.url)), ...parameters])
  return others
}

function sendVersion(
  request: FastifyRequest,
  reply: FastifyReply,
  found: ReadVersion,
  shape: AnswerShape
): FastifyReply {
  const { version, lastUpdated, body } = found
  request.logged['record_id'] = found.recordId
  reply.headers({ etag: `W/"${version}"`, 'last-modified': lastUpdated.toUTCString() })
  if (isNotModified(request.headers, version, lastUpdated)) return reply.code(304).send()
  return sendFhir(request, reply, shapeBody(body, shape))
}

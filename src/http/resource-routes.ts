// read and search-type of a resource that is served read-only, and what /metadata says of it.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { parseScopes, type Caller, type Scope } from '../fhir/caller.js'
import type { Parameter } from '../history/plan-search.js'
import { SHAPING_PARAMETERS } from '../history/plan-resource-search.js'
import type { ResourceReads } from '../history/resource-reads.js'
import { sendFhir } from './answer.js'
import { requireScope } from './authenticate.js'
import { isLenient, readForm, refuseParameters } from './immunization-reads.js'
import { FHIR_BASE, type Access, type Route, type ServedResource } from './route.js'
import { isNotModified } from './version-condition.js'

export interface ServedType {
  reads: ResourceReads
  /** Who may read and search: the scopes of its own, or anyone. */
  access: { read: Access; search: Access }
}

/** Behind the scopes of its own type. */
export function scoped(reads: ResourceReads): ServedType {
  return { reads, access: { read: scopeOf(reads.type, 'r'), search: scopeOf(reads.type, 's') } }
}

/** For anyone. */
export function openResource(reads: ResourceReads): ServedType {
  return { reads, access: { read: 'open', search: 'open' } }
}

/** `base()`: absolute, as in https://hub.example/FHIR/R4. */
export function resourceRoutes({ reads, access }: ServedType, base: () => string): Route[] {
  const collection = `${FHIR_BASE}/${reads.type}`
  const search = async (request: FastifyRequest, reply: FastifyReply, parameters: readonly Parameter[]) => {
    const options = { base: base(), lenient: isLenient(request) }
    return sendFhir(request, reply, await reads.search(callerFor(reads, request), parameters, options))
  }
  const common = { surface: 'fhir', resource: reads.type } as const
  return [
    {
      ...common,
      method: 'GET',
      path: collection,
      access: access.search,
      interaction: 'search-type',
      handle: (request, reply) => search(request, reply, request.parameters)
    },
    {
      ...common,
      method: 'POST',
      path: `${collection}/_search`,
      access: access.search,
      accepts: ['application/x-www-form-urlencoded'],
      interaction: 'search-type',
      handle: (request, reply) => search(request, reply, [...request.parameters, ...readForm(request)])
    },
    {
      ...common,
      method: 'GET',
      path: `${collection}/:id`,
      access: access.read,
      interaction: 'read',
      async handle(request, reply) {
        refuseParameters(request)
        const { id } = request.params as { id: string }
        const { version, lastUpdated, body } = await reads.read(callerFor(reads, request), id, base())
        reply.headers({ etag: `W/"${version}"`, 'last-modified': lastUpdated.toUTCString() })
        if (isNotModified(request.headers, version, lastUpdated)) return reply.code(304).send()
        return sendFhir(request, reply, body)
      }
    }
  ]
}

/** What /metadata says of it. */
export function servedResource({ type, documentation, parameters }: ResourceReads): ServedResource {
  return {
    type,
    documentation: `${documentation} Parameters that shape a search: ${SHAPING_PARAMETERS.join(', ')}.`,
    versioning: 'versioned',
    readHistory: false,
    updateCreate: false,
    conditionalCreate: false,
    conditionalRead: 'full-support',
    conditionalUpdate: false,
    conditionalDelete: 'not-supported',
    searchParam: parameters.map((parameter) => ({
      name: parameter.name,
      type: parameter.type,
      documentation: parameter.documentation,
      ...(parameter.definition === undefined ? {} : { definition: parameter.definition })
    }))
  }
}

function scopeOf(type: string, letter: 'r' | 's'): Scope {
  const [scope] = parseScopes(`system/${type}.${letter}`)
  if (scope === undefined) throw new Error(`there is no scope system/${type}.${letter}`)
  return scope
}

/** Definitions are open to anyone. */
const ANYONE: Caller = { client: '', scopes: new Set(), permissions: new Map(), changedResend: 'conflict' }

function callerFor({ staffOnly }: ResourceReads, { caller = ANYONE }: FastifyRequest): Caller {
  if (staffOnly) requireScope(caller, 'ops/read')
  return caller
}

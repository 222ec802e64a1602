// Reading what an operations request says: its query string, its ids, its body.
import type { FastifyRequest } from 'fastify'
import type { Parameter } from '../history/plan-search.js'
import { doorFault } from './door-fault.js'
import type { Check } from './ops-check.js'
import { checkNoQuery, checkPathId } from './ops-schemas.js'
import { parseParameters, queryOf } from './parse-parameters.js'

/** @throws FhirError 400 for a query string that does not fit */
export function readQuery<Value>(request: FastifyRequest, check: Check<Value>): Value {
  return check(gather(parseParameters(queryOf(request.url))))
}

/** @throws FhirError 400 for any parameter */
export function refuseQuery(request: FastifyRequest): void {
  readQuery(request, checkNoQuery)
}

/** A write takes its body only. @throws FhirError 400 for a body that does not fit, or any parameter */
export function readBody<Value>(request: FastifyRequest, check: Check<Value>): Value {
  refuseQuery(request)
  if (request.body === undefined || request.body === null)
    throw doorFault(
      400,
      'required',
      'ops-body',
      'a JSON object is expected as body, with Content-Type: application/json'
    )
  return check(request.body)
}

/** The `:id` of the path. @throws FhirError 400 when it is no id */
export function readPathId(request: FastifyRequest): string {
  return checkPathId(request.params).id.toLowerCase()
}

export function notFound(what: string, next: string): Error {
  return doorFault(404, 'not-found', 'ops-not-found', `${what} is not known here; ${next}`)
}

function gather(parameters: readonly Parameter[]): Record<string, string | string[]> {
  const values = new Map<string, string | string[]>()
  for (const { name, value } of parameters) {
    const earlier = values.get(name)
    values.set(name, earlier === undefined ? value : [earlier, value].flat())
  }
  return Object.fromEntries(values)
}

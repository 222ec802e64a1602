// A route as a row of a table: what registers it, what /metadata says of it and what openapi.yaml is checked against.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller, Scope } from '../fhir/caller.js'
import type { Parameter } from '../history/plan-search.js'
import type { AnswerType } from './media-type.js'

export const FHIR_BASE = '/FHIR/R4'

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the root, parameters as `:id`. */
  path: string
  access: Access
  surface: Surface
  /** Content types of a body; undefined where a body is not read. */
  accepts?: readonly string[]
  /** FHIR interaction on Immunization, http://hl7.org/fhir/R4/valueset-type-restful-interaction.html */
  interaction?: 'create' | 'read' | 'vread' | 'update' | 'delete' | 'history-instance' | 'search-type'
  /** FHIR operation on Immunization, with the canonical of its definition. */
  operation?: { name: string; definition: string }
  handle: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>
}

/** Who may: anyone, or a caller whose token has the scope. */
export type Access = 'open' | Scope

/** `fhir`: Accept, _format and _pretty count, and bodies are bytes. `plain`: everything else. */
export type Surface = 'fhir' | 'plain'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    surface?: Surface
    accepts?: readonly string[]
  }
  interface FastifyRequest {
    /** Undefined on open routes. */
    caller: Caller | undefined
    /** Of the query string, without _format and _pretty. */
    parameters: readonly Parameter[]
    answer: AnswerForm
    /** What the one log line of this request has besides the usual. Never a patient's data. */
    logged: Record<string, unknown>
  }
}

export interface AnswerForm {
  type: AnswerType
  pretty: boolean
}

/** The caller of a route that is not open. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Error('an open route has no caller')
  return request.caller
}

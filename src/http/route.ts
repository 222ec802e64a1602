// A route as a row of a table: what registers it, what /metadata says of it and what openapi.yaml is checked against.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type {
  CapabilityStatementRestResource,
  CapabilityStatementRestResourceSearchParam,
  OperationDefinitionParameter
} from 'fhir/r4.js'
import type { Caller, Scope } from '../fhir/caller.js'
import type { Parameter } from '../history/plan-search.js'
import type { AnswerType } from './media-type.js'

export const FHIR_BASE = '/FHIR/R4'

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the root, parameters as `:id`. */
  path: string
  access: Access
  surface: Surface
  /** Content types of a body; undefined where a body is not read. */
  accepts?: readonly string[]
  /** Bytes of a body, where they are not those of a single resource. */
  bodyLimit?: number
  /** Type of the resource that `interaction` and `operation` are about. */
  resource?: CapabilityStatementRestResource['type']
  interaction?: Interaction
  /** What the base URL takes. */
  systemInteraction?: readonly ('batch' | 'transaction')[]
  /** FHIR operation. */
  operation?: Operation
  handle: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>
}

/** What OperationDefinition says of it. */
export interface Operation {
  name: string
  /** Canonical of its definition: HL7's, where there is one. */
  definition: string
  documentation?: string
  affectsState?: boolean
  parameter?: readonly OperationDefinitionParameter[]
}

/** On a type of resource, http://hl7.org/fhir/R4/valueset-type-restful-interaction.html */
export type Interaction =
  'create' | 'read' | 'vread' | 'update' | 'patch' | 'delete' | 'history-instance' | 'history-type' | 'search-type'

/** What /metadata says of a type of resource, beside the interactions and operations that its routes tell. */
export interface ServedResource extends Omit<CapabilityStatementRestResource, 'interaction' | 'operation'> {
  documentation: string
  searchParam: (CapabilityStatementRestResourceSearchParam & { documentation: string })[]
}

/** Who may: anyone, any caller with a token (the handler asks for more), or a caller whose token has the scope. */
export type Access = 'open' | 'authenticated' | Scope

/** `fhir`: Accept, _format and _pretty count, and bodies are bytes. `plain`: everything else. */
export type Surface = 'fhir' | 'plain'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    surface?: Surface
    accepts?: readonly string[]
    /** How the caller is known, where it is not by a bearer token. */
    authenticate?: (request: FastifyRequest) => Promise<Caller>
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

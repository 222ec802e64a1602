// The calls to a FHIR R4 server that hold the record under its business identifier.
// Source: http://hl7.org/fhir/R4/http.html (update, conditional update, delete, search), checked 2026-11-28.
import { randomUUID } from 'node:crypto'
import type { Bundle, Immunization } from 'fhir/r4.js'
import type { FhirResource } from 'fhir-kit-client'
import { callWithToken, settleCall, type CallResult } from '../nhs/call-with-token.js'
import type { TokenSource } from '../nhs/token-source.js'
import { createFhirClient, readAnswer, type FhirAnswer } from '../transport/fhir-client.js'
import { findIssues } from '../transport/fhir-outcome.js'
import type { CallTrace } from '../transport/http-destination.js'
import type { HttpTransport } from '../transport/http-transport.js'
import type { RemoteRecord } from '../transport/record-steps.js'

export type ServerResult = CallResult<FhirAnswer>

export interface ServerApi {
  /** Conditional update: creates the record, or writes over the one that has this identifier. */
  putByIdentifier(resource: Immunization, trace: CallTrace): Promise<ServerResult>
  /** Writes over `version` and no other. */
  putById(remote: Required<RemoteRecord>, resource: Immunization, trace: CallTrace): Promise<ServerResult>
  remove(id: string, trace: CallTrace): Promise<ServerResult>
  read(id: string, trace: CallTrace): Promise<ServerResult>
  find(resource: Immunization, trace: CallTrace): Promise<ServerResult>
}

export interface ServerAccess {
  baseUrl: string
  /** Undefined where the server wants no token. */
  tokens?: TokenSource
  /** Sent with every request. */
  headers: Record<string, string>
}

export function createServerApi(access: ServerAccess, transport: HttpTransport): ServerApi {
  const client = createFhirClient(access.baseUrl, transport)
  const { tokens } = access
  const resourceType = 'Immunization'

  function call(
    requestId: string,
    trace: CallTrace,
    send: (options: { headers: Record<string, string>; signal: AbortSignal }) => Promise<FhirResource>
  ): Promise<ServerResult> {
    const { signal, correlationId } = trace
    const headers = { ...access.headers, 'x-request-id': requestId, 'x-correlation-id': correlationId }
    if (tokens === undefined)
      return settleCall(trace.takeTurn().then(async () => readAnswer(await send({ headers, signal }))))
    return callWithToken(tokens, trace, async (authorization) =>
      readAnswer(await send({ headers: { ...headers, authorization }, signal }))
    )
  }

  return {
    putByIdentifier: (resource, trace) =>
      call(trace.requestId, trace, ({ headers, signal }) =>
        client.update({
          resourceType,
          searchParams: { identifier: identifierToken(resource) },
          body: { ...resource },
          options: { headers: { ...headers, prefer: 'return=minimal' }, signal }
        })
      ),
    putById: ({ id, version }, resource, trace) =>
      call(trace.requestId, trace, ({ headers, signal }) =>
        client.update({
          resourceType,
          id,
          body: { ...resource, id },
          options: { headers: { ...headers, prefer: 'return=minimal', 'if-match': `W/"${version}"` }, signal }
        })
      ),
    remove: (id, trace) => call(trace.requestId, trace, (options) => client.delete({ resourceType, id, options })),
    read: (id, trace) => call(randomUUID(), trace, (options) => client.read({ resourceType, id, options })),
    find: (resource, trace) =>
      call(randomUUID(), trace, ({ headers, signal }) =>
        client.search({
          resourceType,
          searchParams: { identifier: identifierToken(resource) },
          // Some servers answer a search from what they found a minute ago.
          options: { headers: { ...headers, 'cache-control': 'no-cache' }, signal }
        })
      )
  }
}

function identifierToken({ identifier }: Immunization): string {
  const { system = '', value = '' } = identifier?.[0] ?? {}
  return `${system}|${value}`
}

/** Id and version of what was written, from Location, else from a body; undefined when the answer does not say which. */
export function readWritten(answer: FhirAnswer): RemoteRecord | undefined {
  const address = answer.headers.location ?? answer.headers['content-location'] ?? ''
  const [, located, versioned] =
    /\/Immunization\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([A-Za-z0-9\-.]{1,64}))?\/?$/.exec(address) ?? []
  const body = answer.resource?.resourceType === 'Immunization' ? answer.resource : undefined
  const id = located ?? (typeof body?.id === 'string' ? body.id : undefined)
  const version = readVersion(answer) ?? versioned
  return id === undefined ? undefined : { id, ...(version === undefined ? {} : { version }) }
}

/** From the ETag header, which FHIR writes weak: W/"3"; else from meta. */
export function readVersion(answer: FhirAnswer): string | undefined {
  const tag = /^(?:W\/)?"([^"]+)"$/.exec(answer.headers.etag?.trim() ?? '')?.[1]
  const { meta } = (answer.resource ?? {}) as { meta?: { versionId?: unknown } }
  return tag ?? (typeof meta?.versionId === 'string' ? meta.versionId : undefined)
}

/** The Immunizations of a search. @returns 'unreadable' when the answer is no Bundle */
export function readMatches(answer: FhirAnswer): Immunization[] | 'unreadable' {
  if (answer.resource?.resourceType !== 'Bundle') return 'unreadable'
  const { entry } = answer.resource as { entry?: Bundle['entry'] }
  return (entry ?? []).flatMap(({ resource }) => (isImmunization(resource) ? [resource] : []))
}

function isImmunization(resource: { resourceType: string } | undefined): resource is Immunization {
  return resource?.resourceType === 'Immunization'
}

/** A success whose body is an error: some gateways answer so, and then nobody knows what was done. */
export function isErrorInDisguise(answer: FhirAnswer): boolean {
  return findIssues(answer).some(({ severity }) => severity === 'error' || severity === 'fatal')
}

// The calls of the NHS Immunisation FHIR API, each with a bearer token and its trace headers.
// Source: NHSDigital/immunisation-fhir-api @44be4c1, section 1 of reference/nhs-immunisation-fhir-api.md.
import { randomUUID } from 'node:crypto'
import type { Bundle, Immunization } from 'fhir/r4.js'
import type { FhirResource } from 'fhir-kit-client'
import { NHS_NUMBER_SYSTEM } from '../../fhir/identifier-systems.js'
import { createFhirClient, readAnswer, type FhirAnswer } from '../transport/fhir-client.js'
import type { CallTrace } from '../transport/http-destination.js'
import type { HttpTransport } from '../transport/http-transport.js'
import type { RemoteRecord } from '../transport/record-steps.js'
import { callWithToken, type CallResult } from './call-with-token.js'
import type { TokenSource } from './token-source.js'

export type ApiResult = CallResult<FhirAnswer>

export interface ImmunizationApi {
  create(resource: Immunization, trace: CallTrace): Promise<ApiResult>
  /** `version` is the one the API now has; it answers with the next. */
  update(id: string, version: string, resource: Immunization, trace: CallTrace): Promise<ApiResult>
  remove(id: string, trace: CallTrace): Promise<ApiResult>
  read(id: string, trace: CallTrace): Promise<ApiResult>
  /** The cheapest way to learn id and version of a record we own. */
  find(identifier: { system: string; value: string }, trace: CallTrace): Promise<ApiResult>
  /** A patient's completed records of a vaccine type. By POST: an NHS number does not belong in a URL. */
  findByPatient(nhsNumber: string, vaccineType: string, trace: CallTrace): Promise<ApiResult>
}

export function createImmunizationApi(baseUrl: string, transport: HttpTransport, tokens: TokenSource): ImmunizationApi {
  const client = createFhirClient(baseUrl, transport)
  const resourceType = 'Immunization'

  /** One call; after a 401 once more with a new token. */
  function call(
    requestId: string,
    trace: CallTrace,
    send: (options: { headers: Record<string, string>; signal: AbortSignal }) => Promise<FhirResource>
  ): Promise<ApiResult> {
    return callWithToken(tokens, trace, async (authorization) => {
      const headers = { authorization, 'x-request-id': requestId, 'x-correlation-id': trace.correlationId }
      return readAnswer(await send({ headers, signal: trace.signal }))
    })
  }

  return {
    create: (resource, trace) =>
      call(trace.requestId, trace, (options) => client.create({ resourceType, body: asBody(resource), options })),
    update: (id, version, resource, trace) =>
      call(trace.requestId, trace, ({ headers, signal }) =>
        client.update({
          resourceType,
          id,
          body: asBody({ ...resource, id }),
          options: { headers: { ...headers, 'e-tag': version }, signal }
        })
      ),
    remove: (id, trace) => call(trace.requestId, trace, (options) => client.delete({ resourceType, id, options })),
    read: (id, trace) => call(randomUUID(), trace, (options) => client.read({ resourceType, id, options })),
    find: ({ system, value }, trace) =>
      call(randomUUID(), trace, (options) =>
        client.search({
          resourceType,
          searchParams: { identifier: `${system}|${value}`, _elements: 'id,meta' },
          options
        })
      ),
    findByPatient: (nhsNumber, vaccineType, trace) =>
      call(randomUUID(), trace, (options) =>
        client.search({
          resourceType,
          searchParams: {
            'patient.identifier': `${NHS_NUMBER_SYSTEM}|${nhsNumber}`,
            '-immunization.target': vaccineType
          },
          options: { ...options, postSearch: true }
        })
      )
  }
}

// The client's own type is any object with a resourceType; @types/fhir has interfaces, which lack an index signature.
function asBody(resource: Immunization): FhirResource {
  return { ...resource }
}

/** Id from the end of Location (its front changed over the years) and version from E-Tag; a 201 without one means 1. */
export function readCreated(answer: FhirAnswer): RemoteRecord | undefined {
  const id = /\/Immunization\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?\/?$/.exec(answer.headers.location ?? '')?.[1]
  return id === undefined ? undefined : { id, version: readVersion(answer) ?? '1' }
}

/** The bare integer of E-Tag. */
export function readVersion(answer: FhirAnswer): string | undefined {
  const header = answer.headers['e-tag']
  return typeof header === 'string' && /^\d+$/.test(header.trim()) ? header.trim() : undefined
}

/**
 * The one match of an identifier search; undefined when there is none.
 * @returns 'unreadable' when the answer is not a searchset Bundle
 */
export function readFound(answer: FhirAnswer): RemoteRecord | undefined | 'unreadable' {
  if (answer.resource?.resourceType !== 'Bundle') return 'unreadable'
  const bundle = answer.resource as { entry?: Bundle['entry'] }
  const match = bundle.entry?.find((entry) => entry.resource?.resourceType === 'Immunization')?.resource
  if (match?.id === undefined) return undefined
  // A string in the specification, perhaps a number in an answer: the API builds it without a model.
  const version = match.meta?.versionId as string | number | undefined
  return { id: match.id, ...(version === undefined ? {} : { version: String(version) }) }
}

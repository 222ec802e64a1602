// What a write on one record is made of: its body, and the id in its URL.
import type { FastifyRequest } from 'fastify'
import { FhirError } from '../fhir/operation-outcome.js'
import { parseJson, type ParsedJson } from '../fhir/parse-json.js'
import { RECORD_ID } from '../history/search-demand.js'
import { doorFault } from './door-fault.js'

/** `wanted`: what is to be sent, for the caller who sent nothing. @throws FhirError 400 for a body that is not JSON */
export function readPayload({ body }: FastifyRequest, wanted = 'an Immunization'): ParsedJson {
  if (Buffer.isBuffer(body) && body.length > 0) return parseJson(body)
  const text = `the body is empty; send ${wanted} as JSON`
  throw new FhirError(400, [{ severity: 'error', code: 'structure', layer: 'json', rule: 'json-empty', text }])
}

/** @throws FhirError 404 for an id that the Hub never gives */
export function readRecordId(request: FastifyRequest): string {
  const { id } = request.params as { id: string }
  if (RECORD_ID.test(id)) return id
  throw doorFault(404, 'not-found', 'unknown-record', 'there is no such Immunization of this client; check the id')
}

// What $validate is asked: a Parameters resource, or the bare resource with the others in the URL. `verdicts` is the Hub's own.
// Source: http://hl7.org/fhir/R4/resource-operation-validate.html, checked 2026-11-22.
import type { FastifyRequest } from 'fastify'
import { parseJson, type ParsedJson } from '../fhir/parse-json.js'
import { doorFault } from './door-fault.js'
import { isLenient } from './immunization-reads.js'
import { isParameters, readOperationParameters, type Given } from './operation-parameters.js'

const MODES = ['create', 'update', 'delete', 'profile'] as const
const NAMES: ReadonlySet<string> = new Set(['resource', 'mode', 'profile', 'verdicts'])
export type ValidationMode = (typeof MODES)[number]

export interface ValidationRequest {
  mode?: ValidationMode
  /** Canonical, with or without |version. */
  profile?: string
  /** The resource to be judged; undefined when only the stored one can be meant. */
  payload?: ParsedJson
  /** The checks that passed are told as well. */
  verdicts?: 'all'
}

/** @throws FhirError 400 for a body that is not JSON and for a question that is not understood */
export function readValidationRequest(request: FastifyRequest): ValidationRequest {
  const payload = Buffer.isBuffer(request.body) && request.body.length > 0 ? parseJson(request.body) : undefined
  const isWrapped = payload !== undefined && isParameters(payload.value)
  const given = [...(isWrapped ? readOperationParameters(payload.value, notUnderstood) : []), ...request.parameters]
  const asked = gather(given, isLenient(request))
  const resource = asked.get('resource')
  const judged = isWrapped ? (resource === undefined ? undefined : parseAgain(resource)) : payload
  const mode = asked.get('mode')
  const profile = asked.get('profile')
  if (mode !== undefined && !isMode(mode)) throw notUnderstood('value', `mode must be one of ${MODES.join(', ')}`)
  if (profile !== undefined && typeof profile !== 'string')
    throw notUnderstood('value', 'profile must be the canonical URL of a profile')
  const verdicts = asked.get('verdicts')
  if (verdicts !== undefined && verdicts !== 'all')
    throw notUnderstood('value', 'verdicts must be all, or left out: then only what speaks against the record is told')
  return {
    ...(verdicts === undefined ? {} : { verdicts }),
    ...(mode === undefined ? {} : { mode }),
    ...(profile === undefined ? {} : { profile }),
    ...(judged === undefined ? {} : { payload: judged })
  }
}

export function notUnderstood(code: 'value' | 'required' | 'not-supported' | 'structure', text: string): Error {
  return doorFault(400, code, 'validate-request', text)
}

function gather(given: readonly Given[], isLenientAsked: boolean): Map<string, unknown> {
  const asked = new Map<string, unknown>()
  for (const { name, value } of given) {
    if (!NAMES.has(name)) {
      if (isLenientAsked) continue
      throw notUnderstood(
        'not-supported',
        '$validate takes resource, mode, profile and verdicts; leave other parameters out'
      )
    }
    if (asked.has(name)) throw notUnderstood('structure', `${name} is given twice; send it once`)
    asked.set(name, value)
  }
  return asked
}

function parseAgain(resource: unknown): ParsedJson {
  return parseJson(Buffer.from(JSON.stringify(resource)))
}

function isMode(value: unknown): value is ValidationMode {
  return MODES.some((mode) => mode === value)
}

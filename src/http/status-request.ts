// What $immunization-status and $immds-forecast are asked: a query, a form or a Parameters resource. The value of a parameter
// is never repeated: it may name a patient.
import type { FastifyRequest } from 'fastify'
import type { Immunization, Patient } from 'fhir/r4.js'
import { isFullDate } from '../fhir/dates.js'
import { NHS_NUMBER_SYSTEM } from '../fhir/identifier-systems.js'
import type { Issue, IssueCode } from '../fhir/issue.js'
import { isNhsNumber } from '../fhir/nhs-number.js'
import { FhirError } from '../fhir/operation-outcome.js'
import { parseJson } from '../fhir/parse-json.js'
import { MOST_EVENTS, type GivenRecords, type StatusQuestion } from '../history/immunization-status.js'
import { parseToken } from '../history/search-value.js'
import { doorFault } from './door-fault.js'
import { isLenient, readForm } from './immunization-reads.js'
import { isParameters, readOperationParameters, type Given } from './operation-parameters.js'

export type StatusRequest = { question: StatusQuestion } & ({ nhsNumber: string } | { given: GivenRecords })

export interface StatusRequestContext {
  /** Day on which is asked, where the caller names none. */
  today: string
  /** Flags that a programme file knows. */
  flags: ReadonlySet<string>
  /** Whether records may be handed in. */
  takesRecords: boolean
  /** Faults of a resource as base R4. */
  judge: (resource: unknown, profile: string) => Issue[]
}

const FORM = 'application/x-www-form-urlencoded'

/** @throws FhirError 400 that says what is served */
export function readStatusRequest(request: FastifyRequest, context: StatusRequestContext): StatusRequest {
  const names = context.takesRecords
    ? ['identifier', 'assessmentDate', 'flag', 'flagAbsent', 'patient', 'immunization']
    : ['identifier', 'assessmentDate', 'flag', 'flagAbsent']
  const asked = [...request.parameters, ...readBody(request)].filter(({ name }) => {
    if (names.includes(name)) return true
    if (isLenient(request)) return false
    throw refused('not-supported', `served are ${names.join(', ')}; leave other parameters out`)
  })
  const all = (name: string): unknown[] => asked.filter((given) => given.name === name).map(({ value }) => value)
  const one = (name: string): unknown => {
    const [value, ...others] = all(name)
    if (others.length > 0) throw refused('structure', `${name} is given twice; send it once`)
    return value
  }
  const question = {
    at: readDay(one('assessmentDate')) ?? context.today,
    flags: readFlags(all('flag'), all('flagAbsent'), context.flags)
  }
  const [identifier, patient, immunizations] = [one('identifier'), one('patient'), all('immunization')]
  if (identifier !== undefined && (patient !== undefined || immunizations.length > 0))
    throw refused('structure', 'records are either looked up by identifier or handed in; send one or the other')
  if (identifier !== undefined) return { question, nhsNumber: readNhsNumber(identifier) }
  if (patient === undefined) throw refused('required', `identifier is missing: ${NHS_NUMBER_SYSTEM}|{NHS number}`)
  return { question, given: readRecords(patient, immunizations, context.judge) }
}

function readBody(request: FastifyRequest): readonly Given[] {
  const { body } = request
  if (!Buffer.isBuffer(body) || body.length === 0) return []
  if ((request.headers['content-type'] ?? '').toLowerCase().startsWith(FORM)) return readForm(request)
  const { value } = parseJson(body)
  if (!isParameters(value)) throw refused('structure', 'the body must be a Parameters resource, or a form')
  return readOperationParameters(value, refused)
}

function readDay(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && isFullDate(value)) return value
  throw refused('value', 'assessmentDate must be a day such as 2026-10-01')
}

function readFlags(
  present: readonly unknown[],
  absent: readonly unknown[],
  known: ReadonlySet<string>
): Record<string, boolean> {
  const flags: Record<string, boolean> = {}
  for (const [values, isPresent] of [
    [present, true],
    [absent, false]
  ] as const)
    for (const flag of values) {
      if (typeof flag !== 'string' || !known.has(flag))
        throw refused('value', `flag and flagAbsent must be one of ${[...known].sort().join(', ')}`)
      if (flags[flag] === !isPresent) throw refused('value', 'a flag cannot be both present and absent')
      flags[flag] = isPresent
    }
  return flags
}

function readNhsNumber(value: unknown): string {
  const { system, code } = readIdentifier(value)
  if (system === NHS_NUMBER_SYSTEM && isNhsNumber(code)) return code
  throw refused(
    'value',
    `identifier must be ${NHS_NUMBER_SYSTEM}|{NHS number}: ten digits without spaces, the last one a check digit`
  )
}

/** A token (`system|value`), or an Identifier. */
function readIdentifier(value: unknown): { system?: unknown; code: string } {
  if (typeof value === 'string') return parseToken(value)
  if (typeof value !== 'object' || value === null || !('value' in value) || typeof value.value !== 'string')
    return { code: '' }
  return { code: value.value, ...('system' in value ? { system: value.system } : {}) }
}

function readRecords(
  patient: unknown,
  immunizations: readonly unknown[],
  judge: StatusRequestContext['judge']
): GivenRecords {
  if (immunizations.length > MOST_EVENTS)
    throw refused('too-long', `more than ${MOST_EVENTS} immunizations are given; one patient has fewer`)
  const faults = [
    ...faultsOf(patient, 'Patient', 'patient', judge),
    ...immunizations.flatMap((resource, index) => faultsOf(resource, 'Immunization', `immunization[${index}]`, judge))
  ]
  if (faults.length > 0) throw new FhirError(400, faults)
  return { patient: patient as Patient, immunizations: immunizations as Immunization[] }
}

function faultsOf(
  resource: unknown,
  type: 'Patient' | 'Immunization',
  place: string,
  judge: StatusRequestContext['judge']
): Issue[] {
  const isRight =
    typeof resource === 'object' && resource !== null && 'resourceType' in resource && resource.resourceType === type
  if (!isRight) throw refused('structure', `${place.replace(/\[.*/, '')} must be a resource of type ${type}`)
  return judge(resource, `http://hl7.org/fhir/StructureDefinition/${type}`)
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .map((issue) => ({ ...issue, text: `${place}: ${issue.text}` }))
}

function refused(
  code: Extract<IssueCode, 'value' | 'required' | 'not-supported' | 'structure' | 'too-long'>,
  text: string
): Error {
  return doorFault(400, code, 'status-request', text)
}

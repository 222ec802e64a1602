// A FHIR terminology server that knows every code, except those it is told not to know. It keeps what it was asked, so
// that a test can see what left the Hub.
// Source: $validate-code of ValueSet and CodeSystem, https://hl7.org/fhir/R4/operations.html, checked 2026-11-22.
import { jsonAnswer, type Receiver, type SandboxAnswer, type SandboxRequest } from './receiver.js'

export const TERMINOLOGY_PATH = /^\/terminology\/fhir\//
const FHIR_JSON = 'application/fhir+json'

/** Codes by what is answered about them. */
export interface KnownCodes {
  /** Not in any value set, nor in a code system. */
  outside?: readonly string[]
  inactive?: readonly string[]
}

export interface TerminologyReceiver extends Receiver {
  know(codes: KnownCodes): void
}

interface Parameter {
  name: string
  resource?: { compose?: { include?: Include[] } }
  valueUri?: string
  valueCode?: string
  valueCoding?: { system?: string; code?: string }
}
interface Include {
  system?: string
  concept?: { code: string }[]
}

export function createTerminologyReceiver(): TerminologyReceiver {
  const asked: string[] = []
  let codes: KnownCodes = {}

  function validate(request: SandboxRequest): SandboxAnswer {
    const type = /^\/terminology\/fhir\/(ValueSet|CodeSystem)\/\$validate-code$/.exec(request.path)?.[1]
    if (type === undefined || request.method !== 'POST') return refusal(404, 'not-found', 'there is no such operation')
    const { parameter = [] } = JSON.parse(request.body) as { parameter?: Parameter[] }
    const of = (name: string): Parameter | undefined => parameter.find((one) => one.name === name)
    const coding = of('coding')?.valueCoding ?? { system: of('url')?.valueUri, code: of('code')?.valueCode }
    const { system, code } = coding
    if (system === undefined || code === undefined) return refusal(400, 'required', 'system and code are required')
    const includes = of('valueSet')?.resource?.compose?.include
    if (type === 'ValueSet' && includes === undefined) return refusal(404, 'not-found', 'the value set is unknown')
    const isIncluded = includes?.some((include) => holds(include, system, code)) ?? true
    const parameters = [
      { name: 'result', valueBoolean: isIncluded && codes.outside?.includes(code) !== true },
      { name: 'code', valueCode: code },
      { name: 'system', valueUri: system },
      { name: 'version', valueString: 'http://snomed.info/sct/83821000000107/version/20261104' },
      ...(codes.inactive?.includes(code) === true ? [{ name: 'inactive', valueBoolean: true }] : [])
    ]
    return jsonAnswer(200, { resourceType: 'Parameters', parameter: parameters }, FHIR_JSON)
  }

  return {
    isWrite: () => false,
    answer(request) {
      asked.push(`${request.method} ${request.path} ${JSON.stringify(request.headers)} ${request.body}`)
      return validate(request)
    },
    fail(fault) {
      switch (fault) {
        case 'down':
          return refusal(503, 'transient', 'the server is being restarted')
        case 'limited':
          return refusal(429, 'throttled', 'too many requests')
        case 'refuse':
          return refusal(404, 'not-found', 'the value set is unknown')
        case 'credentials':
          return refusal(401, 'login', 'a token is required')
      }
    },
    journalPath: (request) => request.path,
    holdings: () => asked,
    know(told) {
      codes = told
    }
  }
}

/** An include without a list holds its whole system, filters aside. */
function holds(include: Include, system: string, code: string): boolean {
  return include.system === system && (include.concept?.some((concept) => concept.code === code) ?? true)
}

function refusal(status: number, code: string, text: string): SandboxAnswer {
  const issue = [{ severity: 'error', code, details: { text } }]
  return jsonAnswer(status, { resourceType: 'OperationOutcome', issue }, FHIR_JSON)
}

// What a terminology server answered to $validate-code, as a result or as a sentence that says why there is none.
// FHIR R4: https://hl7.org/fhir/R4/valueset-operation-validate-code.html and codesystem-operation-validate-code.html.
// A code system that the server lacks is `x-unknown-system` or `x-caused-by-unknown-system` at servers of the HL7 test
// cases (https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/), an error with an OperationOutcome at others.

export type Reply =
  | { kind: 'answered'; result: 'member' | 'not-member' | 'unknown'; inactive: boolean; systemVersion: string | null }
  /** `server`: nobody else would be answered either. */
  | { kind: 'failed'; of: 'server' | 'question'; problem: string; retryAfterMs?: number }

/** HTTP statuses by which a server says that it cannot judge the value set or the code system. */
const REFUSALS = new Set([400, 404, 422])

export function readReply(status: number, text: string): Reply {
  const resource = parseObject(text)
  if (status >= 300 && status < 400) return failed('server', `it answered ${status}; redirects are not followed`)
  if (REFUSALS.has(status)) {
    if (resource?.['resourceType'] === 'OperationOutcome') return unknown()
    return failed('server', `it answered ${status} without an OperationOutcome; check TERMINOLOGY_URL`)
  }
  if (status === 401 || status === 403) return failed('server', `it answered ${status}; check TERMINOLOGY_TOKEN`)
  if (status !== 200) return failed('server', `it answered ${status}`)
  if (resource === undefined) return failed('question', 'its answer is no JSON object')
  return readParameters(resource)
}

function readParameters(resource: Record<string, unknown>): Reply {
  const list: unknown[] = Array.isArray(resource['parameter']) ? resource['parameter'] : []
  const parameters = new Map(list.filter(isObject).map((parameter) => [parameter['name'], parameter]))
  const result = parameters.get('result')?.['valueBoolean']
  if (resource['resourceType'] !== 'Parameters' || typeof result !== 'boolean')
    return failed('question', 'its answer is no Parameters with a result')
  if (!result && (parameters.has('x-unknown-system') || parameters.has('x-caused-by-unknown-system'))) return unknown()
  return {
    kind: 'answered',
    result: result ? 'member' : 'not-member',
    inactive: parameters.get('inactive')?.['valueBoolean'] === true,
    systemVersion: readVersion(parameters.get('version'))
  }
}

// It is repeated to suppliers, so nothing but a version gets through.
function readVersion(parameter: Record<string, unknown> | undefined): string | null {
  const version = parameter?.['valueString']
  return typeof version === 'string' && /^[\w.:/-]{1,120}$/.test(version) ? version : null
}

function unknown(): Reply {
  return { kind: 'answered', result: 'unknown', inactive: false, systemVersion: null }
}

function failed(of: 'server' | 'question', problem: string): Reply {
  return { kind: 'failed', of, problem }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

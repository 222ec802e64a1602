// fhir-kit-client on our own transport. The stock one has no timeout and no socket cap, costs 0.8 ms a call, follows
// redirects, and puts the whole address, search identifiers included, into its errors.
import { Client, type FhirResource, type RequestOptions } from 'fhir-kit-client'
import type { HttpAnswer, HttpTransport } from './http-transport.js'

/** What a FHIR server answered, whatever the status. `resource` is undefined for an empty or unreadable body. */
export interface FhirAnswer extends HttpAnswer {
  resource?: FhirResource
}

// The client writes every header name in lower case; the NHS Immunisation API looks its version header up as "E-Tag".
const WIRE_NAMES: Record<string, string> = {
  'e-tag': 'E-Tag',
  'x-request-id': 'X-Request-ID',
  'x-correlation-id': 'X-Correlation-ID'
}

const answers = new WeakMap<object, FhirAnswer>()

/**
 * A client for one FHIR base address. Every call resolves to a resource whose answer {@link readAnswer} tells, whatever
 * its status: the caller decides what a status means. A call without `options.signal` is a bug.
 * @throws TransportFault when no answer came
 */
export function createFhirClient(baseUrl: string, transport: HttpTransport): Client {
  const client = new Client({ baseUrl })
  client.httpClient.request = async (method, path, options = {}, body) => {
    const answer = await transport.send({
      method,
      url: client.httpClient.expandUrl(path),
      headers: wireHeaders(options),
      signal: signalOf(options),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    const resource = parseResource(answer)
    const handle = resource ?? { resourceType: '' }
    answers.set(handle, resource === undefined ? answer : { ...answer, resource })
    return handle
  }
  return client
}

/** The answer behind what a method of the client gave. */
export function readAnswer(result: object): FhirAnswer {
  const answer = answers.get(result)
  if (answer === undefined) throw new TypeError('not a result of this client')
  return answer
}

function wireHeaders(options: RequestOptions): Record<string, string> {
  const named = Object.entries(options.headers ?? {}).map(([name, value]) => {
    const lower = name.toLowerCase()
    return [WIRE_NAMES[lower] ?? lower, value] as const
  })
  return { accept: 'application/fhir+json', ...Object.fromEntries(named) }
}

function signalOf(options: RequestOptions): AbortSignal {
  if (options.signal instanceof AbortSignal) return options.signal
  throw new TypeError('a request needs an AbortSignal: nothing may wait for ever')
}

function parseResource(answer: HttpAnswer): FhirResource | undefined {
  if (!answer.isComplete || answer.text === '') return undefined
  try {
    const parsed: unknown = JSON.parse(answer.text)
    return typeof parsed === 'object' && parsed !== null && 'resourceType' in parsed
      ? (parsed as FhirResource)
      : undefined
  } catch {
    return undefined
  }
}

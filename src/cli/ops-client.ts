// Speaks to the operations API of a running service.
import type { OperationOutcome } from 'fhir/r4.js'
import { CommandFault, EXIT, type ExitCode } from './exit-code.js'
import { readEvents, type ServerEvent } from './read-events.js'

export interface OpsClient {
  get<Answer>(path: string, query?: Query): Promise<Answer>
  post<Answer>(path: string, body: object): Promise<Answer>
  /**
   * The events of a stream, until it ends or breaks (it ends then) or the signal says so. `lastId`: that of the last event
   * that was read.
   */
  events(path: string, query: Query, lastId: string | undefined, signal: AbortSignal): AsyncGenerator<ServerEvent>
}

/** Undefined values are left out, a list is sent as repeated parameters. */
export type Query = Record<string, string | number | readonly string[] | undefined>

const TIMEOUT_MS = 60_000

/** @throws CommandFault from all calls: what the service said, and the exit code that goes with it */
export function createOpsClient(baseUrl: string, token: string | undefined): OpsClient {
  const authorized = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const call = async <Answer>(path: string, init: RequestInit): Promise<Answer> => {
    const response = await reach(baseUrl, path, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...init,
      headers: {
        accept: 'application/json',
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...authorized
      }
    })
    const text = await response.text()
    if (!response.ok) throw refusal(response.status, text, token)
    return parseAnswer(text, baseUrl) as Answer
  }
  return {
    get: (path, query = {}) => call(`${path}${queryText(query)}`, { method: 'GET' }),
    post: (path, body) => call(path, { method: 'POST', body: JSON.stringify(body) }),
    async *events(path, query, lastId, signal) {
      const resumed = lastId === undefined ? {} : { 'last-event-id': lastId }
      const headers = { accept: 'text/event-stream', ...authorized, ...resumed }
      const response = await reach(baseUrl, `${path}${queryText(query)}`, { headers, signal })
      if (!response.ok) throw refusal(response.status, await response.text(), token)
      if (response.body === null) return
      try {
        yield* readEvents(response.body)
      } catch (error) {
        // undici calls it a TypeError, or an AbortError when it was our own doing.
        if (!signal.aborted && !(error instanceof TypeError)) throw error
      }
    }
  }
}

async function reach(baseUrl: string, path: string, init: RequestInit): Promise<Response> {
  let url: URL
  try {
    url = new URL(path, baseUrl)
  } catch (cause) {
    throw new CommandFault(
      EXIT.usage,
      `"${baseUrl}" is not the address of a service: give --url http://host:port`,
      undefined,
      {
        cause
      }
    )
  }
  try {
    return await fetch(url, { ...init, redirect: 'error' })
  } catch (cause) {
    throw new CommandFault(
      EXIT.trouble,
      `no answer from the service at ${url.origin}: is it running (npm start)? Another address goes into --url or IMMS_URL`,
      undefined,
      { cause }
    )
  }
}

function queryText(query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of typeof value === 'object' ? value : [String(value)]) search.append(name, one)
  }
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

function parseAnswer(text: string, baseUrl: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new CommandFault(
      EXIT.trouble,
      `${baseUrl} answered with something that is not JSON: is this the Immunisation Hub?`,
      undefined,
      { cause }
    )
  }
}

function refusal(status: number, text: string, token: string | undefined): CommandFault {
  const outcome = parseOutcome(text)
  const said = outcome?.issue.map((issue) => issue.details?.text ?? issue.diagnostics ?? issue.code).join('\n')
  const hint =
    status === 401
      ? token === undefined
        ? '\nNo token was given: put one into IMMS_TOKEN (development: imms token --client ops --scope "ops/read ops/write")'
        : '\nThe token was not accepted: put a fresh one into IMMS_TOKEN'
      : ''
  return new CommandFault(exitCodeOf(status), `${said ?? `the service answered ${status}`}${hint}`, outcome)
}

function parseOutcome(text: string): OperationOutcome | undefined {
  try {
    const value = JSON.parse(text) as Partial<OperationOutcome> | null
    return Array.isArray(value?.issue) ? (value as OperationOutcome) : undefined
  } catch {
    return undefined
  }
}

function exitCodeOf(status: number): ExitCode {
  if ([401, 403, 409, 412].includes(status)) return EXIT.refused
  return status < 500 && status !== 422 && status !== 429 ? EXIT.usage : EXIT.trouble
}

// Calls that write, as a client makes them, through the door of a hub.
import type { OperationOutcome } from 'fhir/r4.js'
import type { OpenHub } from './open-hub.js'

/** identifier.system of what the tests send. */
export const SYSTEM = 'https://pharmacy.example/vacc'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Sent {
  statusCode: number
  headers: Record<string, unknown>
  body: string
}

export type Call = (
  method: Method,
  url: string,
  body?: object | string,
  headers?: Record<string, string>
) => Promise<Sent>

/** Bodies go as FHIR JSON, those of a PATCH as JSON Patch, unless a header says otherwise. */
export function openCaller(
  hub: Pick<OpenHub, 'server' | 'bearer'>,
  client: string,
  permissions: string[] = ['*.CRUDS']
): Call {
  return async (method, url, body, headers = {}) => {
    const type = method === 'PATCH' ? 'application/json-patch+json' : 'application/fhir+json'
    return hub.server.inject({
      method,
      url,
      headers: {
        authorization: await hub.bearer({ client, permissions }),
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) })
    })
  }
}

export function rulesOf(answer: Sent): (string | undefined)[] {
  return (JSON.parse(answer.body) as OperationOutcome).issue.map(({ details }) => details?.coding?.[0]?.code)
}

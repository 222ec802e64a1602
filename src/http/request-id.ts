// X-Request-ID and X-Correlation-ID: what a caller sends comes back, so that both sides find the same request.
import type { IncomingMessage } from 'node:http'
import { uuidv7 } from 'uuidv7'

const ID = /^[A-Za-z0-9][A-Za-z0-9._~:/+=@-]{0,127}$/

/** The caller's X-Request-ID, or one made here where it sends none or one that could not stand in a log or a row. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  return findId(request.headers['x-request-id']) ?? uuidv7()
}

/** The caller's X-Correlation-ID; undefined where there is none or it is not fit to be repeated. */
export function correlationIdOf(request: Pick<IncomingMessage, 'headers'>): string | undefined {
  return findId(request.headers['x-correlation-id'])
}

function findId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && ID.test(header) ? header : undefined
}

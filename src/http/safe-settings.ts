// Limits and headers that hold for every connection and every answer, whatever route it is.
import type { Socket } from 'node:net'
import type { FastifyHttpOptions } from 'fastify'
import type { RawServerDefault } from 'fastify'
import { toOperationOutcome } from '../fhir/operation-outcome.js'
import { requestIdOf } from './request-id.js'

/** Fastify's and Node's defaults leave some of these endless. */
export const SAFE_SETTINGS = {
  logger: false,
  trustProxy: false,
  /** A whole request must have come in this time: ends slow trickles. */
  requestTimeout: 30_000,
  /** A connection on which nothing moves. */
  connectionTimeout: 120_000,
  /** Above the 60 s that most load balancers keep an idle connection, so that the end of one is theirs to choose. */
  keepAliveTimeout: 72_000,
  http: {
    headersTimeout: 15_000,
    connectionsCheckingInterval: 5_000,
    maxHeaderSize: 16_384,
    insecureHTTPParser: false,
    // Asked for by the server itself, which says what is wrong.
    requireHostHeader: false
  },
  routerOptions: {
    caseSensitive: true,
    ignoreTrailingSlash: false,
    ignoreDuplicateSlashes: false,
    maxParamLength: 128
  },
  /** Requests that come while the server closes are still answered, on connections that end afterwards. */
  return503OnClosing: false,
  forceCloseConnections: 'idle',
  requestIdHeader: false,
  genReqId: requestIdOf,
  clientErrorHandler: answerBrokenRequest
} as const satisfies FastifyHttpOptions<RawServerDefault>

export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  vary: 'Accept, Accept-Encoding',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY'
} as const

const BROKEN = new Map([
  ['HPE_HEADER_OVERFLOW', { status: '431 Request Header Fields Too Large', text: 'URL or headers are too long' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: '408 Request Timeout', text: 'the request did not come in time' }]
])
const MALFORMED = { status: '400 Bad Request', text: 'this is not HTTP/1.1' }

// What Node's parser refuses never becomes a request; it is still answered as a FHIR server answers.
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  const answered = (socket as { _httpMessage?: { headersSent?: boolean } })._httpMessage?.headersSent === true
  if (error.code === 'ECONNRESET' || !socket.writable || answered) {
    socket.destroy()
    return
  }
  const { status, text } = BROKEN.get(error.code ?? '') ?? MALFORMED
  const body = JSON.stringify(
    toOperationOutcome([{ severity: 'error', code: 'invalid', layer: 'service', rule: 'request-malformed', text }])
  )
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/fhir+json; charset=utf-8\r\n` +
      `Date: ${new Date().toUTCString()}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  )
}

// One pool of keep-alive sockets per destination, on node:http and node:https. Written because the built-in fetch has no
// socket cap and costs about five times the CPU per call (reference/feasibility.md, section D).
import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'

/** An answer is cut here: no receiver of ours answers with more, and a hostile one must not fill the memory. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

export interface HttpRequest {
  method: string
  url: string
  headers: Record<string, string>
  body?: string
  signal: AbortSignal
}

export interface HttpAnswer {
  status: number
  /** Names in lower case. */
  headers: http.IncomingHttpHeaders
  text: string
  /** False when the connection broke, or the cap was reached, after the status line: the status still counts. */
  isComplete: boolean
}

export interface TlsOptions {
  cert?: string
  key?: string
  ca?: string
}

export interface HttpTransport {
  /** Gives any answer there is, whatever its status; redirects are not followed. @throws TransportFault when there is none */
  send(request: HttpRequest): Promise<HttpAnswer>
  close(): void
}

/** No answer came. The message names the fault and never the address: a search address holds a patient's identifier. */
export class TransportFault extends Error {
  constructor(
    /** True when the request may have reached the receiver. */
    readonly mayHaveArrived: boolean,
    readonly reason: 'not-connected' | 'connection-lost' | 'aborted',
    code: string
  ) {
    super(`${reason.replace('-', ' ')} (${code})`)
    this.name = 'TransportFault'
  }
}

/**
 * A transport that opens at most `maxSockets` connections; further requests wait for a free one.
 * `lookup` resolves names in place of the system's own: what it refuses is not connected to.
 */
export function createHttpTransport(settings: {
  maxSockets: number
  tls?: TlsOptions
  lookup?: LookupFunction
}): HttpTransport {
  const { maxSockets, lookup } = settings
  const pool = { keepAlive: true, maxSockets, ...(lookup === undefined ? {} : { lookup }) }
  const plain = new http.Agent(pool)
  const secure = new https.Agent({ ...pool, ...settings.tls })
  return {
    send: (request) => sendOnce(request, plain, secure),
    close() {
      plain.destroy()
      secure.destroy()
    }
  }
}

function sendOnce(request: HttpRequest, plain: http.Agent, secure: https.Agent): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    if (request.signal.aborted) {
      reject(new TransportFault(false, 'aborted', 'before sending'))
      return
    }
    const url = new URL(request.url)
    const body = request.body === undefined ? undefined : Buffer.from(request.body)
    const headers = body === undefined ? request.headers : { ...request.headers, 'Content-Length': body.length }
    const options = { method: request.method, headers, signal: request.signal }
    const outgoing =
      url.protocol === 'https:'
        ? https.request(url, { ...options, agent: secure })
        : http.request(url, { ...options, agent: plain })
    let isConnected = false
    outgoing.on('socket', (socket) => {
      if (!socket.connecting) isConnected = true
      else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => (isConnected = true))
    })
    outgoing.on('response', (incoming) => {
      collect(incoming, resolve)
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      reject(toFault(error, isConnected, request.signal))
    })
    outgoing.end(body)
  })
}

function collect(incoming: http.IncomingMessage, resolve: (answer: HttpAnswer) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  const finish = (isComplete: boolean): void => {
    resolve({
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      text: Buffer.concat(chunks).toString('utf8'),
      isComplete
    })
  }
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= MAX_ANSWER_BYTES) chunks.push(chunk)
    else incoming.destroy()
  })
  incoming.on('end', () => {
    finish(incoming.complete)
  })
  // After 'end' this changes nothing: a promise is settled once.
  incoming.on('error', () => {
    finish(false)
  })
  incoming.on('close', () => {
    finish(false)
  })
}

function toFault(error: NodeJS.ErrnoException, isConnected: boolean, signal: AbortSignal): TransportFault {
  if (signal.aborted) return new TransportFault(isConnected, 'aborted', abortCode(signal))
  const code = error.code ?? error.name
  return new TransportFault(isConnected, isConnected ? 'connection-lost' : 'not-connected', code)
}

function abortCode(signal: AbortSignal): string {
  return signal.reason instanceof Error && signal.reason.name === 'TimeoutError' ? 'timeout' : 'stopped'
}

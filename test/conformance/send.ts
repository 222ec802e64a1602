// Sending requests as they are written, without a client that mends them on the way.
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { Agent as TlsAgent, request as httpsRequest } from 'node:https'
import { connect as connectTls } from 'node:tls'

export interface Answer {
  status: number
  /** Lower-case names; of several the values are joined by a comma. */
  headers: ReadonlyMap<string, string>
  bytes: Buffer
}

export interface Request {
  method: string
  /** The request target, as it goes on the wire. */
  target: string
  headers: Readonly<Record<string, string>>
  body?: Buffer
}

const TOO_LONG_MS = 30_000
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const tlsAgent = new TlsAgent({ keepAlive: true, maxSockets: 64 })

export function send(origin: string, { method, target, headers, body }: Request): Promise<Answer> {
  const { hostname, port, protocol } = new URL(origin)
  const isTls = protocol === 'https:'
  return new Promise((resolve, reject) => {
    // Node leaves it out with GET, HEAD and DELETE, and sends the body nevertheless.
    const length = body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': String(body.length) }
    const options = { hostname, port, method, path: target, headers: { ...headers, ...length }, timeout: TOO_LONG_MS }
    const sent = isTls
      ? httpsRequest({ ...options, agent: tlsAgent })
      : httpRequest({ ...options, agent, insecureHTTPParser: false })
    sent.on('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        resolve({
          status: answer.statusCode ?? 0,
          headers: pairs(answer.rawHeaders),
          bytes: Buffer.concat(chunks)
        })
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TOO_LONG_MS} ms`)))
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Sends bytes, and reads one answer: the sender asks for `Connection: close`, or the server ends it by itself. */
export function sendRaw(origin: string, bytes: Buffer): Promise<Answer> {
  const { hostname, port, protocol } = new URL(origin)
  const isTls = protocol === 'https:'
  return new Promise((resolve, reject) => {
    const at = { host: hostname, port: port === '' ? (isTls ? 443 : 80) : Number(port) }
    const socket = isTls ? connectTls({ ...at, servername: hostname }) : connect(at)
    const chunks: Buffer[] = []
    socket.setTimeout(TOO_LONG_MS, () => socket.destroy(new Error(`no answer within ${TOO_LONG_MS} ms`)))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', (error: Error) => {
      // A server may reset what it has already answered.
      if (chunks.length === 0) reject(error)
    })
    socket.on('close', () => {
      const answer = parseAnswer(Buffer.concat(chunks))
      if (answer === undefined) reject(new Error('the connection ended without an answer'))
      else resolve(answer)
    })
    socket.write(bytes)
  })
}

function parseAnswer(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  const [first = '', ...lines] = bytes.subarray(0, Math.max(end, 0)).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1])
  if (Number.isNaN(status)) return undefined
  const headers = pairs(
    lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
  )
  const body = bytes.subarray(end + 4)
  return { status, headers, bytes: headers.get('transfer-encoding') === 'chunked' ? joinChunks(body) : body }
}

function joinChunks(bytes: Buffer): Buffer {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    if (end === -1 || !(size > 0)) return Buffer.concat(chunks)
    chunks.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}

function pairs(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const before = headers.get(name)
    const value = raw[index + 1] ?? ''
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return headers
}

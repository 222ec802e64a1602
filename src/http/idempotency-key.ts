// Under which key a write is answered again: Idempotency-Key, or X-Request-ID where it is a UUID, as clients of the
// national API send a fresh one with every request. Source: draft-ietf-httpapi-idempotency-key-header-07 section 2.
import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Idempotency } from '../ingest/submission.js'
import { doorFault } from './door-fault.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Printable ASCII; quotes round it, as the draft writes them, are not part of it. */
const KEY = /^(?:"([\x20\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e][\x20\x21\x23-\x7e]{0,254}))$/

/** Undefined where the caller gives no key. @throws FhirError 400 for one that is empty, too long or not ASCII */
export function readIdempotency(request: FastifyRequest): { idempotency?: Idempotency } {
  const key = readKey(request)
  return key === undefined ? {} : { idempotency: { key, requestSha256: hashRequest(request) } }
}

function readKey({ headers }: FastifyRequest): string | undefined {
  const sent = headers['idempotency-key']
  if (sent === undefined) {
    const requestId = headers['x-request-id']
    return typeof requestId === 'string' && UUID.test(requestId) ? `X-Request-ID ${requestId.toLowerCase()}` : undefined
  }
  const [, quoted, bare] = KEY.exec(String(sent).trim()) ?? []
  const key = quoted ?? bare
  if (key !== undefined) return key
  const text = 'Idempotency-Key must be 1 to 255 printable ASCII characters, best a UUID made for this request'
  throw doorFault(400, 'invalid', 'idempotency-key', text)
}

// Headers do not count: a retry may ask for another form of answer.
function hashRequest({ method, url, body }: FastifyRequest): Buffer {
  const hash = createHash('sha256').update(`${method} ${url}\n`)
  return (Buffer.isBuffer(body) ? hash.update(body) : hash).digest()
}

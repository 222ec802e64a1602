// UUIDs that follow from what they name: the same message, document and part have the same id on every attempt.
import { createHash } from 'node:crypto'

/** A version 8 UUID (RFC 9562, 5.8) made of a SHA-256 over the parts. */
export function nameUuid(...parts: readonly string[]): string {
  const hash = createHash('sha256').update(parts.join('\u0000')).digest()
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

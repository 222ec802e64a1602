// Certificates end without a word: their last day is read when they are loaded, and told by imms doctor.
import { X509Certificate } from 'node:crypto'
import type { ExpiringCredential } from '../destination.js'
import type { TlsOptions } from './http-transport.js'

/** Of a PEM file with several certificates the one that ends first counts. */
export function credentialsOf({ cert, ca }: TlsOptions): ExpiringCredential[] {
  return [expiryOf('client certificate', cert), expiryOf('certificate authorities', ca)].flat()
}

function expiryOf(what: string, pem: string | undefined): ExpiringCredential[] {
  const blocks = pem?.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  const ends = blocks.map((block) => new Date(new X509Certificate(block).validTo))
  const [first] = ends.sort((left, right) => left.getTime() - right.getTime())
  return first === undefined ? [] : [{ what, expiresAt: first }]
}

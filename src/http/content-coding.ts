// Compression of answers and of bodies. Source: RFC 9110 sections 8.4 and 12.5.3, checked 2026-11-22.
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants, gunzip, gzip } from 'node:zlib'
import { doorFault } from './door-fault.js'

type Coding = 'br' | 'gzip'

/** As much as fits into one packet is sent as it is: nothing is won, and the length of a short text tells most of it. */
const MIN_BYTES = 1400
/** Brotli's own default is made for files that are compressed once. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }

const pack: Record<Coding, (bytes: Buffer) => Promise<Buffer>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, BROTLI),
  gzip: (bytes) => promisify(gzip)(bytes)
}
const unpack: Record<Coding, (bytes: Buffer, limit: { maxOutputLength: number }) => Promise<Buffer>> = {
  br: promisify(brotliDecompress),
  gzip: promisify(gunzip)
}

/**
 * The answer in the coding that the caller likes best; undefined where it stays as it is. What BREACH needs, a secret
 * beside text of an attacker's choice in an answer that a browser can be made to fetch, is not here: tokens are never
 * sent by themselves, and no answer holds one.
 */
export async function compressAnswer(
  payload: unknown,
  acceptEncoding: string | undefined
): Promise<{ coding: Coding; bytes: Buffer } | undefined> {
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return undefined
  if (acceptEncoding === undefined || payload.length < MIN_BYTES) return undefined
  const coding = chooseCoding(acceptEncoding)
  if (coding === undefined) return undefined
  return { coding, bytes: await pack[coding](Buffer.from(payload)) }
}

/** @throws FhirError 415 for a Content-Encoding that is not read */
export function checkContentEncoding(contentEncoding: string | undefined): void {
  codingOf(contentEncoding)
}

/**
 * A body without its Content-Encoding. `limit` in bytes is of what comes out.
 * @throws FhirError 413 when more comes out, 400 for bytes that are not in that coding, 415 for another coding
 */
export async function unpackBody(bytes: Buffer, contentEncoding: string | undefined, limit: number): Promise<Buffer> {
  const coding = codingOf(contentEncoding)
  if (coding === undefined || bytes.length === 0) return bytes
  try {
    return await unpack[coding](bytes, { maxOutputLength: limit })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
      throw doorFault(413, 'too-long', 'body-too-large', 'the body is too large once unpacked; send less at once')
    const text = 'the body is not in the coding that Content-Encoding names; compress it anew, or send it as it is'
    throw doorFault(400, 'invalid', 'body-encoding', text, {}, { cause })
  }
}

function codingOf(contentEncoding: string | undefined): Coding | undefined {
  switch (contentEncoding?.trim().toLowerCase() ?? 'identity') {
    case 'identity':
      return undefined
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'br':
      return 'br'
    default: {
      const text = 'the body has a Content-Encoding that is not read; send it as it is, or with gzip or br'
      throw doorFault(415, 'not-supported', 'media-type', text, { 'Accept-Encoding': 'gzip, br' })
    }
  }
}

function chooseCoding(acceptEncoding: string): Coding | undefined {
  const qualities = new Map<string, number>()
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
    const quality = parameters.find((text) => text.startsWith('q='))?.slice(2) ?? '1'
    qualities.set(name, /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(quality) ? Number(quality) : 0)
  }
  const qualityOf = (coding: Coding): number => qualities.get(coding) ?? qualities.get('*') ?? 0
  const best: Coding = qualityOf('gzip') > qualityOf('br') ? 'gzip' : 'br'
  return qualityOf(best) > 0 ? best : undefined
}

// Names and values of a query string or a form, in the order sent.
import type { Parameter } from '../history/plan-search.js'
import { doorFault } from './door-fault.js'

/** @throws FhirError 400 for a percent sign that stands for nothing, or bytes that are not UTF-8 */
export function parseParameters(text: string): Parameter[] {
  return text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const name = equals === -1 ? pair : pair.slice(0, equals)
      return { name: decode(name), value: equals === -1 ? '' : decode(pair.slice(equals + 1)) }
    })
}

/** The query string of a request target, without its question mark. */
export function queryOf(url: string): string {
  const mark = url.indexOf('?')
  return mark === -1 ? '' : url.slice(mark + 1)
}

/** A form body as text. @throws FhirError 400 for bytes that are not UTF-8 */
export function decodeForm(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw badEncoding(cause)
  }
}

function decode(text: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw badEncoding(cause)
  }
  // PostgreSQL has no NUL in text, and no identifier has one.
  if (decoded.includes('\0')) throw badEncoding(undefined)
  return decoded
}

function badEncoding(cause: unknown): Error {
  const text = 'a parameter is not percent-encoded UTF-8; write a percent sign as %25, a plus sign as %2B'
  return doorFault(400, 'invalid', 'parameter-encoding', text, {}, { cause })
}

// Primitive types that are text, by one scan each: linear on any input.
// http://hl7.org/fhir/R4/datatypes.html#primitive

const MAX_STRING_LENGTH = 1_048_576
const SPACE = 32
const SMALL_O = 111
const SMALL_U = 117
const CONTROL = /[^\t\n\r -\uffff]/

/** Not blank, no control characters but tab, line feed and carriage return, at most a million characters or so. */
export function isString(text: string): boolean {
  if (text.length > MAX_STRING_LENGTH) return false
  // A compiled expression reads long texts faster; starting one costs more than reading a short text here.
  if (text.length > 30 && text.charCodeAt(0) > SPACE) return !CONTROL.test(text)
  let isBlank = true
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > SPACE) isBlank = false
    else if (code < SPACE && code !== 9 && code !== 10 && code !== 13) return false
  }
  return !isBlank
}

/** No white space at the ends and none doubled. */
export function isCode(text: string): boolean {
  if (text.length === 0 || text.length > MAX_STRING_LENGTH) return false
  let afterSpace = true
  for (let index = 0; index < text.length; index++) {
    const isSpace = isWhiteSpace(text.charCodeAt(index))
    if (isSpace && afterSpace) return false
    afterSpace = isSpace
  }
  return !afterSpace
}

/** 1 to 64 of A-Z, a-z, 0-9, hyphen and full stop. */
export function isId(text: string): boolean {
  if (text.length === 0 || text.length > 64) return false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (!isLetterOrDigit(code) && code !== 45 && code !== 46) return false
  }
  return true
}

/** Not empty, no white space; an OID or UUID is written as a URN, and is one. */
export function isUri(text: string): boolean {
  if (text.length === 0 || text.length > MAX_STRING_LENGTH) return false
  for (let index = 0; index < text.length; index++) {
    if (isWhiteSpace(text.charCodeAt(index))) return false
  }
  const first = text.charCodeAt(0)
  return (first !== SMALL_U && first !== SMALL_O) || isRightUrn(text)
}

// Type uuid asks for lower case, other URIs take both; what follows # or | is no part of it.
function isRightUrn(text: string): boolean {
  if (text.startsWith('oid:') || text.startsWith('uuid:')) return false
  if (text.startsWith('urn:oid:')) return isOid(text.replace(/[#|].*$/, ''))
  return !text.startsWith('urn:uuid:') || /^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:[#|]|$)/i.test(text)
}

/** `urn:oid:` and a dotted number without leading zeros. */
export function isOid(text: string): boolean {
  if (!text.startsWith('urn:oid:') || text.length > 1000) return false
  const [root = '', ...arcs] = text.slice(8).split('.')
  return /^[0-2]$/.test(root) && arcs.length > 0 && arcs.every((arc) => /^(?:0|[1-9][0-9]*)$/.test(arc))
}

/** `urn:uuid:` and a UUID in lower case. */
export function isUuid(text: string): boolean {
  return /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
}

/**
 * Groups of four, padding only at the end, white space between.
 * The regular expression FHIR publishes for this takes minutes on 121 characters: never compile it.
 */
export function isBase64(text: string): boolean {
  let symbols = 0
  let padding = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (isWhiteSpace(code)) continue
    symbols++
    if (code === 61) padding++
    else if (padding > 0 || !(isLetterOrDigit(code) || code === 43 || code === 47)) return false
  }
  return symbols > 0 && symbols % 4 === 0 && padding <= 2
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57)
}

function isWhiteSpace(code: number): boolean {
  return code <= SPACE && (code === SPACE || (code >= 9 && code <= 13))
}

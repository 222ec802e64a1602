// Strict JSON: what JSON.parse lets through silently (duplicate keys, __proto__, lone surrogates, NUL, deep nesting,
// numbers out of range) is refused with its position, and the spans of the top-level members are kept, so that the
// text itself can be stored and served without being written anew.
import type { Issue } from './issue.js'
import { FhirError } from './operation-outcome.js'

/** Span of a top-level member in the text: from the opening quote of its key to the end of its value. */
export interface MemberSpan {
  start: number
  valueStart: number
  end: number
}

export interface ParsedJson {
  /** As received. */
  text: string
  value: unknown
  /** Members of the outermost object; empty when the value is not an object. */
  members: ReadonlyMap<string, MemberSpan>
}

export const MAX_DEPTH = 32

/**
 * Parses bytes (UTF-8) strictly.
 * @throws FhirError 400 naming line and column; the message never repeats what stands there
 */
export function parseJson(bytes: Buffer): ParsedJson {
  const text = decodeUtf8(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw jsonFault(
      text,
      positionOf(error, text),
      'json-syntax',
      'this is not JSON; check for a missing quote, comma or bracket near here',
      error
    )
  }
  return { text, value, members: findMembers(text) }
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new FhirError(
      400,
      [issue('json-encoding', 'the body is not valid UTF-8; send JSON encoded as UTF-8')],
      {},
      { cause }
    )
  }
}

interface Frame {
  keys: Set<string> | undefined
}

/**
 * Members of the outermost object of a text that JSON.parse has accepted, in one pass; the grammar is taken for granted.
 * @throws FhirError as {@link parseJson} for what JSON.parse lets through
 */
export function findMembers(text: string): Map<string, MemberSpan> {
  const members = new Map<string, MemberSpan>()
  const frames: Frame[] = []
  let key: { name: string; start: number; valueStart: number } | undefined
  let expectKey = false
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case 0x22: {
        const end = endOfString(text, index)
        if (expectKey) {
          const name = readKey(text, index, end, frames)
          if (frames.length === 1) key = { name, start: index, valueStart: startOfValue(text, end) }
          expectKey = false
        } else checkString(text, index, end)
        index = end - 1
        break
      }
      case 0x7b: // {
      case 0x5b: // [
        if (frames.length >= MAX_DEPTH)
          throw jsonFault(text, index, 'json-depth', `nested deeper than ${MAX_DEPTH} levels`)
        expectKey = text.charCodeAt(index) === 0x7b
        frames.push({ keys: expectKey ? new Set() : undefined })
        break
      case 0x7d: // }
      case 0x5d: // ]
        if (frames.length === 1 && key !== undefined) {
          closeMember(text, members, key, index)
          key = undefined
        }
        frames.pop()
        expectKey = false
        break
      case 0x2c: // ,
        if (frames.length === 1 && key !== undefined) {
          closeMember(text, members, key, index)
          key = undefined
        }
        expectKey = frames.at(-1)?.keys !== undefined
        break
      default:
        index = skipToken(text, index)
    }
  }
  return members
}

function closeMember(
  text: string,
  members: Map<string, MemberSpan>,
  key: { name: string; start: number; valueStart: number },
  index: number
): void {
  let end = index
  while (isSpace(text.charCodeAt(end - 1))) end--
  members.set(key.name, { start: key.start, valueStart: key.valueStart, end })
}

function readKey(text: string, start: number, end: number, frames: readonly Frame[]): string {
  checkString(text, start, end)
  const raw = text.slice(start + 1, end - 1)
  const name = raw.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : raw
  const keys = frames.at(-1)?.keys
  if (name === '__proto__' || name === 'constructor' || name === 'prototype')
    throw jsonFault(
      text,
      start,
      'json-forbidden-key',
      'a key named __proto__, constructor or prototype is not accepted'
    )
  if (keys?.has(name) === true)
    throw jsonFault(text, start, 'json-duplicate-key', 'the same key stands twice in one object; send it once')
  keys?.add(name)
  return name
}

/** The index after the closing quote of the string that begins at `start`. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end + 1
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(index - 1 - backslashes) === 0x5c) backslashes++
  return backslashes % 2 === 1
}

// JSON.parse refuses raw control characters, so NUL and surrogates can only come as escapes: valid UTF-8 has no lone
// surrogates. Only strings with a \u escape are looked at closely.
function checkString(text: string, start: number, end: number): void {
  const raw = text.slice(start, end)
  if (!raw.includes('\\u')) return
  const value = JSON.parse(raw) as string
  if (value.includes('\u0000'))
    throw jsonFault(text, start, 'json-nul', 'a string holds the character NUL (\\u0000); remove it')
  if (!value.isWellFormed())
    throw jsonFault(text, start, 'json-surrogate', 'a string holds half of a surrogate pair; send the whole character')
}

function skipToken(text: string, start: number): number {
  const code = text.charCodeAt(start)
  if (code !== 0x2d && !(code >= 0x30 && code <= 0x39)) return start
  let end = start + 1
  while (end < text.length && isNumberPart(text.charCodeAt(end))) end++
  if (!Number.isFinite(Number(text.slice(start, end))))
    throw jsonFault(text, start, 'json-number-range', 'a number is too large to be read')
  return end - 1
}

function isNumberPart(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === 0x2d
  )
}

function startOfValue(text: string, afterKey: number): number {
  let index = text.indexOf(':', afterKey) + 1
  while (isSpace(text.charCodeAt(index))) index++
  return index
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

// V8 gives the position of some faults and only quotes others ("Unexpected token 'x' ..."). Those are found by halving:
// a text cut off before the fault fails for another reason, being cut off.
function positionOf(error: unknown, text: string): number {
  const position = error instanceof Error ? / at position (\d+)/.exec(error.message)?.[1] : undefined
  if (position !== undefined) return Number(position)
  if (!hasUnexpectedToken(text)) return text.length
  let sound = 0
  let faulty = text.length
  while (faulty - sound > 1) {
    const middle = (sound + faulty) >> 1
    if (hasUnexpectedToken(text.slice(0, middle))) faulty = middle
    else sound = middle
  }
  return sound
}

function hasUnexpectedToken(text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return error instanceof Error && error.message.startsWith('Unexpected token')
  }
}

function jsonFault(text: string, position: number, rule: string, what: string, cause?: unknown): FhirError {
  const before = text.slice(0, position)
  const line = before.split('\n').length
  const column = position - before.lastIndexOf('\n')
  return new FhirError(400, [issue(rule, `line ${line}, column ${column}: ${what}`)], {}, { cause })
}

function issue(rule: string, text: string): Issue {
  return { severity: 'error', code: 'invalid', layer: 'json', rule, text }
}

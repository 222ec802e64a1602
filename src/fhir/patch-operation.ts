// One operation of a JSON Patch as it is sent: RFC 6902 section 4, pointers by RFC 6901.
import type { JsonNode } from './json-node.js'
import { FhirError } from './operation-outcome.js'

/** Names and indices from the root down; empty for the whole document. */
export type Pointer = readonly string[]

export type PatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: Pointer; value: JsonNode }
  | { op: 'remove'; path: Pointer }
  | { op: 'move' | 'copy'; path: Pointer; from: Pointer }

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * `place`: of the operation in the patch, counted from 1.
 * @throws FhirError 400 for what is no operation, 422 for one that writes what is the server's
 */
export function parsePatchOperation(node: JsonNode, place: number): PatchOperation {
  if (node.kind !== 'object') throw malformed('every operation is an object', place)
  const members = new Map(node.members.map(({ name, value }) => [name, value]))
  const op = textOf(members.get('op')) ?? ''
  const path = parsePointer(members.get('path'), 'path', place)
  switch (op) {
    case 'remove':
      return { op, path: writable(path, place) }
    case 'move':
    case 'copy': {
      const from = parsePointer(members.get('from'), 'from', place)
      if (op === 'move' && from.length < path.length && from.every((step, index) => step === path[index]))
        throw malformed('nothing can be moved into itself', place)
      return { op, path: writable(path, place), from: op === 'move' ? writable(from, place) : from }
    }
    case 'add':
    case 'replace':
    case 'test': {
      const value = members.get('value')
      if (value === undefined) throw malformed(`${op} needs a value`, place)
      return { op, path: op === 'test' ? path : writable(path, place), value }
    }
    default:
      throw malformed('op must be add, remove, replace, move, copy or test', place)
  }
}

export function malformed(what: string, place?: number): FhirError {
  const text = place === undefined ? what : `operation ${place} of the patch: ${what}`
  return new FhirError(400, [{ severity: 'error', code: 'structure', layer: 'json', rule: 'patch-malformed', text }])
}

function parsePointer(node: JsonNode | undefined, name: 'path' | 'from', place: number): Pointer {
  const text = textOf(node)
  if (text === undefined) throw malformed(`${name} is missing, or is not a string`, place)
  if (text === '') return []
  if (!text.startsWith('/') || /~(?![01])/.test(text))
    throw malformed(`${name} must be a JSON pointer, as in /protocolApplied/0/doseNumberPositiveInt`, place)
  const steps = text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (steps.some((step) => FORBIDDEN.has(step)))
    throw malformed(`${name} names __proto__, constructor or prototype, which no resource has`, place)
  return steps
}

function textOf(node: JsonNode | undefined): string | undefined {
  return node?.text.startsWith('"') === true ? (JSON.parse(node.text) as string) : undefined
}

// The whole document and the whole of meta hold what is the server's.
function writable(pointer: Pointer, place: number): Pointer {
  const [first, second] = pointer
  const isServers =
    first === undefined ||
    first === 'id' ||
    first === 'resourceType' ||
    (first === 'meta' && (second === undefined || second === 'versionId' || second === 'lastUpdated'))
  if (!isServers) return pointer
  const text = `operation ${place} of the patch writes resourceType, id, meta.versionId or meta.lastUpdated, which are the server's; name another element, such as /meta/tag`
  throw new FhirError(422, [{ severity: 'error', code: 'business-rule', layer: 'json', rule: 'patch-protected', text }])
}

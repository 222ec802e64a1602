// JSON Patch of a resource, RFC 6902 whole, on the text: what no operation touches stays byte for byte as it is.
// Sources: RFC 6902, RFC 6901 (pointers), http://hl7.org/fhir/R4/http.html#patch, checked 2026-11-22.
import { isDeepStrictEqual } from 'node:util'
import { arrayOf, objectOf, parseJsonNode, type JsonNode } from './json-node.js'
import { FhirError } from './operation-outcome.js'
import { MAX_DEPTH, parseJson, type ParsedJson } from './parse-json.js'
import { malformed, parsePatchOperation, type PatchOperation, type Pointer } from './patch-operation.js'

export interface JsonPatch {
  /** As received. */
  text: string
  operations: readonly PatchOperation[]
}

const MAX_OPERATIONS = 500
/** Characters. `copy` can double what there is with every operation. */
const MAX_LENGTH = 1_048_576

/**
 * Reads a patch that has passed parseJson.
 * @throws FhirError 400 for what is no patch, 422 for one that writes what is the server's
 */
export function parseJsonPatch(payload: ParsedJson): JsonPatch {
  const root = parseJsonNode(payload.text)
  if (root.kind !== 'array') throw malformed('a JSON Patch is an array of operations')
  if (root.items.length > MAX_OPERATIONS) throw malformed(`a patch has at most ${MAX_OPERATIONS} operations`)
  return { text: payload.text, operations: root.items.map((item, index) => parsePatchOperation(item, index + 1)) }
}

/**
 * The document after all operations, in order.
 * @throws FhirError 400 for a path that leads nowhere or a result that is too large, 422 for a test that fails
 */
export function applyJsonPatch(document: string, patch: JsonPatch): ParsedJson {
  let node = parseJsonNode(document)
  patch.operations.forEach((operation, index) => {
    node = applyOne(node, operation, index + 1)
    if (node.depth > MAX_DEPTH || node.text.length > MAX_LENGTH)
      throw refused(400, 'patch-size', index + 1, 'makes the resource larger than any that is taken')
  })
  return parseJson(Buffer.from(node.text))
}

function applyOne(root: JsonNode, operation: PatchOperation, place: number): JsonNode {
  switch (operation.op) {
    case 'add':
      return add(root, operation.path, operation.value, place)
    case 'replace':
      return change(root, operation.path, () => operation.value, place)
    case 'remove':
      return change(root, operation.path, () => undefined, place)
    case 'copy':
      return add(root, operation.path, valueAt(root, operation.from, place), place)
    case 'move': {
      const value = valueAt(root, operation.from, place)
      return add(
        change(root, operation.from, () => undefined, place),
        operation.path,
        value,
        place
      )
    }
    case 'test':
      if (!isEqual(find(root, operation.path), operation.value))
        throw refused(422, 'patch-test', place, 'is a test, and the record holds something else; nothing was changed')
      return root
  }
}

function isEqual(found: JsonNode | undefined, wanted: JsonNode): boolean {
  return found !== undefined && isDeepStrictEqual(JSON.parse(found.text), JSON.parse(wanted.text))
}

function find(root: JsonNode, pointer: Pointer): JsonNode | undefined {
  let node: JsonNode | undefined = root
  for (const step of pointer) node = node === undefined ? undefined : childOf(node, step)
  return node
}

function valueAt(root: JsonNode, pointer: Pointer, place: number): JsonNode {
  const node = find(root, pointer)
  if (node === undefined) throw pathMissing(place)
  return node
}

/** Changes what stands at the path; undefined takes it out. */
function change(
  node: JsonNode,
  pointer: Pointer,
  make: (before: JsonNode) => JsonNode | undefined,
  place: number
): JsonNode {
  const [step = '', ...rest] = pointer
  const child = childOf(node, step)
  if (child === undefined) throw pathMissing(place)
  return withChild(node, step, rest.length === 0 ? make(child) : change(child, rest, make, place))
}

function add(root: JsonNode, pointer: Pointer, value: JsonNode, place: number): JsonNode {
  const last = pointer.at(-1) ?? ''
  const insert = (owner: JsonNode): JsonNode => {
    if (owner.kind === 'object') return withMember(owner, last, value)
    const at = owner.kind !== 'array' ? undefined : last === '-' ? owner.items.length : indexOf(last)
    if (owner.kind !== 'array' || at === undefined || at > owner.items.length) throw pathMissing(place)
    return arrayOf(owner.items.toSpliced(at, 0, value))
  }
  return pointer.length === 1 ? insert(root) : change(root, pointer.slice(0, -1), insert, place)
}

function childOf(node: JsonNode, step: string): JsonNode | undefined {
  if (node.kind === 'object') return node.members.find(({ name }) => name === step)?.value
  const index = node.kind === 'array' ? indexOf(step) : undefined
  return node.kind === 'array' && index !== undefined ? node.items[index] : undefined
}

function withChild(node: JsonNode, step: string, child: JsonNode | undefined): JsonNode {
  if (node.kind === 'object') {
    if (child !== undefined) return withMember(node, step, child)
    return objectOf(node.members.filter(({ name }) => name !== step))
  }
  if (node.kind === 'scalar') return node
  return arrayOf(node.items.toSpliced(Number(step), 1, ...(child === undefined ? [] : [child])))
}

function withMember(node: Extract<JsonNode, { kind: 'object' }>, name: string, value: JsonNode): JsonNode {
  const at = node.members.findIndex((member) => member.name === name)
  const member = { name, key: node.members[at]?.key ?? JSON.stringify(name), value }
  return objectOf(at === -1 ? [...node.members, member] : node.members.with(at, member))
}

function indexOf(step: string): number | undefined {
  return /^(?:0|[1-9]\d{0,8})$/.test(step) ? Number(step) : undefined
}

function pathMissing(place: number): FhirError {
  return refused(
    400,
    'patch-path',
    place,
    'has a path that leads nowhere in the record; read it and patch that version'
  )
}

// Neither the path nor what stands there is repeated: both may hold what is the patient's.
function refused(
  status: number,
  rule: 'patch-path' | 'patch-size' | 'patch-test',
  place: number,
  what: string
): FhirError {
  return new FhirError(status, [
    { severity: 'error', code: 'processing', layer: 'json', rule, text: `operation ${place} of the patch ${what}` }
  ])
}

// Elements of several resources in one: what they refer to within their resource comes along, and is renamed where two
// resources use one id for different things.
import { applyEdits, freeName, pointAt } from '../fhir/fold-references.js'
import { findReferences } from '../fhir/json-parts.js'
import { objectOf, parseJsonNode, type JsonMember, type JsonNode, type ObjectNode } from '../fhir/json-node.js'

export interface ContainedParts {
  /** Members of a resource as text (`"site":{…}`), by the place of their resource in the list. */
  take(resource: number, members: readonly JsonMember[]): string
  /** The contained resources that were referred to, each as JSON text. */
  texts(): string[]
}

/** `bodies`: the resources as JSON text. Ids of the first are kept. */
export function createContainedParts(bodies: readonly string[]): ContainedParts {
  const resources = bodies.map(containedById)
  const taken = new Set(resources[0]?.keys())
  const names = new Map<ObjectNode, string>()
  const texts: string[] = []

  function nameOf(resource: number, id: string): string | undefined {
    const node = resources[resource]?.get(id)
    if (node === undefined) return undefined
    const known = names.get(node)
    if (known !== undefined) return known
    const name = resource === 0 ? id : freeName(id, taken)
    taken.add(name)
    names.set(node, name)
    const renamed = objectOf(node.members.map((one) => (one.name === 'id' ? { ...one, value: textNode(name) } : one)))
    const place = texts.push('') - 1
    texts[place] = rename(resource, renamed.text)
    return name
  }

  function rename(resource: number, text: string): string {
    const edits = findReferences(text).flatMap((found) => {
      const name = found.reference.startsWith('#') ? nameOf(resource, found.reference.slice(1)) : undefined
      return name === undefined ? [] : [pointAt(found, `#${name}`)]
    })
    return applyEdits(text, edits)
  }

  return {
    take: (resource, members) => rename(resource, objectOf(members).text).slice(1, -1),
    texts: () => texts
  }
}

function containedById(body: string): Map<string, ObjectNode> {
  const node = parseJsonNode(body)
  const list = node.kind === 'object' ? node.members.find(({ name }) => name === 'contained')?.value : undefined
  const items = list?.kind === 'array' ? list.items : []
  return new Map(items.flatMap((item) => (item.kind === 'object' ? [[idOf(item), item] as const] : [])))
}

function idOf({ members }: ObjectNode): string {
  return JSON.parse(members.find(({ name }) => name === 'id')?.value.text ?? '""') as string
}

function textNode(value: string): JsonNode {
  return { kind: 'scalar', text: JSON.stringify(value), depth: 0 }
}

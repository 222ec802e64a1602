// The resources of a transaction that an Immunization refers to become part of it, in the national shape (contained
// Patient and Practitioner, Organization and Location by their code; reference/nhs-immunisation-fhir-api.md 2.2, 2.3).
// Everything else of the text stays as it was sent.
import { ODS_CODE_SYSTEM } from './identifier-systems.js'
import { findReferences, type FoundReference } from './json-parts.js'
import { findMembers, type ParsedJson } from './parse-json.js'

/** A resource that others refer to. */
export interface Referable {
  /** Of its entry in the Bundle. */
  index: number
  type: string
  resource: ParsedJson
}

export interface Folded {
  /** The resource with its references resolved. */
  text: string
  /** Entries of the resources that were added to `contained`, in their order. */
  containedFrom: number[]
  /** Every entry that was referred to. */
  used: ReadonlySet<number>
  /** FHIRPaths of urn: references that nothing in the Bundle answers to. */
  unresolved: string[]
}

export interface Edit {
  start: number
  end: number
  text: string
}

/** What a reference means: a resource that is to be folded in, or another reference to be written in its place. */
export type Meaning = Referable | { literal: string }

/** `index`: of the entry that holds the resource. `find` gives undefined for a reference that is left as it is. */
export function foldReferences(
  index: number,
  resource: ParsedJson,
  find: (reference: string) => Meaning | undefined
): Folded {
  const names = new Map<number, string>()
  const taken = new Set(containedIds(resource.value))
  const waiting: Referable[] = []
  const used = new Set<number>()
  const unresolved: string[] = []

  const nameOf = (target: Referable): string => {
    const known = names.get(target.index)
    if (known !== undefined) return known
    const name = freeName(target.type.toLowerCase(), taken)
    taken.add(name)
    names.set(target.index, name)
    waiting.push(target)
    return name
  }
  const editsOf = (owner: number, text: string): Edit[] =>
    findReferences(text).flatMap((found) => {
      const target = find(found.reference)
      if (target === undefined) {
        if (isUrn(found.reference)) unresolved.push(`Bundle.entry[${owner}].resource.${found.path}.reference`)
        return []
      }
      if ('literal' in target) return [pointAt(found, target.literal)]
      used.add(target.index)
      const identifier = logicalIdentifier(target)
      return [
        identifier === undefined ? pointAt(found, `#${nameOf(target)}`) : nameIt(text, found, target.type, identifier)
      ]
    })

  const edits = editsOf(index, resource.text)
  const contained: string[] = []
  const containedFrom: number[] = []
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { text } = next.resource
    contained.push(composeContained(next, applyEdits(text, editsOf(next.index, text)), names.get(next.index) ?? ''))
    containedFrom.push(next.index)
  }
  const added = addContained(resource, contained)
  return {
    text: applyEdits(resource.text, added === undefined ? edits : [...edits, added]),
    containedFrom,
    used,
    unresolved
  }
}

/** urn:uuid and urn:oid mean something only within their Bundle. */
function isUrn(reference: string): boolean {
  return /^urn:(?:uuid|oid):/i.test(reference)
}

function containedIds(value: unknown): unknown[] {
  const contained: unknown = typeof value === 'object' && value !== null && 'contained' in value ? value.contained : []
  if (!Array.isArray(contained)) return []
  return contained.map((item: unknown) =>
    typeof item === 'object' && item !== null && 'id' in item ? item.id : undefined
  )
}

export function freeName(name: string, taken: ReadonlySet<unknown>): string {
  if (!taken.has(name)) return name
  let number = 2
  while (taken.has(`${name}-${number}`)) number++
  return `${name}-${number}`
}

const SCHOOL_SYSTEM = 'https://fhir.hl7.org.uk/Id/urn-school-number'

/** The code that names an organisation or a place outside this Bundle, as JSON text. */
function logicalIdentifier({ type, resource: { value } }: Referable): string | undefined {
  if (type !== 'Organization' && type !== 'Location') return undefined
  const identifiers: unknown =
    typeof value === 'object' && value !== null && 'identifier' in value ? value.identifier : []
  if (!Array.isArray(identifiers)) return undefined
  for (const identifier of identifiers as unknown[]) {
    if (typeof identifier !== 'object' || identifier === null) continue
    const { system, value: code } = identifier as { system?: unknown; value?: unknown }
    const isCode = system === ODS_CODE_SYSTEM || (type === 'Location' && system === SCHOOL_SYSTEM)
    if (isCode && typeof code === 'string' && code !== '') return JSON.stringify({ system, value: code })
  }
  return undefined
}

export function pointAt({ members }: FoundReference, reference: string): Edit {
  return { ...spanOf(members), text: `"reference":${JSON.stringify(reference)}` }
}

/** What the sender says of type and identifier itself stays. */
function nameIt(text: string, { members }: FoundReference, type: string, identifier: string): Edit {
  const { start, end } = spanOf(members)
  const added = [
    ...(members.has('type') ? [] : [`"type":"${type}"`]),
    ...(members.has('identifier') ? [] : [`"identifier":${identifier}`])
  ]
  if (added.length > 0) return { start, end, text: added.join(',') }
  // The comma goes with the member: that after it, or, of the last one, that before it.
  const after = /^\s*,/.exec(text.slice(end, end + 1_000))?.[0].length
  if (after !== undefined) return { start, end: end + after, text: '' }
  return { start: text.lastIndexOf(',', start), end, text: '' }
}

function spanOf(members: FoundReference['members']): { start: number; end: number } {
  const span = members.get('reference')
  if (span === undefined) throw new Error('a Reference was found without its reference')
  return span
}

function composeContained({ type, resource }: Referable, text: string, id: string): string {
  let composed = `{"resourceType":"${type}","id":${JSON.stringify(id)}`
  for (const [name, { start, end }] of findMembers(text)) {
    if (name === 'resourceType' || name === 'id') continue
    if (name === 'meta') composed += containedMeta(resource.value)
    else composed += `,${text.slice(start, end)}`
  }
  return `${composed}}`
}

// dom-4: the version of a contained resource is that of its container. What is no object is left to the judges.
function containedMeta(resource: unknown): string {
  const { meta } = resource as { meta: unknown }
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return `,"meta":${JSON.stringify(meta)}`
  const kept = Object.entries(meta).filter(([name]) => name !== 'versionId' && name !== 'lastUpdated')
  return kept.length === 0 ? '' : `,"meta":${JSON.stringify(Object.fromEntries(kept))}`
}

function addContained({ text, value, members }: ParsedJson, contained: readonly string[]): Edit | undefined {
  if (contained.length === 0) return undefined
  const span = members.get('contained')
  const first = text.indexOf('{') + 1
  if (span === undefined) return { start: first, end: first, text: `"contained":[${contained.join(',')}],` }
  const own = (value as { contained: unknown }).contained
  // What is no list is left to the judges.
  if (!Array.isArray(own)) return undefined
  const at = span.end - 1
  return { start: at, end: at, text: `${own.length > 0 ? ',' : ''}${contained.join(',')}` }
}

export function applyEdits(text: string, edits: readonly Edit[]): string {
  let applied = ''
  let from = 0
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    applied += text.slice(from, edit.start) + edit.text
    from = edit.end
  }
  return applied + text.slice(from)
}

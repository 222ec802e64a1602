// Two hashes of an Immunization that say whether a resend changes anything.
import { createHash } from 'node:crypto'

/**
 * `strict` leaves out what a retry may change without meaning: id, meta, narrative, ids of contained resources, order
 * of keys and of codings. `clinical` leaves out `recorded` and display texts as well.
 */
export interface ContentHashes {
  strict: Buffer
  clinical: Buffer
}

export function hashContent(resource: object): ContentHashes {
  const names = nameContained(resource)
  return {
    strict: sha256(canonicalText(resource, '', 'resource', names, false)),
    clinical: sha256(canonicalText(resource, '', 'resource', names, true))
  }
}

/** An element as text that is the same for the same content: the order of keys and codings, and display texts, left out. */
export function canonicalElement(value: unknown): string {
  return canonicalText(value, '', 'element', new Map(), true)
}

/** SHA-256 of a text, 32 bytes. */
export function sha256(text: string | Buffer): Buffer {
  return createHash('sha256').update(text).digest()
}

// Contained ids are the sender's choice: `#pat` and `#patient-1` mean the same when they stand in the same place.
function nameContained(resource: object): Map<string, string> {
  const contained: unknown = 'contained' in resource ? resource.contained : undefined
  const names = new Map<string, string>()
  if (!Array.isArray(contained)) return names
  contained.forEach((entry: unknown, index) => {
    if (typeof entry === 'object' && entry !== null && 'id' in entry && typeof entry.id === 'string')
      names.set(`#${entry.id}`, `#${index}`)
  })
  return names
}

/** `resource`: the outermost object; `contained`: a resource inside it. */
type Place = 'resource' | 'contained' | 'element'

function canonicalText(
  value: unknown,
  key: string,
  place: Place,
  names: ReadonlyMap<string, string>,
  clinical: boolean
): string {
  if (Array.isArray(value)) return canonicalList(value, key, names, clinical)
  if (typeof value === 'object' && value !== null)
    return canonicalObject(value as Record<string, unknown>, place, names, clinical)
  if (typeof value === 'string' && key === 'reference') return JSON.stringify(names.get(value) ?? value)
  return JSON.stringify(value)
}

function canonicalList(
  items: readonly unknown[],
  key: string,
  names: ReadonlyMap<string, string>,
  clinical: boolean
): string {
  const place = key === 'contained' ? 'contained' : 'element'
  const texts = items.map((item) => canonicalText(item, key, place, names, clinical))
  return `[${(key === 'coding' ? texts.sort() : texts).join(',')}]`
}

// One loop that adds to one text: this runs for every element of every record that is sent.
function canonicalObject(
  value: Record<string, unknown>,
  place: Place,
  names: ReadonlyMap<string, string>,
  clinical: boolean
): string {
  let text = '{'
  for (const key of Object.keys(value).sort()) {
    if (!counts(key, place, clinical)) continue
    text += `"${key}":${canonicalText(value[key], key, 'element', names, clinical)},`
  }
  return `${text}}`
}

function counts(key: string, place: Place, clinical: boolean): boolean {
  if (place !== 'element' && (key === 'id' || key === 'meta' || key === 'text')) return false
  if (!clinical) return true
  return key !== 'display' && !(place === 'resource' && key === 'recorded')
}

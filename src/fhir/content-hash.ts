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
    strict: sha256(canonicalText(resource, names, [], false)),
    clinical: sha256(canonicalText(resource, names, [], true))
  }
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

function canonicalText(
  value: unknown,
  names: ReadonlyMap<string, string>,
  path: readonly string[],
  clinical: boolean
): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => canonicalText(item, names, path, clinical))
    return `[${(path.at(-1) === 'coding' ? items.sort() : items).join(',')}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([key]) => counts(key, path, clinical))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonicalText(item, names, [...path, key], clinical)}`)
    return `{${members.sort().join(',')}}`
  }
  if (typeof value === 'string' && path.at(-1) === 'reference') return JSON.stringify(names.get(value) ?? value)
  return JSON.stringify(value)
}

function counts(key: string, path: readonly string[], clinical: boolean): boolean {
  const inResource = path.length === 0 || (path.length === 1 && path[0] === 'contained')
  if (inResource && (key === 'id' || key === 'meta' || key === 'text')) return false
  if (!clinical) return true
  return key !== 'display' && !(path.length === 0 && key === 'recorded')
}

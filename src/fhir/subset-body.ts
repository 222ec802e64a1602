// A part of a resource, cut out of its text: what stays, stays byte for byte (decimals keep their digits).
// http://hl7.org/fhir/R4/search.html#elements, checked 2026-11-22.
import { endOfString, findMembers } from './parse-json.js'

/** Tells a reader that elements are left out: such a resource must not be sent back as an update. */
const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }

/**
 * The text of a stored resource with the elements that `keeps` names, its type, id and meta, and the contained resources
 * that what is left refers to. `keeps` is asked for a primitive's extensions (`_status`) by the primitive's name.
 */
export function subsetBody(body: string, keeps: (element: string) => boolean): string {
  const members = findMembers(body)
  let meta: { tag?: unknown[] } = {}
  let contained: string | undefined
  const kept: string[] = []
  for (const [name, { start, valueStart, end }] of members) {
    if (name === 'meta') meta = JSON.parse(body.slice(valueStart, end)) as typeof meta
    else if (name === 'contained' && !keeps(name)) contained = body.slice(valueStart, end)
    else if (name === 'resourceType' || name === 'id' || keeps(name.replace(/^_/, '')))
      kept.push(body.slice(start, end))
  }
  const [first = '', second = '', ...others] = kept
  const tagged = `"meta":${JSON.stringify({ ...meta, tag: [...(meta.tag ?? []), SUBSETTED] })}`
  const needed = contained === undefined ? [] : referredTo(splitArray(contained), kept.join(','))
  const middle = needed.length === 0 ? [] : [`"contained":[${needed.join(',')}]`]
  return `{${[first, second, tagged, ...middle, ...others].join(',')}}`
}

// What is contained may refer to others that are contained.
function referredTo(items: readonly string[], text: string): string[] {
  const needed = new Set<string>()
  for (let unread = [text]; unread.length > 0;) {
    const ids = new Set(unread.flatMap((part) => [...part.matchAll(LOCAL_REFERENCE)].map((match) => match[1])))
    unread = items.filter((item) => !needed.has(item) && ids.has((JSON.parse(item) as { id?: string }).id))
    for (const item of unread) needed.add(item)
  }
  return items.filter((item) => needed.has(item))
}

const LOCAL_REFERENCE = /"reference"\s*:\s*"#([^"]*)"/g

/** The items of a JSON array, each as its text. */
function splitArray(text: string): string[] {
  const items: string[] = []
  let depth = 0
  let start = 1
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '"') index = endOfString(text, index) - 1
    else if (character === '[' || character === '{') depth++
    else if (character === ']' || character === '}') depth--
    if (depth === 0 || (depth === 1 && character === ',')) {
      items.push(text.slice(start, index).trim())
      start = index + 1
    }
  }
  return items
}

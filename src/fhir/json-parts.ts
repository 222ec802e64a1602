// Parts of a JSON text as they were sent: items of an array, and the References of a resource. The text must have passed
// parseJson; each is found in one pass.
import { endOfString, isSpace, type MemberSpan } from './parse-json.js'

/** The texts of the items of an array. */
export function itemTexts(array: string): string[] {
  const items: string[] = []
  let depth = 0
  let start = -1
  const close = (end: number): void => {
    if (start !== -1) items.push(array.slice(start, end).trimEnd())
    start = -1
  }
  for (let index = 0; index < array.length; index++) {
    const code = array.charCodeAt(index)
    if (code === COMMA && depth === 1) close(index)
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      depth--
      if (depth === 0) close(index)
    } else {
      if (depth === 1 && start === -1 && !isSpace(code)) start = index
      if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth++
      else if (code === QUOTE) index = endOfString(array, index) - 1
    }
  }
  return items
}

/** An object with a string member `reference`: a Reference. */
export interface FoundReference {
  /** Of the Reference, below the resource: `performer[0].actor`. */
  path: string
  /** What it refers to. */
  reference: string
  /** Members of the Reference, in their order. */
  members: ReadonlyMap<string, MemberSpan>
}

/** Every Reference of a resource. Immunization.education.reference is a uri, no Reference. */
export function findReferences(text: string): FoundReference[] {
  const found: FoundReference[] = []
  const frames: Frame[] = []
  for (let index = 0; index < text.length; index++) {
    const frame = frames.at(-1)
    switch (text.charCodeAt(index)) {
      case QUOTE: {
        const end = endOfString(text, index)
        if (frame?.members !== undefined && frame.key === undefined) frame.key = openMember(text, index, end)
        index = end - 1
        break
      }
      case OPEN_OBJECT:
        frames.push({ members: new Map(), index: 0 })
        break
      case OPEN_ARRAY:
        frames.push({ index: 0 })
        break
      case COMMA:
        if (frame === undefined) break
        closeMember(text, frame, index)
        frame.index++
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY: {
        if (frame === undefined) break
        closeMember(text, frame, index)
        frames.pop()
        const reference = readReference(text, frame)
        if (reference === undefined) break
        const path = pathOf(frames)
        if (!EDUCATION.test(path)) found.push({ path, ...reference })
        break
      }
    }
  }
  return found
}

interface Frame {
  /** Of an object. */
  members?: Map<string, MemberSpan>
  key?: { name: string; start: number; valueStart: number } | undefined
  /** Of the item of an array. */
  index: number
}

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const EDUCATION = /^education\[\d+\]$/

function openMember(text: string, start: number, end: number): NonNullable<Frame['key']> {
  let valueStart = text.indexOf(':', end) + 1
  while (isSpace(text.charCodeAt(valueStart))) valueStart++
  return { name: JSON.parse(text.slice(start, end)) as string, start, valueStart }
}

function closeMember(text: string, frame: Frame, index: number): void {
  if (frame.key === undefined) return
  let end = index
  while (isSpace(text.charCodeAt(end - 1))) end--
  const { name, start, valueStart } = frame.key
  frame.members?.set(name, { start, valueStart, end })
  frame.key = undefined
}

function readReference(text: string, { members }: Frame): Omit<FoundReference, 'path'> | undefined {
  const span = members?.get('reference')
  if (members === undefined || span === undefined || text.charCodeAt(span.valueStart) !== QUOTE) return undefined
  return { reference: JSON.parse(text.slice(span.valueStart, span.end)) as string, members }
}

function pathOf(frames: readonly Frame[]): string {
  let path = ''
  for (const { members, key, index } of frames) {
    if (members === undefined) path += `[${index}]`
    else path += `${path === '' ? '' : '.'}${key?.name ?? ''}`
  }
  return path
}

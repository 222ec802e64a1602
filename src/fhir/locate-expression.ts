// Where a FHIRPath stands in a JSON text, so that an issue can be found in an editor.

/** Counted from 1, as editors do. */
export interface TextPlace {
  line: number
  column: number
}

/**
 * Place of the deepest element of `expression` that the text has: of its key, or of its value where it is an item of an
 * array; an element that is missing gives the place of its parent. Undefined when not even the outermost object is
 * there. Linear in the text, which must be valid JSON. Simple FHIRPath: members, indexes and `ofType()`.
 * `Immunization.performer[0].actor` -> keys performer, item 0, actor; a choice element (`occurrence`) is found under
 * its typed name (`occurrenceDateTime`).
 */
export function locateExpression(text: string, expression: string): TextPlace | undefined {
  let found: Found | undefined = { key: skipSpace(text, 0), value: skipSpace(text, 0) }
  if (text[found.value] !== '{') return undefined
  let deepest = found
  for (const step of toSteps(expression)) {
    found = enter(text, found.value, step)
    if (found === undefined) break
    deepest = found
  }
  return placeOf(text, deepest.key)
}

/** Offsets of a member: its key (an item of an array has none, there it is the value) and its value. */
interface Found {
  key: number
  value: number
}

function toSteps(expression: string): (string | number)[] {
  return [...expression.matchAll(/\.([A-Za-z_]\w*)(?:\.ofType\((\w+)\))?|\[(\d+)\]/g)].map(
    ([, name = '', type = '', index]) => (index === undefined ? name + upperFirst(type) : Number(index))
  )
}

/** A member or an item of the value that starts at `at`. */
function enter(text: string, at: number, step: string | number): Found | undefined {
  const opens = text[at]
  // A FHIRPath may name a repeating element without its index.
  if (opens === '[' && typeof step === 'string') {
    const first = enter(text, at, 0)
    return first === undefined ? undefined : enter(text, first.value, step)
  }
  if (opens !== (typeof step === 'string' ? '{' : '[')) return undefined
  let place = skipSpace(text, at + 1)
  for (let index = 0; place < text.length && text[place] !== '}' && text[place] !== ']'; index++) {
    const key = place
    const end = opens === '{' ? skipString(text, place) : place
    if (opens === '{') place = skipSpace(text, skipSpace(text, end) + 1)
    const isMeant = typeof step === 'number' ? index === step : isNamed(text.slice(key + 1, end - 1), step)
    if (isMeant) return { key, value: place }
    place = skipSpace(text, skipValue(text, place))
    if (text[place] === ',') place = skipSpace(text, place + 1)
  }
  return undefined
}

// A choice is value[x]: the name, then its type. Other elements begin with the name of one, too (status, statusReason).
const TYPED =
  /^(?:Address|Age|Annotation|Attachment|Base64Binary|Boolean|Canonical|Code|CodeableConcept|Coding|Count|Date|DateTime|Decimal|Duration|Id|Identifier|Instant|Integer|Markdown|Money|Oid|Period|PositiveInt|Quantity|Range|Ratio|Reference|String|Time|Timing|UnsignedInt|Uri|Url|Uuid)$/

function isNamed(key: string, step: string): boolean {
  return key === step || (key.startsWith(step) && TYPED.test(key.slice(step.length)))
}

function skipValue(text: string, at: number): number {
  if (text[at] === '"') return skipString(text, at)
  let depth = 0
  for (let place = at; place < text.length; place++) {
    const character = text[place]
    if (character === '"') place = skipString(text, place) - 1
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') {
      if (depth === 0) return place
      depth--
      if (depth === 0) return place + 1
    } else if (character === ',' && depth === 0) return place
  }
  return text.length
}

/** Behind the closing quote. */
function skipString(text: string, at: number): number {
  let place = at + 1
  while (place < text.length && text[place] !== '"') place += text[place] === '\\' ? 2 : 1
  return place + 1
}

function skipSpace(text: string, at: number): number {
  let place = at
  while (place < text.length && ' \t\r\n'.includes(text[place] ?? '')) place++
  return place
}

function placeOf(text: string, at: number): TextPlace {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1
  let line = 1
  for (let end = text.indexOf('\n'); end !== -1 && end < lineStart; end = text.indexOf('\n', end + 1)) line++
  return { line, column: at - lineStart + 1 }
}

function upperFirst(type: string): string {
  return type.charAt(0).toUpperCase() + type.slice(1)
}

// The line of a JSON text at which a FHIRPath stands, so that an issue can be found in an editor.

/**
 * Line (from 1) of the deepest element of `expression` that the text has; an element that is missing gives the line of
 * its parent. Undefined when not even the outermost object is there. The text must be valid JSON.
 * `Immunization.performer[0].actor` -> keys performer, item 0, actor; a choice element (`occurrence`) is found under
 * its typed name (`occurrenceDateTime`).
 */
export function findLine(text: string, expression: string): number | undefined {
  const steps = [...expression.matchAll(/\.([A-Za-z_]\w*)|\[(\d+)\]/g)].map((step) => step[1] ?? Number(step[2]))
  let at = skipSpace(text, 0)
  if (text[at] !== '{') return undefined
  for (const step of steps) {
    const next = enter(text, at, step)
    if (next === undefined) break
    at = next
  }
  return lineAt(text, at)
}

/** Start of a member's or an item's value within the value that starts at `at`. */
function enter(text: string, at: number, step: string | number): number | undefined {
  const opens = text[at]
  // A FHIRPath may name a repeating element without its index.
  if (opens === '[' && typeof step === 'string') {
    const first = enter(text, at, 0)
    return first === undefined ? undefined : enter(text, first, step)
  }
  if (opens !== (typeof step === 'string' ? '{' : '[')) return undefined
  let place = skipSpace(text, at + 1)
  for (let index = 0; place < text.length && text[place] !== '}' && text[place] !== ']'; index++) {
    let key: string | undefined
    if (opens === '{') {
      const end = skipString(text, place)
      key = text.slice(place + 1, end - 1)
      place = skipSpace(text, skipSpace(text, end) + 1)
    }
    if (typeof step === 'number' ? index === step : isNamed(key, step)) return place
    place = skipSpace(text, skipValue(text, place))
    if (text[place] === ',') place = skipSpace(text, place + 1)
  }
  return undefined
}

const CHOICES = new Set(['occurrence', 'value', 'doseNumber', 'seriesDoses', 'deceased', 'multipleBirth'])

function isNamed(key: string | undefined, step: string): boolean {
  if (key === step) return true
  return CHOICES.has(step) && key !== undefined && key.startsWith(step) && /^[A-Z]/.test(key.slice(step.length))
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

function lineAt(text: string, at: number): number {
  let line = 1
  for (let place = text.indexOf('\n'); place !== -1 && place < at; place = text.indexOf('\n', place + 1)) line++
  return line
}

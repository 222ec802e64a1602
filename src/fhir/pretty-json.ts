// JSON text laid out for a reader (`_pretty=true`) without being parsed: numbers keep their digits.

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Indents valid JSON text by two spaces. */
export function prettyJson(text: string): string {
  let out = ''
  let depth = 0
  let empty = false
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']'
    if (closes) depth--
    // A bracket breaks the line only once something follows in it: {} stays on one line.
    if (closes ? !empty : empty) out += lineBreak(depth)
    empty = token === '{' || token === '['
    if (empty) depth++
    out += token === ':' ? ': ' : token === ',' ? `,${lineBreak(depth)}` : token
  }
  return `${out}\n`
}

function lineBreak(depth: number): string {
  return `\n${'  '.repeat(depth)}`
}

// Empty objects, empty arrays and null members cut out of a JSON text. What stays keeps every character of its strings
// and numbers (a decimal keeps its digits); only white space between members goes.
import { endOfString, isSpace } from './parse-json.js'

interface Cut {
  /** Undefined where nothing is left. */
  kept: string | undefined
  end: number
}

/**
 * Cuts until nothing empty is left; what holds nothing else goes with it. Nulls inside arrays stay: they may hold the
 * place of an extension. The text itself where nothing would be left.
 * `text` must have passed {@link parseJson}, which also bounds its depth.
 */
export function cutEmpties(text: string): string {
  return cutValue(text, skipSpace(text, 0)).kept ?? text
}

function cutValue(text: string, start: number): Cut {
  switch (text.charAt(start)) {
    case '{':
      return cutObject(text, start)
    case '[':
      return cutArray(text, start)
    case '"': {
      const end = endOfString(text, start)
      return { kept: text.slice(start, end), end }
    }
    default: {
      let end = start
      while (end < text.length && !isSpace(text.charCodeAt(end)) && !',]}'.includes(text.charAt(end))) end++
      return { kept: text.slice(start, end), end }
    }
  }
}

function cutObject(text: string, start: number): Cut {
  const kept: string[] = []
  let index = skipSpace(text, start + 1)
  while (text[index] !== '}') {
    const valueStart = skipSpace(text, skipSpace(text, endOfString(text, index)) + 1)
    const value = cutValue(text, valueStart)
    if (value.kept !== undefined && value.kept !== 'null') kept.push(text.slice(index, valueStart) + value.kept)
    index = skipComma(text, value.end)
  }
  return { kept: kept.length === 0 ? undefined : `{${kept.join(',')}}`, end: index + 1 }
}

function cutArray(text: string, start: number): Cut {
  const kept: string[] = []
  let index = skipSpace(text, start + 1)
  while (text[index] !== ']') {
    const item = cutValue(text, index)
    if (item.kept !== undefined) kept.push(item.kept)
    index = skipComma(text, item.end)
  }
  return { kept: kept.length === 0 ? undefined : `[${kept.join(',')}]`, end: index + 1 }
}

function skipComma(text: string, start: number): number {
  const index = skipSpace(text, start)
  return text[index] === ',' ? skipSpace(text, index + 1) : index
}

function skipSpace(text: string, start: number): number {
  let index = start
  while (isSpace(text.charCodeAt(index))) index++
  return index
}

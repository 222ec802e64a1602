// Paths into an answer, and whether what they find is as expected: `entry[0].resource.id`, `entry[*].search.mode`,
// `link[relation=self].url`.
import { isDeepStrictEqual } from 'node:util'
import type { Matcher } from './rows.js'

export function select(root: unknown, path: string): unknown[] {
  let found = [root]
  for (const segment of path.split('.')) {
    const [, name = '', index] = /^([^[]*)(?:\[([^\]]*)\])?$/.exec(segment) ?? []
    if (name !== '') found = found.flatMap((value) => memberOf(value, name))
    if (index !== undefined) found = found.flatMap((value) => itemsOf(value, index))
  }
  return found
}

function memberOf(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return []
  return [(value as Record<string, unknown>)[name]]
}

function itemsOf(value: unknown, index: string): unknown[] {
  if (!Array.isArray(value)) return []
  const items = value as unknown[]
  if (index === '*') return items
  const equals = index.indexOf('=')
  if (equals === -1) return items.slice(Number(index), Number(index) + 1)
  return items.filter((item) => memberOf(item, index.slice(0, equals)).includes(index.slice(equals + 1)))
}

/** What is wrong with the values that a path found; undefined when nothing is. A list stands for all of them. */
export function mismatch(values: readonly unknown[], matcher: Matcher): string | undefined {
  const got = values.length === 0 ? 'nothing' : JSON.stringify(values.length === 1 ? values[0] : values).slice(0, 300)
  if (matcher === null) return values.length === 0 ? undefined : `is there: ${got}`
  if (Array.isArray(matcher))
    return isDeepStrictEqual(values, matcher) ? undefined : `expected ${JSON.stringify(matcher)}, got ${got}`
  if (typeof matcher !== 'object')
    return values.length === 1 && isDeepStrictEqual(values[0], matcher)
      ? undefined
      : `expected ${JSON.stringify(matcher)}, got ${got}`
  const failed = Object.entries(matcher).filter(([kind, wanted]) => !holds(kind, wanted, values))
  return failed.length === 0 ? undefined : `expected ${JSON.stringify(Object.fromEntries(failed))}, got ${got}`
}

function holds(kind: string, wanted: unknown, values: readonly unknown[]): boolean {
  const [first] = values
  switch (kind) {
    case 'exists':
      return values.length > 0 === wanted
    case 'count':
      return values.length === wanted
    case 'atLeast':
      return Number(first) >= Number(wanted)
    case 'atMost':
      return Number(first) <= Number(wanted)
    case 'match':
      return values.length > 0 && values.every((value) => new RegExp(String(wanted)).test(String(value)))
    case 'all':
      return values.length > 0 && values.every((value) => isDeepStrictEqual(value, wanted))
    case 'includes':
      return values.some((value) => isDeepStrictEqual(value, wanted))
    case 'not':
      return values.every((value) => !isDeepStrictEqual(value, wanted))
    case 'unique':
      return new Set(values.map((value) => JSON.stringify(value))).size === values.length
    case 'sorted':
      return values.every((value, index) => index === 0 || isInOrder(values[index - 1], value, wanted))
    case 'oneOf':
      return Array.isArray(wanted) && values.length === 1 && wanted.some((value) => isDeepStrictEqual(value, first))
    default:
      throw new Error(`there is no matcher ${kind}`)
  }
}

function isInOrder(before: unknown, after: unknown, order: unknown): boolean {
  const [low, high] = order === 'ascending' ? [before, after] : [after, before]
  return typeof low === 'number' ? low <= Number(high) : String(low) <= String(high)
}

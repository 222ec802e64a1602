// Small readers that native invariants share; total on any JSON, because the fast pass may meet faults in any order.
import { isObject, type JsonObject } from '../definitions/structure-definition.js'

/** FHIRPath exists() of a plain member: a value, or extensions in its place. */
export function has(object: JsonObject, name: string): boolean {
  return object[name] !== undefined || object[`_${name}`] !== undefined
}

/** exists() of a choice: any `valueX` or `_valueX`. */
export function hasChoice(object: JsonObject, stem: string): boolean {
  for (const key in object) {
    const start = key.charCodeAt(0) === 95 ? 1 : 0
    if (!key.startsWith(stem, start)) continue
    const next = key.charCodeAt(start + stem.length)
    if (next >= 65 && next <= 90) return true
  }
  return false
}

/** The objects of a list; a lone object counts as a list of one. */
export function objectsOf(value: unknown): JsonObject[] {
  if (Array.isArray(value)) return (value as unknown[]).filter(isObject)
  return isObject(value) ? [value] : []
}

export function codingsOf(concepts: unknown): JsonObject[] {
  return objectsOf(concepts).flatMap((concept) => objectsOf(concept['coding']))
}

export function hasCoding(concepts: unknown, system: string, codes: readonly string[]): boolean {
  return codingsOf(concepts).some((coding) => coding['system'] === system && codes.includes(String(coding['code'])))
}

export function countOf(value: unknown): number {
  return Array.isArray(value) ? value.length : value === undefined ? 0 : 1
}

/** Three-valued FHIRPath comparison of partial dates: undefined when precision leaves it open. */
export function isNotAfter(start: string, end: string): boolean | undefined {
  const shared = Math.min(start.length, end.length)
  if (start.length > 10 && end.length > 10) {
    const [from, to] = [Date.parse(start), Date.parse(end)]
    return Number.isNaN(from) || Number.isNaN(to) ? undefined : from <= to
  }
  const [from, to] = [start.slice(0, Math.min(shared, 10)), end.slice(0, Math.min(shared, 10))]
  if (from !== to) return from < to
  return start.length === end.length ? true : undefined
}

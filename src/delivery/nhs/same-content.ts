// Whether what the NHS Immunisation FHIR API holds is what we would send.
import type { Immunization } from 'fhir/r4.js'

const SERVER_OWNED = new Set(['id', 'meta'])
const INSTANTS = new Set(['occurrenceDateTime', 'recorded'])

/** Compares without id and meta, in any order of keys, and instants as instants: the API writes them anew. */
export function hasSameContent(ours: Immunization, theirs: object): boolean {
  return canonical(ours) === canonical(theirs)
}

function canonical(resource: object): string {
  const kept = Object.entries(resource).filter(([key]) => !SERVER_OWNED.has(key))
  return JSON.stringify(sortKeys(Object.fromEntries(kept.map(([key, value]) => [key, normalise(key, value)]))))
}

// Microseconds matter: the API keeps six digits, a Date only three.
function normalise(key: string, value: unknown): unknown {
  if (!INSTANTS.has(key) || typeof value !== 'string' || !value.includes('T')) return value
  const fraction = /\.(\d+)/.exec(value)?.[1]?.padEnd(6, '0').slice(0, 6) ?? '000000'
  return `${Date.parse(value.replace(/\.\d+/, ''))}.${fraction}`
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sortKeys(field)])
  )
}

// The variables of a row: {{name}} in paths, headers and bodies. Each row has patients and an identifier of its own, so
// that rows may run beside each other, and the suite again on the same database.
import { randomInt, randomUUID } from 'node:crypto'
import { syntheticNhsNumber } from '../support/synthetic.js'

export type Variables = Map<string, string>

export const SYSTEM = 'https://marlowe-pharmacy.example/identifiers/vacc'

export function startVariables(base: string, given: Readonly<Record<string, string>>): Variables {
  const { origin, host, pathname } = new URL(base)
  const variables: Variables = new Map([
    ['base', base],
    ['origin', origin],
    ['host', host],
    ['path', pathname],
    ['system', SYSTEM],
    ['identifier', randomUUID()],
    ['uuid', randomUUID()],
    ['uuid2', randomUUID()],
    ['long', 'a'.repeat(20_000)],
    ['unknown', '019a3f00-0000-7000-8000-0000deadbeef'],
    ['nhs', syntheticNhsNumber(randomInt(800_000))],
    ['nhs2', syntheticNhsNumber(randomInt(800_000))]
  ])
  for (const [name, value] of Object.entries(given)) variables.set(name, value)
  return variables
}

/** @throws Error for a variable that nothing has set */
export function fill(text: string, variables: Variables): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => {
    const value = variables.get(name)
    if (value === undefined) throw new Error(`{{${name}}} is not set`)
    return value.includes('{{') ? fill(value, variables) : value
  })
}

/** The same in every text of a value. */
export function fillAll(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return fill(value, variables)
  if (Array.isArray(value)) return value.map((item) => fillAll(item, variables))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fillAll(item, variables)]))
}

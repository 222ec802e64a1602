// The body of a request, made from what a row says of it.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { BodySpec } from './rows.js'
import { fill, fillAll, type Variables } from './variables.js'

/** Short names of the fixtures that rows use most. */
const BASES: Readonly<Record<string, string>> = {
  flu: 'flu-pharmacy-older-adult',
  covid: 'covid-spring-older-adult',
  refused: 'flu-school-refused'
}

/** Bytes, and the Content-Type that goes with them unless the row says another. */
export function makeBody(spec: BodySpec, variables: Variables): { bytes: Buffer; type: string } {
  const bytes = bytesOf(spec, variables)
  return {
    bytes: spec.gzip === true ? gzipSync(bytes) : bytes,
    type: spec.form === undefined ? 'application/fhir+json' : 'application/x-www-form-urlencoded'
  }
}

function bytesOf(spec: BodySpec, variables: Variables): Buffer {
  if (spec.hex !== undefined) return Buffer.from(spec.hex.replaceAll(' ', ''), 'hex')
  if (spec.form !== undefined) return Buffer.from(fill(spec.form, variables))
  if (spec.repeat !== undefined) {
    const { before = '', text, times, after = '' } = spec.repeat
    return Buffer.from(before + text.repeat(times) + after)
  }
  let text = textOf(spec, variables)
  for (const [from, to] of spec.replace ?? []) {
    const wanted = fill(from, variables)
    if (!text.includes(wanted)) throw new Error(`there is no ${wanted} to replace`)
    text = text.replace(wanted, () => fill(to, variables))
  }
  return Buffer.from(text)
}

function textOf(spec: BodySpec, variables: Variables): string {
  if (spec.text !== undefined) return fill(spec.text, variables)
  const value = spec.of === undefined ? fillAll(spec.json, variables) : baseResource(spec.of, variables)
  for (const pointer of spec.remove ?? []) change(value, pointer, undefined)
  for (const [pointer, item] of Object.entries(spec.set ?? {})) change(value, pointer, fillAll(item, variables))
  return JSON.stringify(resourcesIn(value, variables))
}

/** A fixture with the identifier and the patient of this row. */
export function baseResource(name: string, variables: Variables): unknown {
  const file = new URL(`../../fixtures/immunization/valid/${BASES[name] ?? name}.json`, import.meta.url)
  const text = readFileSync(file, 'utf8')
  const resource = JSON.parse(text) as { identifier: { system: string; value: string }[] }
  const nhsNumber = /"value": "(999\d{7})"/.exec(text)?.[1] ?? ''
  const [identifier] = resource.identifier
  if (identifier !== undefined) {
    identifier.system = fill('{{system}}', variables)
    identifier.value = fill('{{identifier}}', variables)
  }
  return JSON.parse(JSON.stringify(resource).replaceAll(nhsNumber, fill('{{nhs}}', variables)))
}

// In a Bundle, {"of": "flu", "set": …} stands for the resource that it makes.
function resourcesIn(value: unknown, variables: Variables): unknown {
  if (Array.isArray(value)) return value.map((item) => resourcesIn(item, variables))
  if (typeof value !== 'object' || value === null) return value
  if ('of' in value && typeof value.of === 'string') return JSON.parse(textOf(value as BodySpec, variables))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resourcesIn(item, variables)]))
}

/** Sets what a JSON pointer names; undefined takes it out. */
function change(root: unknown, pointer: string, item: unknown): void {
  const names = pointer.split('/').slice(1)
  const last = names.pop() ?? ''
  let parent = root as Record<string, unknown>
  for (const name of names) {
    parent[name] ??= {}
    parent = parent[name] as Record<string, unknown>
  }
  if (item !== undefined) {
    if (Array.isArray(parent) && last === '-') parent.push(item)
    else parent[last] = item
  } else if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else Reflect.deleteProperty(parent, last)
}

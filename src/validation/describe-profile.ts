// A compiled profile in rows, for people: what is asked of each element, and who asks it.
import type { Authority } from './definitions/element-tree.js'
import type { ElementPlan, ObjectPlan, ValuePlan } from './plan.js'

export interface ProfileRow {
  /** FHIR path, slices after a colon: `Patient.identifier:nhsNumber.system`. */
  path: string
  cardinality: string
  types: string
  /** One statement each: fixed values, bindings, invariants, what a profile changed. */
  rules: string[]
}

const MAX_DEPTH = 8

export function describeProfile(plan: ObjectPlan): ProfileRow[] {
  const rows: ProfileRow[] = []
  rows.push({ path: plan.name, cardinality: '', types: plan.name, rules: invariantRules(plan) })
  describeElements(plan, plan.name, rows, new Set([plan]))
  return rows
}

function describeElements(plan: ObjectPlan, path: string, rows: ProfileRow[], above: ReadonlySet<ObjectPlan>): void {
  for (const element of plan.elements) {
    const own = `${path}.${element.name}${element.isChoice ? '[x]' : ''}`
    rows.push(describeElement(element, own))
    const values = element.variants.map((variant) => variant.value)
    for (const value of values) describeBelow(value, own, rows, above)
    for (const slice of element.slicing?.slices ?? []) {
      const slicePath = `${own}:${slice.name}`
      const rules = slice.tests.map((test) => `recognised by ${test.path.join('.') || 'itself'}`)
      rows.push({ path: slicePath, cardinality: range(slice.min, slice.max), types: typeOf(slice.value), rules })
      if (slice.value.kind === 'object')
        describeElements(slice.value.object, slicePath, rows, new Set([...above, slice.value.object]))
    }
  }
}

// Backbone elements and places that differ from their type are shown; a plain datatype speaks for itself.
function describeBelow(value: ValuePlan, path: string, rows: ProfileRow[], above: ReadonlySet<ObjectPlan>): void {
  if (value.kind === 'extension') {
    for (const slice of value.place.slices) {
      const rules = [`url ${slice.url}`]
      rows.push({
        path: `${path}:${lastSegment(slice.url)}`,
        cardinality: range(slice.min, slice.max),
        types: 'Extension',
        rules
      })
    }
  }
  if (value.kind !== 'object' || !value.object.name.includes('.')) return
  if (above.has(value.object) || above.size > MAX_DEPTH) return
  describeElements(value.object, path, rows, new Set([...above, value.object]))
}

function describeElement(element: ElementPlan, path: string): ProfileRow {
  const allowed = element.variants.filter((variant) => variant.refusedBy === undefined)
  const rules = [...change('at least', element.min, element.minBy), ...change('at most', element.max, element.maxBy)]
  for (const { value } of allowed) rules.push(...valueRules(value))
  const types = [...new Set(allowed.map(({ value }) => typeOf(value)))].join(' | ')
  return { path, cardinality: range(element.min, element.max), types, rules: [...new Set(rules)] }
}

function change(what: string, count: number, by: Authority): string[] {
  return by.layer === 'profile' ? [`${what} ${count} (${by.label})`] : []
}

function valueRules(value: ValuePlan): string[] {
  if (value.kind === 'resource' || value.kind === 'extension') return []
  const rules = value.invariants.map(({ key, severity }) => `${key} (${severity})`)
  if (value.kind === 'object' && value.object.name.includes('.')) rules.push(...invariantRules(value.object))
  if (value.fixed !== undefined) rules.push(`${value.fixed.kind} ${JSON.stringify(value.fixed.value)}`)
  if (value.binding?.valueSet !== undefined)
    rules.push(`${value.binding.strength} ${lastSegment(value.binding.valueSet)}`)
  return rules
}

function invariantRules(plan: ObjectPlan): string[] {
  return plan.invariants.map(({ key, severity, by }) => `${key} (${severity}, ${by.label})`)
}

function typeOf(value: ValuePlan): string {
  switch (value.kind) {
    case 'extension':
      return 'Extension'
    case 'resource':
      return value.types === undefined ? 'Resource' : [...value.types].join(' | ')
    case 'primitive':
      return value.type
    case 'object':
      return value.targets === undefined ? value.type : `${value.type}(${[...value.targets.types].join(' | ')})`
  }
}

function range(min: number, max: number): string {
  return `${min}..${max === Infinity ? '*' : max}`
}

function lastSegment(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}

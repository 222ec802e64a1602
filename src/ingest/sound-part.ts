// What is left of a faulty resource once the faulty elements are taken out, so that the other judges can still speak.
import type { Immunization } from 'fhir/r4.js'
import type { Issue } from '../fhir/issue.js'

/**
 * The resource itself when no fault of FHIR was found, else a copy without the faulty elements.
 * Undefined when a fault cannot be cut out (it lies at the root or names no place): nothing can be read safely then.
 */
export function soundPart(resource: Immunization, issues: readonly Issue[]): Immunization | undefined {
  const faults = issues.filter((issue) => issue.layer === 'base' && issue.severity === 'error')
  if (faults.length === 0) return resource
  const paths = faults.map((fault) => toSteps(fault.expression?.[0] ?? ''))
  if (paths.some((steps) => steps.length === 0)) return undefined
  const copy = structuredClone(resource)
  // From the end of every array to its start, so that no index moves before it is used.
  for (const steps of paths.sort(compareSteps).reverse()) cut(copy, steps)
  return copy
}

/** `Immunization.performer[0].actor` -> ['performer', 0, 'actor']; `occurrence.ofType(dateTime)` -> occurrenceDateTime. */
function toSteps(expression: string): (string | number)[] {
  const steps: (string | number)[] = []
  for (const match of expression.matchAll(/([A-Za-z_]\w*)(?:\.ofType\((\w+)\))?|\[(\d+)\]/g)) {
    const [, name = '', type = '', index] = match
    if (index !== undefined) steps.push(Number(index))
    else steps.push(`${name}${type.charAt(0).toUpperCase()}${type.slice(1)}`)
  }
  return steps.slice(1)
}

function compareSteps(left: readonly (string | number)[], right: readonly (string | number)[]): number {
  for (let depth = 0; depth < Math.min(left.length, right.length); depth++) {
    const [a, b] = [left[depth], right[depth]]
    if (a === b) continue
    return typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1
  }
  return left.length - right.length
}

function cut(root: object, steps: readonly (string | number)[]): void {
  let parent: unknown = root
  for (const step of steps.slice(0, -1)) parent = memberOf(parent, step)
  const last = steps.at(-1)
  if (Array.isArray(parent) && typeof last === 'number') parent.splice(last, 1)
  else if (typeof parent === 'object' && parent !== null && typeof last === 'string')
    Reflect.deleteProperty(parent, last)
}

function memberOf(value: unknown, step: string | number): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[step] : undefined
}

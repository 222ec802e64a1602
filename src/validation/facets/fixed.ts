// fixed[x] and pattern[x]: the value must equal the fixed one, or hold at least what the pattern holds.
import type { Check } from '../check.js'
import type { NodeFixed } from '../definitions/element-tree.js'
import { isObject } from '../definitions/structure-definition.js'
import { report } from '../run.js'

export function buildFixed(fixed: NodeFixed): Check {
  const matches = (value: unknown): boolean =>
    fixed.kind === 'fixed' ? isEqual(value, fixed.value) : holdsPattern(value, fixed.value)
  const wanted = isObject(fixed.value) ? 'the fixed content' : JSON.stringify(fixed.value)
  return {
    passes: matches,
    explain(value, _owner, place, run) {
      if (!matches(value))
        report(run, fixed.by, 'fixed-value', place, `must be ${wanted}, as ${fixed.by.label} fixes it`)
    }
  }
}

/** The same JSON, members in any order. */
export function isEqual(value: unknown, wanted: unknown): boolean {
  if (value === wanted) return true
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(value) && value.length === wanted.length && wanted.every((one, index) => isEqual(value[index], one))
    )
  }
  if (!isObject(wanted) || !isObject(value)) return false
  const keys = Object.keys(wanted)
  return keys.length === Object.keys(value).length && keys.every((key) => isEqual(value[key], wanted[key]))
}

/** Every member of the pattern is there; every item of a list in the pattern is met by some item of the value. */
export function holdsPattern(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) {
    const items: unknown[] = Array.isArray(value) ? value : []
    return pattern.every((wanted) => items.some((item) => holdsPattern(item, wanted)))
  }
  if (!isObject(pattern)) return value === pattern
  return isObject(value) && Object.keys(pattern).every((key) => holdsPattern(value[key], pattern[key]))
}

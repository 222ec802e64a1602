// One or many: the JSON array of a repeating element, and the plain value of one that does not repeat.
import type { Check } from '../check.js'
import { type Authority, BASE_R4 } from '../definitions/element-tree.js'
import type { ElementPlan } from '../plan.js'
import { isFull, itemOf, type Place, report, type Run } from '../run.js'

/** A repeating element whose items are all judged alike. */
export function buildList(item: Check): Check {
  return {
    passes(value, owner, run) {
      if (!Array.isArray(value) || value.length === 0) return false
      for (let index = 0; index < value.length; index++) {
        if (!item.passes(value[index], owner, run)) return false
      }
      return true
    },
    explain(value, owner, place, run) {
      const items = readItems(value, place, run)
      for (let index = 0; index < items.length && !isFull(run); index++) {
        item.explain(items[index], owner, itemOf(place, index), run)
      }
    }
  }
}

/** The items, or none after saying why there are none. */
export function readItems(value: unknown, place: Place, run: Run): readonly unknown[] {
  if (!Array.isArray(value)) {
    if (value === null)
      report(run, BASE_R4, 'null', place, 'is null; leave the element out when there is nothing to say')
    else report(run, BASE_R4, 'json-array', place, 'may repeat: send a JSON array, even for one value')
    return []
  }
  if (value.length === 0) report(run, BASE_R4, 'empty', place, 'is an empty array; leave the element out')
  return value as unknown[]
}

/** An element that does not repeat: says so when an array comes. */
export function buildSingle(item: Check): Check {
  return {
    passes: item.passes,
    explain(value, owner, place, run) {
      if (Array.isArray(value)) {
        report(run, BASE_R4, 'json-array', place, 'does not repeat: send the value itself, no array')
      } else {
        item.explain(value, owner, place, run)
      }
    }
  }
}

/** Bounds on the number of items that presence alone does not settle. */
export function buildItemCount(element: ElementPlan): Check | undefined {
  const { min, minBy, max, maxBy } = element
  if (min < 2 && (max === Infinity || !element.isList)) return undefined
  return {
    passes: (value) => !Array.isArray(value) || (value.length <= max && value.length >= min),
    explain(value, _owner, place, run) {
      if (!Array.isArray(value) || value.length === 0) return
      if (value.length > max) {
        report(run, maxBy, 'cardinality-max', place, `may be there at most ${max} times (${maxBy.label}); remove some`)
      }
      if (value.length < min) {
        report(run, minBy, 'cardinality-min', place, `must be there at least ${min} times (${minBy.label}); add more`)
      }
    }
  }
}

/** An element that a profile rules out. */
export function buildForbidden(element: ElementPlan): Check {
  return {
    passes: () => false,
    explain(_value, _owner, place, run) {
      report(run, element.maxBy, 'cardinality-max', place, `is not allowed by ${element.maxBy.label}; remove it`)
    }
  }
}

/** A type of a choice that a profile rules out. */
export function buildRefusedType(element: ElementPlan, by: Authority): Check {
  const allowed = element.variants.filter((variant) => variant.refusedBy === undefined).map((variant) => variant.key)
  return {
    passes: () => false,
    explain(_value, _owner, place, run) {
      report(
        run,
        by,
        'type-not-allowed',
        place,
        `is of a type that ${by.label} rules out; send ${allowed.join(' or ')}`
      )
    }
  }
}

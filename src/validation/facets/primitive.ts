// A value of a primitive type: JSON kind, lexical form, range, and the `_name` object that stands beside it.
import type { Check } from '../check.js'
import { BASE_R4, type NodeBinding } from '../definitions/element-tree.js'
import type { JsonObject } from '../definitions/structure-definition.js'
import { isObject } from '../definitions/structure-definition.js'
import type { ValuePlan } from '../plan.js'
import { PRIMITIVE_TYPES, type PrimitiveType } from '../primitives/primitive-types.js'
import { localIdsIn } from '../primitives/xhtml.js'
import { itemOf, report, type Run } from '../run.js'

type PrimitivePlan = Extract<ValuePlan, { kind: 'primitive' }>

/** The value itself, one item of a list included. */
export function buildPrimitive(plan: PrimitivePlan): Check {
  const type = PRIMITIVE_TYPES.get(plan.type)
  if (type === undefined) throw new Error(`no test for primitive type ${plan.type}`)
  const { matches } = type
  const hasLimits = plan.maxLength !== undefined || plan.minValue !== undefined || plan.maxValue !== undefined
  const check: Check = {
    passes: matches,
    explain(value, _owner, place, run) {
      const rule = plan.type === 'xhtml' && typeof value === 'string' ? 'narrative' : ruleOf(value, type)
      if (rule !== undefined) report(run, BASE_R4, rule, place, `must be ${type.format}${REMEDIES[rule] ?? ''}`)
    }
  }
  const formed = plan.type === 'xhtml' ? narrative(check) : check
  if (hasLimits) return withLimits(formed, plan, matches)
  return plan.type === 'uri' || plan.type === 'url' || plan.type === 'canonical' ? noteLocal(formed) : formed
}

const REMEDIES: Partial<Record<string, string>> = {
  'json-type': '; send it as that JSON type',
  empty: '; leave the element out when there is nothing to say',
  null: '; leave the element out when there is nothing to say'
}

function ruleOf(value: unknown, type: PrimitiveType): 'json-type' | 'empty' | 'null' | 'primitive-format' | undefined {
  if (type.matches(value)) return undefined
  if (value === null) return 'null'
  if (typeof value !== type.json) return 'json-type'
  return typeof value === 'string' && value.trim() === '' ? 'empty' : 'primitive-format'
}

// Links and images of a narrative use contained resources too. Reading it twice is dear: explains only what is bad.
function narrative(check: Check): Check {
  const note = (value: unknown, run: Run): void => {
    if (typeof value === 'string') for (const id of localIdsIn(value)) noteTarget(id, run)
  }
  return {
    passes(value, owner, run) {
      note(value, run)
      return check.passes(value, owner, run)
    },
    explain(value, owner, place, run) {
      note(value, run)
      if (!check.passes(value, owner, run)) check.explain(value, owner, place, run)
    }
  }
}

function withLimits(check: Check, plan: PrimitivePlan, matches: (value: unknown) => boolean): Check {
  const isWithin = (value: unknown): boolean => {
    if (plan.maxLength !== undefined && typeof value === 'string' && value.length > plan.maxLength) return false
    if (plan.minValue !== undefined && isBelow(value, plan.minValue)) return false
    return plan.maxValue === undefined || !isBelow(plan.maxValue, value)
  }
  return {
    passes: (value, owner, run) => check.passes(value, owner, run) && isWithin(value),
    explain(value, owner, place, run) {
      check.explain(value, owner, place, run)
      if (matches(value) && !isWithin(value)) {
        report(run, plan.limitsBy, 'value-range', place, 'is longer, smaller or larger than its profile allows')
      }
    }
  }
}

function isBelow(value: unknown, limit: unknown): boolean {
  if (typeof value === 'number' && typeof limit === 'number') return value < limit
  return typeof value === 'string' && typeof limit === 'string' && value < limit
}

// A contained resource counts as used when any URI names its id (dom-3).
function noteLocal(check: Check): Check {
  const note = (value: unknown, run: Run): void => {
    if (typeof value !== 'string' || value.charCodeAt(0) !== 35) return
    noteTarget(value.slice(1), run)
  }
  return {
    passes(value, owner, run) {
      note(value, run)
      return check.passes(value, owner, run)
    },
    explain(value, owner, place, run) {
      note(value, run)
      check.explain(value, owner, place, run)
    }
  }
}

function noteTarget(id: string, run: Run): void {
  run.localTargets ??= new Set()
  run.localTargets.add(id)
}

/** A list of primitives: null may hold the place of an item whose `_name` has something at the same index. */
export function buildPrimitiveList(key: string, item: Check): Check {
  const sibling = `_${key}`
  return {
    passes(value, owner, run) {
      if (!Array.isArray(value) || value.length === 0) return false
      for (let index = 0; index < value.length; index++) {
        const one: unknown = value[index]
        if (one === null ? !hasSibling(owner, sibling, index) : !item.passes(one, owner, run)) return false
      }
      return true
    },
    explain(value, owner, place, run) {
      if (!Array.isArray(value)) {
        report(run, BASE_R4, 'json-array', place, 'may repeat: send a JSON array, even for one value')
        return
      }
      if (value.length === 0) report(run, BASE_R4, 'empty', place, 'is an empty array; leave the element out')
      value.forEach((one: unknown, index) => {
        const at = itemOf(place, index)
        if (one !== null) item.explain(one, owner, at, run)
        else if (!hasSibling(owner, sibling, index)) {
          report(run, BASE_R4, 'null', at, `is null without an extension at the same place of "${sibling}"; remove it`)
        }
      })
    }
  }
}

function hasSibling(owner: JsonObject, key: string, index: number): boolean {
  const list = owner[key]
  return Array.isArray(list) && isObject(list[index])
}

/**
 * `_name` of an element that does not repeat: an object with an extension, or an id beside a value. Where a code of a
 * required value set must be there (`neededBy`), an extension in its place does not do.
 */
export function buildSibling(key: string, object: Check, neededBy: NodeBinding['by'] | undefined): Check {
  const stands = (value: unknown, owner: JsonObject): boolean => hasValue(owner[key]) || hasExtension(value)
  const lacksCode = (owner: JsonObject): boolean => neededBy !== undefined && !hasValue(owner[key])
  return {
    passes: (value, owner, run) => stands(value, owner) && !lacksCode(owner) && object.passes(value, owner, run),
    explain(value, owner, place, run) {
      if (isObject(value)) object.explain(value, owner, place, run)
      if (neededBy !== undefined && lacksCode(owner)) {
        const what = `needs a code of its required value set (${neededBy.label}); an extension does not take its place`
        report(run, neededBy, 'code-unknown', place, what)
      }
      if (!isObject(value)) {
        report(run, BASE_R4, 'primitive-sibling', place, `has "_${key}", which must be an object with id or extension`)
      } else if (!stands(value, owner) && Object.keys(value).length > 0) {
        report(run, BASE_R4, 'empty', place, `has neither a value nor an extension in "_${key}"; leave it out`)
      }
    }
  }
}

/** `_name` of a repeating element: an array aligned with that of the values; items at its end may be left out. */
export function buildSiblingList(key: string, object: Check): Check {
  const stands = (value: unknown, owner: JsonObject, index: number): boolean =>
    hasValue(itemAt(owner[key], index)) || hasExtension(value)
  const isAligned = (list: readonly unknown[], owner: JsonObject): boolean => {
    const values = owner[key]
    return !Array.isArray(values) || list.length <= values.length
  }
  return {
    passes(value, owner, run) {
      if (!Array.isArray(value) || value.length === 0 || !isAligned(value, owner)) return false
      for (let index = 0; index < value.length; index++) {
        const one: unknown = value[index]
        if (!stands(one, owner, index)) return false
        if (one !== null && !object.passes(one, owner, run)) return false
      }
      return true
    },
    explain(value, owner, place, run) {
      if (!Array.isArray(value) || value.length === 0) {
        report(run, BASE_R4, 'primitive-sibling', place, `has "_${key}", which must be an array beside "${key}"`)
        return
      }
      if (!isAligned(value, owner))
        report(run, BASE_R4, 'primitive-sibling', place, `has more items in "_${key}" than values; pad with null`)
      value.forEach((one: unknown, index) => {
        const at = itemOf(place, index)
        if (one !== null) object.explain(one, owner, at, run)
        if (!stands(one, owner, index)) {
          report(run, BASE_R4, 'empty', at, `has neither a value nor an extension in "_${key}"; leave it out`)
        }
      })
    }
  }
}

function itemAt(list: unknown, index: number): unknown {
  return Array.isArray(list) ? list[index] : undefined
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null
}

function hasExtension(value: unknown): boolean {
  return isObject(value) && value['extension'] !== undefined
}

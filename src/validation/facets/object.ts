// An object: every member known, required members there, one type per choice, invariants met.
import type { Check } from '../check.js'
import type { ElementPlan, ObjectPlan } from '../plan.js'
import { BASE_R4 } from '../definitions/element-tree.js'
import { isObject, type JsonObject } from '../definitions/structure-definition.js'
import { below, isFull, MAX_DEPTH, type Place, report, type Run } from '../run.js'
import type { InvariantCheck } from './invariant.js'
import { nearestName } from './nearest-name.js'

/** A hint costs a comparison with every name: nobody reads more of them. */
const MAX_HINTS = 20

/** One JSON member an object may have. */
export interface Member {
  readonly check: Check
  /** `check.passes`, one step nearer for the fast pass. */
  readonly passes: Check['passes']
  /** Bit of the required element it belongs to; 0 for optional ones. */
  readonly bit: number
  /** Number of its choice, from 1; 0 for what is no choice. */
  readonly choice: number
  /** Number of its type within the choice. */
  readonly variant: number
  /** FHIRPath step: `occurrence.ofType(dateTime)`. */
  readonly step: string
  readonly element: ElementPlan
}

/** Filled after the check exists, because types refer to each other in circles. */
export interface ObjectParts {
  members: Map<string, Member>
  required: readonly { bit: number; element: ElementPlan }[]
  invariants: readonly InvariantCheck[]
}

export function buildObject(plan: ObjectPlan, parts: ObjectParts): Check {
  const { isResource, isSibling } = plan
  let requiredBits: number | undefined
  return {
    passes(value, _owner, run) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
      if (++run.depth > MAX_DEPTH) return false
      const object = value as JsonObject
      const { members, invariants } = parts
      requiredBits ??= parts.required.reduce((bits, one) => bits | one.bit, 0)
      let seen = 0
      let isEmpty = true
      let firstVariant = 0
      let otherVariants: number[] | undefined
      for (const key in object) {
        const member = members.get(key)
        if (member === undefined) {
          if (isResource && key === 'resourceType') continue
          return false
        }
        if (!member.passes(object[key], object, run)) return false
        seen |= member.bit
        if (member.choice === 1) {
          if (firstVariant !== 0 && firstVariant !== member.variant) return false
          firstVariant = member.variant
        } else if (member.choice > 1) {
          otherVariants ??= []
          const before = otherVariants[member.choice]
          if (before !== undefined && before !== member.variant) return false
          otherVariants[member.choice] = member.variant
        }
        if (key !== 'id' || isSibling) isEmpty = false
      }
      if ((isEmpty && !isResource) || (seen & requiredBits) !== requiredBits) return false
      for (let index = 0; index < invariants.length; index++) {
        if (invariants[index]?.passes(object, run) === false) return false
      }
      run.depth--
      return true
    },
    explain(value, _owner, place, run) {
      if (!isObject(value)) {
        reportNoObject(value, plan, place, run)
        return
      }
      if (run.depth >= MAX_DEPTH) {
        report(run, BASE_R4, 'too-deep', place, `is nested deeper than ${MAX_DEPTH} levels; flatten it`)
        return
      }
      run.depth++
      explainMembers(value, plan, parts, place, run)
      explainMissing(value, parts, place, run)
      for (const invariant of parts.invariants) invariant.explain(value, place, run)
      run.depth--
    }
  }
}

function reportNoObject(value: unknown, plan: ObjectPlan, place: Place, run: Run): void {
  if (value === null) report(run, BASE_R4, 'null', place, 'is null; leave the element out when there is nothing to say')
  else if (Array.isArray(value)) report(run, BASE_R4, 'json-array', place, 'does not repeat: send one object, no array')
  else report(run, BASE_R4, 'json-type', place, `must be a JSON object of type ${plan.name}`)
}

function explainMembers(object: JsonObject, plan: ObjectPlan, parts: ObjectParts, place: Place, run: Run): void {
  const variants = new Map<number, number>()
  const repeated = new Set<number>()
  let isEmpty = true
  for (const key in object) {
    if (isFull(run)) return
    if (key !== 'id' || plan.isSibling) isEmpty = false
    if (plan.isResource && key === 'resourceType') continue
    const member = parts.members.get(key)
    if (member === undefined) {
      reportUnknown(key, plan, parts, place, run)
      continue
    }
    member.check.explain(object[key], object, below(place, member.step), run)
    if (member.choice === 0) continue
    const before = variants.get(member.choice)
    if (before === undefined) variants.set(member.choice, member.variant)
    else if (before !== member.variant && !repeated.has(member.choice)) {
      repeated.add(member.choice)
      const at = below(place, member.element.name)
      report(run, BASE_R4, 'choice-repeated', at, 'is given with more than one type; keep one of them')
    }
  }
  if (isEmpty && !plan.isResource) {
    report(run, BASE_R4, 'empty', place, 'has no content; leave the element out when there is nothing to say')
  }
}

function reportUnknown(key: string, plan: ObjectPlan, parts: ObjectParts, place: Place, run: Run): void {
  // A name that is no name of an element could be anything, a person's included: it is not repeated.
  const isName = /^_?[A-Za-z][A-Za-z0-9]{0,63}$/.test(key) && key !== 'constructor' && key !== 'prototype'
  const near = isName && run.errors < MAX_HINTS ? nearestName(key, parts.members.keys()) : undefined
  const hint = near === undefined ? 'remove it, or put it into an extension' : `did you mean "${near}"?`
  const at = isName ? below(place, key) : place
  const what = isName ? `is not an element of ${plan.name}` : `has a member that is not an element of ${plan.name}`
  report(run, BASE_R4, 'unknown-element', at, `${what}; ${hint}`)
}

function explainMissing(object: JsonObject, parts: ObjectParts, place: Place, run: Run): void {
  if (parts.required.length === 0) return
  let seen = 0
  for (const key in object) seen |= parts.members.get(key)?.bit ?? 0
  for (const { bit, element } of parts.required) {
    if ((seen & bit) !== 0) continue
    const allowed = element.variants.filter((variant) => variant.refusedBy === undefined).map((variant) => variant.key)
    const how = element.isChoice ? `; give ${allowed.join(' or ')}` : '; add it'
    report(
      run,
      element.minBy,
      'cardinality-min',
      below(place, element.name),
      `is required by ${element.minBy.label}${how}`
    )
  }
}

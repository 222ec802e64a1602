// Element plan -> checks. One builder per facet in facets/; this page says which builders a value needs.
import { allOf, type Check } from './check.js'
import type { Terminology } from './code-set.js'
import { buildBinding } from './facets/binding.js'
import { buildExtensions, type ExtensionRegistry } from './facets/extension.js'
import { buildFixed } from './facets/fixed.js'
import { buildInvariant, type ExpressionEngine, type InvariantCheck } from './facets/invariant.js'
import { buildForbidden, buildItemCount, buildList, buildRefusedType, buildSingle } from './facets/list.js'
import { buildObject, type Member, type ObjectParts } from './facets/object.js'
import { buildPrimitive, buildPrimitiveList, buildSibling, buildSiblingList } from './facets/primitive.js'
import { buildReference } from './facets/reference.js'
import { buildContainedIds, buildResource, type ResourceRegistry } from './facets/resource.js'
import { buildSlicing } from './facets/slicing.js'
import { buildAbsoluteSystem, buildSnomedForm } from './facets/system.js'
import type { ElementPlan, ObjectPlan, ValuePlan, VariantPlan } from './plan.js'
import type { ValueSetShelf } from './terminology-questions.js'

export interface CompilerServices {
  terminology: Terminology
  valueSets: ValueSetShelf
  extensions: ExtensionRegistry
  resources: ResourceRegistry
  resourceTypes: ReadonlySet<string>
  engine: ExpressionEngine | undefined
}

export type Compile = (plan: ObjectPlan) => Check

/** Bits of a JavaScript number that a bit mask may use. */
const MAX_REQUIRED = 31

export function createCompiler(services: CompilerServices): Compile {
  const { terminology, valueSets, extensions, resources, resourceTypes, engine } = services
  const checks = new Map<ObjectPlan, Check>()
  return compile

  function compile(plan: ObjectPlan): Check {
    const known = checks.get(plan)
    if (known !== undefined) return known
    const parts: { -readonly [K in keyof ObjectParts]: ObjectParts[K] } = {
      members: new Map(),
      required: [],
      invariants: []
    }
    const check = buildObject(plan, parts)
    // Kept before its parts are built: types refer to each other in circles.
    checks.set(plan, check)
    const required = plan.elements.filter((element) => element.min > 0 && element.max > 0)
    if (required.length > MAX_REQUIRED) throw new Error(`${plan.name} has more than ${MAX_REQUIRED} required elements`)
    parts.required = required.map((element, index) => ({ bit: 1 << index, element }))
    let choices = 0
    for (const element of plan.elements) {
      if (element.isChoice) choices++
      const bit = parts.required.find((one) => one.element === element)?.bit ?? 0
      element.variants.forEach((variant, index) => {
        const step = element.isChoice ? `${element.name}.ofType(${typeOf(variant)})` : element.name
        const numbers = { bit, choice: element.isChoice ? choices : 0, variant: index + 1, step, element }
        addMembers(parts.members, plan, variant, numbers)
      })
    }
    parts.invariants = [
      ...plan.invariants.map((constraint) => buildInvariant(constraint, plan.name, engine)),
      ...systemsOf(plan)
    ]
    return check
  }

  function addMembers(
    members: Map<string, Member>,
    owner: ObjectPlan,
    variant: VariantPlan,
    numbers: Omit<Member, 'check' | 'passes'>
  ): void {
    const { element } = numbers
    const { key, value, refusedBy } = variant
    const isPrimitive = value.kind === 'primitive'
    if (element.max === 0 || refusedBy !== undefined) {
      const check = refusedBy === undefined ? buildForbidden(element) : buildRefusedType(element, refusedBy)
      members.set(key, { ...numbers, check, passes: check.passes })
      if (isPrimitive) members.set(`_${key}`, { ...numbers, check, passes: check.passes })
      return
    }
    const valueCheck = compileElement(element, variant, owner)
    members.set(key, { ...numbers, check: valueCheck, passes: valueCheck.passes })
    if (!isPrimitive) return
    const object = compile(value.sibling)
    const { binding } = value
    // Only where the element itself must be there: elsewhere an extension may say why there is no code.
    const isNeeded = element.min > 0 && binding?.strength === 'required' && binding.valueSet !== undefined
    const neededBy = isNeeded ? binding.by : undefined
    const check = element.isList ? buildSiblingList(key, object) : buildSibling(key, object, neededBy)
    members.set(`_${key}`, { ...numbers, check, passes: check.passes })
  }

  function compileElement(element: ElementPlan, variant: VariantPlan, owner: ObjectPlan): Check {
    const { value } = variant
    if (value.kind === 'extension') return countedExtensions(element, value, owner)
    const item = compileValue(value)
    if (!element.isList) return buildSingle(item)
    const checks: Check[] = []
    // Ids first: cheap, and a container of thousands fails here before each is read.
    if (value.kind === 'resource' && value.isContained) checks.push(buildContainedIds())
    checks.push(compileList(element, variant, item))
    const count = buildItemCount(element)
    if (count !== undefined) checks.push(count)
    return allOf(checks)
  }

  function countedExtensions(
    element: ElementPlan,
    value: Extract<ValuePlan, { kind: 'extension' }>,
    owner: ObjectPlan
  ): Check {
    const list = buildExtensions(value.place, owner, extensions, compile)
    const count = buildItemCount(element)
    return count === undefined ? list : allOf([list, count])
  }

  function compileList(element: ElementPlan, variant: VariantPlan, item: Check): Check {
    const { key, value } = variant
    if (element.slicing !== undefined) {
      return buildSlicing(element.slicing, item, (slice) => compileValue(slice.value), terminology)
    }
    return value.kind === 'primitive' ? buildPrimitiveList(key, item) : buildList(item)
  }

  function compileValue(value: ValuePlan): Check {
    switch (value.kind) {
      case 'extension':
        return extensions.anyExtension()
      case 'resource':
        return buildResource(value, resources)
      case 'primitive':
        return listedOrAsked(value, fixedOrFormed(value, buildPrimitive(value), compileFacets(value, value.type)))
      case 'object': {
        const checks = [compile(value.object), ...compileFacets(value, value.type)]
        if (value.type === 'Reference') checks.push(buildReference(value.targets, resourceTypes))
        return allOf(checks)
      }
    }
  }

  // A code of a complete list has the form of a code: most need only be looked up.
  function listedOrAsked(value: Extract<ValuePlan, { kind: 'primitive' }>, check: Check): Check {
    const { binding, fixed, invariants, maxLength } = value
    const isOnlyBound = fixed === undefined && maxLength === undefined && invariants.length === 0
    if (binding?.valueSet === undefined || binding.maxValueSet !== undefined || !isOnlyBound) return check
    const codes = terminology.find(binding.valueSet)?.codes
    if (codes === undefined) return check
    const listed: ReadonlySet<unknown> = new Set(codes)
    return {
      passes: (one, owner, run) => listed.has(one) || check.passes(one, owner, run),
      explain: check.explain
    }
  }

  function compileFacets(value: Extract<ValuePlan, { kind: 'primitive' | 'object' }>, type: string): Check[] {
    const checks: Check[] = []
    if (value.fixed !== undefined) checks.push(buildFixed(value.fixed))
    if (value.binding !== undefined) checks.push(...buildBinding(value.binding, terminology, valueSets))
    for (const constraint of value.invariants) {
      if (constraint.key !== 'ele-1') checks.push(onObjects(buildInvariant(constraint, type, engine)))
    }
    return checks
  }
}

function systemsOf({ name }: ObjectPlan): InvariantCheck[] {
  if (name === 'Coding') return [buildAbsoluteSystem(), buildSnomedForm()]
  return name === 'Identifier' ? [buildAbsoluteSystem()] : []
}

// A value that equals the fixed one has the form of its type: the fast pass need not read it twice.
function fixedOrFormed(value: ValuePlan, form: Check, facets: Check[]): Check {
  const all = allOf([form, ...facets])
  if (value.kind !== 'primitive' || value.fixed?.kind !== 'fixed') return all
  return { passes: allOf(facets).passes, explain: all.explain }
}

// An invariant of an element whose value is no object is never native; an expression engine may still judge it.
function onObjects(invariant: InvariantCheck): Check {
  return {
    passes: (value, _owner, run) => invariant.passes(asFocus(value), run),
    explain(value, _owner, place, run) {
      invariant.explain(asFocus(value), place, run)
    }
  }
}

function asFocus(value: unknown): Record<string, unknown> {
  return value as Record<string, unknown>
}

function typeOf(variant: VariantPlan): string {
  const { value } = variant
  return value.kind === 'primitive' || value.kind === 'object' ? value.type : value.kind
}

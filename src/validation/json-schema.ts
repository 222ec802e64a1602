// The structural part of a profile as JSON Schema 2020-12, so that suppliers can check in their own language: names,
// JSON types, cardinality, choices, formats and required codes. What relates elements to each other (references,
// invariants, slices, calendar days) stays with the validator: a document that passes here may still be refused there,
// never the other way round.
import type { Terminology } from './code-set.js'
import type { JsonObject } from './definitions/structure-definition.js'
import type { ElementPlan, ObjectPlan, ValuePlan, VariantPlan } from './plan.js'
import { PRIMITIVE_SCHEMAS } from './primitive-schemas.js'

export interface SchemaServices {
  terminology: Terminology
  /** The plan of a resource type by its default profile; undefined where the schema shall not go deeper. */
  resourcePlan(type: string): ObjectPlan | undefined
  resourceTypes: readonly string[]
}

export function toJsonSchema(plan: ObjectPlan, title: string, services: SchemaServices): JsonObject {
  const names = new Map<ObjectPlan, string>()
  const definitions: Record<string, JsonObject> = {}
  const root = refer(plan)
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...root, $defs: definitions }

  function refer(target: ObjectPlan): JsonObject {
    let name = names.get(target)
    if (name === undefined) {
      name = uniqueName(target.name.replace(/[^A-Za-z0-9.]/g, ''), definitions)
      names.set(target, name)
      // Reserved first: types refer to each other in circles.
      definitions[name] = {}
      definitions[name] = objectSchema(target)
    }
    return { $ref: `#/$defs/${name}` }
  }

  function objectSchema(target: ObjectPlan): JsonObject {
    const properties: Record<string, unknown> = target.isResource ? { resourceType: { const: target.name } } : {}
    const conditions: JsonObject[] = []
    for (const element of target.elements) {
      for (const variant of element.variants) addProperties(properties, element, variant)
      if (element.min > 0) conditions.push(requireOne(element))
      if (element.isChoice) conditions.push(...onlyOne(element, target))
    }
    if (target.isSibling) conditions.push({ minProperties: 1 })
    else if (!target.isResource) conditions.push({ minProperties: 1, not: { required: ['id'], maxProperties: 1 } })
    return {
      type: 'object',
      properties,
      additionalProperties: false,
      ...(target.isResource ? { required: ['resourceType'] } : {}),
      ...(conditions.length === 0 ? {} : { allOf: conditions })
    }
  }

  function addProperties(properties: Record<string, unknown>, element: ElementPlan, variant: VariantPlan): void {
    const { key, value, refusedBy } = variant
    const isPrimitive = value.kind === 'primitive'
    if (refusedBy !== undefined || element.max === 0) {
      properties[key] = false
      if (isPrimitive) properties[`_${key}`] = false
      return
    }
    const item = valueSchema(value)
    properties[key] = element.isList
      ? listSchema(element, isPrimitive ? { anyOf: [item, { type: 'null' }] } : item)
      : item
    if (!isPrimitive) return
    const sibling = refer(value.sibling)
    const siblings = { type: 'array', minItems: 1, items: { anyOf: [sibling, { type: 'null' }] } }
    properties[`_${key}`] = element.isList ? siblings : sibling
  }

  function valueSchema(value: ValuePlan): JsonObject {
    switch (value.kind) {
      case 'primitive':
        return primitiveSchema(value)
      case 'object':
        return refer(value.object)
      case 'extension': {
        const any = services.resourcePlan('Extension')
        return any === undefined ? { type: 'object' } : refer(any)
      }
      case 'resource':
        return resourceSchema(value.types)
    }
  }

  function primitiveSchema(value: Extract<ValuePlan, { kind: 'primitive' }>): JsonObject {
    const schema: JsonObject = { ...PRIMITIVE_SCHEMAS.get(value.type) }
    if (value.fixed !== undefined) schema['const'] = value.fixed.value
    if (value.maxLength !== undefined) schema['maxLength'] = value.maxLength
    const { binding } = value
    if (binding?.strength === 'required' && binding.valueSet !== undefined && value.type === 'code') {
      const codes = services.terminology.find(binding.valueSet)?.codes
      if (codes !== undefined) schema['enum'] = [...codes]
    }
    return schema
  }

  function resourceSchema(types: ReadonlySet<string> | undefined): JsonObject {
    const allowed = services.resourceTypes.filter((type) => types?.has(type) ?? true)
    const known = allowed.flatMap((type) => {
      const target = services.resourcePlan(type)
      if (target === undefined) return []
      return [{ if: { properties: { resourceType: { const: type } } }, then: refer(target) }]
    })
    const properties = { resourceType: { enum: allowed } }
    return { type: 'object', required: ['resourceType'], properties, ...(known.length === 0 ? {} : { allOf: known }) }
  }
}

function listSchema(element: ElementPlan, items: JsonObject): JsonObject {
  return {
    type: 'array',
    minItems: Math.max(1, element.min),
    ...(element.max === Infinity ? {} : { maxItems: element.max }),
    items
  }
}

// A value, or an extension in its place.
function requireOne(element: ElementPlan): JsonObject {
  const keys = element.variants.filter((variant) => variant.refusedBy === undefined).flatMap(keysOf)
  return keys.length === 1 ? { required: keys } : { anyOf: keys.map((key) => ({ required: [key] })) }
}

// One type of a choice shuts out those after it, which is enough for every pair.
function onlyOne(element: ElementPlan, plan: ObjectPlan): JsonObject[] {
  const variants = element.variants.filter((variant) => variant.refusedBy === undefined)
  if (variants.length > MANY && isOnlyStem(element, plan)) return [onlyOneOfMany(element, variants)]
  return variants.slice(0, -1).flatMap((variant, index) => {
    const others = variants.slice(index + 1).flatMap(keysOf)
    const shut = { properties: Object.fromEntries(others.map((key) => [key, false])) }
    return keysOf(variant).map((key) => ({ dependentSchemas: { [key]: shut } }))
  })
}

/** From here on pairs would be the larger part of the schema. */
const MANY = 6

// Some variant is the only one: every other name does not begin with the stem of the choice.
function onlyOneOfMany({ name }: ElementPlan, variants: readonly VariantPlan[]): JsonObject {
  const any = variants.map((variant) => ({ propertyNames: { pattern: `^(?!_?${name}[A-Z])|^_?${variant.key}$` } }))
  return { anyOf: any }
}

function isOnlyStem({ name }: ElementPlan, plan: ObjectPlan): boolean {
  return plan.elements.every((other) => other.name === name || !other.name.startsWith(name))
}

function keysOf(variant: VariantPlan): string[] {
  return variant.value.kind === 'primitive' ? [variant.key, `_${variant.key}`] : [variant.key]
}

function uniqueName(base: string, taken: Readonly<Record<string, unknown>>): string {
  let name = base
  for (let number = 2; name in taken; number++) name = `${base}-${number}`
  return name
}

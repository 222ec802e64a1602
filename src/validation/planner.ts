// Element tree -> element plan. Plans are made once per element and share the plans of their types.
import type { ValidationCatalogue } from './definitions/catalogue.js'
import {
  copyNode,
  type ElementNode,
  type ElementTree,
  type NodeConstraint,
  type NodeType,
  type Snapshots
} from './definitions/element-tree.js'
import { capital } from './definitions/node-types.js'
import { DefinitionError, HL7_DEFINITION } from './definitions/structure-definition.js'
import type { ElementPlan, ObjectPlan, TargetPlan, ValueFacets, ValuePlan, VariantPlan } from './plan.js'
import { createExtensionContexts } from './extension-contexts.js'
import { isExtensionList, planExtensions } from './plan-extensions.js'
import { planSlicing } from './plan-slicing.js'

export interface Planner {
  /** The plan of a whole definition: resource, type or extension. */
  ofTree(tree: ElementTree): ObjectPlan
}

/** What the element rules themselves take care of: no empty element. */
const STRUCTURAL = new Set(['ele-1'])

export function createPlanner(catalogue: ValidationCatalogue, snapshots: Snapshots): Planner {
  const plans = new Map<ElementNode, ObjectPlan>()
  const siblings = new Map<string, ObjectPlan>()
  const contexts = createExtensionContexts(catalogue)
  return { ofTree }

  function ofTree(tree: ElementTree): ObjectPlan {
    return planObject(tree.root, tree, tree.type, tree.kind === 'resource')
  }

  function planObject(node: ElementNode, tree: ElementTree, name: string, isResource = false): ObjectPlan {
    const known = plans.get(node)
    if (known !== undefined) return known
    const isRoot = node === tree.root
    const constraints = isRoot ? node.constraints : [...typeConstraints(node), ...node.constraints]
    const plan: ObjectPlan = {
      name,
      isResource,
      isSibling: false,
      contexts: contexts.namesOf(node, isRoot ? tree.type : (node.types[0]?.code ?? 'BackboneElement')),
      // Filled below: plans of one type refer to each other in circles, and copies share this list.
      elements: [],
      invariants: constraints.filter((constraint) => !STRUCTURAL.has(constraint.key))
    }
    plans.set(node, plan)
    node.children ??= snapshots.childrenOf(node, tree)
    plan.elements.push(...node.children.map((child) => planElement(child, tree)))
    return plan
  }

  function typeConstraints(node: ElementNode): ElementNode['constraints'] {
    const [type] = node.types
    if (type === undefined) return []
    const canonical = type.profiles.length === 1 ? (type.profiles[0] ?? '') : HL7_DEFINITION + type.code
    const known = new Set(node.constraints.map((constraint) => constraint.key))
    return (snapshots.find(canonical)?.root.constraints ?? []).filter((constraint) => !known.has(constraint.key))
  }

  function planElement(node: ElementNode, tree: ElementTree): ElementPlan {
    const isChoice = node.name.endsWith('[x]')
    const name = isChoice ? node.name.slice(0, -3) : node.name
    // A slice that must be there makes its element required, whatever the element says itself.
    const required = node.slices.find((slice) => slice.min > 0)
    const by = required?.minBy
    return {
      name,
      path: node.paths[0] ?? name,
      isChoice,
      isList: node.isList,
      min: required === undefined ? node.min : Math.max(1, node.min),
      minBy: by === undefined || node.min > 0 ? node.minBy : by,
      max: node.max,
      maxBy: node.maxBy,
      variants: isChoice ? planChoice(node, name, tree, required) : planSingle(node, name, tree),
      slicing: isChoice || isExtensionList(node) ? undefined : planSlicing(node, tree, snapshots, planSliceValue)
    }
  }

  function planSingle(node: ElementNode, name: string, tree: ElementTree): VariantPlan[] {
    if (node.contentReference !== undefined) {
      const reused = snapshots.reusedBy(node.contentReference, tree)
      const object = planObject(reused.node, reused.tree, reused.node.paths[0] ?? name)
      const value: ValuePlan = { kind: 'object', type: object.name, object, targets: undefined, ...facetsOf(node, []) }
      return [{ key: name, value, refusedBy: undefined }]
    }
    const [type] = node.types
    if (type === undefined) return []
    return [{ key: name, value: planValue(node, type, tree), refusedBy: undefined }]
  }

  function planChoice(
    node: ElementNode,
    stem: string,
    tree: ElementTree,
    required: ElementNode | undefined
  ): VariantPlan[] {
    return node.offeredTypes.map((offered) => {
      const key = stem + capital(offered.code)
      const allowed = node.types.find((type) => type.code === offered.code)
      const slice = node.slices.find((one) => one.types.length === 1 && one.types[0]?.code === offered.code)
      const source =
        slice ?? (node.types.length === 1 ? node : { ...copyNode(node), types: [offered], children: undefined })
      const type = slice?.types[0] ?? allowed ?? offered
      const wanted = required === undefined || required === slice
      const refusedBy = allowed === undefined ? node.typesBy : wanted ? undefined : required.minBy
      return { key, value: planValue(source, type, tree), refusedBy }
    })
  }

  function planSliceValue(slice: ElementNode, tree: ElementTree): ValuePlan | undefined {
    const [type] = slice.types
    return type === undefined ? undefined : planValue(slice, type, tree)
  }

  function planValue(node: ElementNode, type: NodeType, tree: ElementTree): ValuePlan {
    if (isExtensionList(node)) {
      return { kind: 'extension', place: planExtensions(node, tree, (slice) => planObject(slice, tree, 'Extension')) }
    }
    const typeTree = snapshots.read(HL7_DEFINITION + type.code, tree.file)
    if (typeTree.kind === 'resource') {
      const isAny = type.code === 'Resource' || type.code === 'DomainResource'
      const types = isAny ? undefined : new Set([type.code])
      const profile = profileOf(node, type, tree)
      return { kind: 'resource', types, profile, by: node.typesBy, isContained: node.name === 'contained' }
    }
    if (typeTree.kind === 'primitive-type') return planPrimitive(node, type, tree)
    const targets = planTargets(type)
    if (node.children !== undefined || contexts.reach(node)) {
      const name = type.code === 'BackboneElement' || type.code === 'Element' ? (node.paths[0] ?? type.code) : type.code
      return { kind: 'object', type: type.code, object: planObject(node, tree, name), targets, ...facetsOf(node, []) }
    }
    const profile = profileOf(node, type, tree)
    const object = ofTree(profile === undefined ? typeTree : snapshots.read(profile, tree.file))
    return {
      kind: 'object',
      type: type.code,
      object,
      targets,
      ...facetsOf(node, node.constraints),
      binding: node.binding ?? typeTree.root.binding
    }
  }

  function planPrimitive(node: ElementNode, type: NodeType, tree: ElementTree): ValuePlan {
    const { maxLength, minValue, maxValue, limitsBy } = node
    const sibling = planSibling(node, type, tree)
    return {
      kind: 'primitive',
      type: type.code,
      maxLength,
      minValue,
      maxValue,
      limitsBy,
      sibling,
      ...facetsOf(node, node.constraints)
    }
  }

  function planSibling(node: ElementNode, type: NodeType, tree: ElementTree): ObjectPlan {
    if (node.children !== undefined) {
      const plan = planObject(node, tree, type.code)
      const elements = plan.elements.filter((element) => element.name !== 'value')
      return { ...plan, name: 'Element', isSibling: true, invariants: [], elements }
    }
    const names = contexts.namesOf(node, type.code)
    const key = [...names].sort().join(' ')
    const known = siblings.get(key)
    if (known !== undefined) return known
    const element = ofTree(snapshots.read(`${HL7_DEFINITION}Element`, tree.file))
    const plan = { ...element, isSibling: true, contexts: names }
    siblings.set(key, plan)
    return plan
  }

  function planTargets(type: NodeType): TargetPlan | undefined {
    if (type.code !== 'Reference' || type.targets.length === 0) return undefined
    const types = new Set<string>()
    for (const target of type.targets) {
      const isBase = target.startsWith(HL7_DEFINITION)
      const name = snapshots.find(target)?.type ?? (isBase ? target.slice(HL7_DEFINITION.length) : undefined)
      // A profile that is not loaded could be of any type.
      if (name === undefined || name === 'Resource' || name === 'DomainResource') return undefined
      types.add(name)
    }
    return { types, by: type.targetsBy }
  }
}

function facetsOf(node: ElementNode, invariants: readonly NodeConstraint[]): ValueFacets {
  return { fixed: node.fixed, binding: node.binding, invariants }
}

function profileOf(node: ElementNode, type: NodeType, tree: ElementTree): string | undefined {
  if (type.profiles.length < 2) return type.profiles[0]
  throw new DefinitionError(tree.file, node.paths[0] ?? '', 'has several profiles of one type, which no builder knows')
}

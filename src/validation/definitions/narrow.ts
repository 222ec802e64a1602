// Narrows one node of the tree by what a definition says of it, facet by facet. Never widens: a definition that asks for
// more than its base allows is read as asking for the base.
import {
  type Authority,
  type ElementNode,
  type ElementTree,
  type NodeConstraint,
  type Snapshots
} from './element-tree.js'
import { declareTypes, isSystemType, narrowTypes } from './node-types.js'
import {
  DefinitionError,
  type ElementBinding,
  type ElementDefinition,
  HL7_DEFINITION,
  MAX_VALUE_SET
} from './structure-definition.js'

export interface Overlay {
  tree: ElementTree
  element: ElementDefinition
  id: string
  by: Authority
  snapshots: Snapshots
  /** A type declares new elements; a profile may only name those that are there. */
  isNewType: boolean
}

export function narrow(node: ElementNode, overlay: Overlay): void {
  const { element, by } = overlay
  if (element.slicing !== undefined) node.slicing = element.slicing
  if (element.contentReference !== undefined) node.contentReference = element.contentReference
  if (element.isModifier === true) node.isModifier = true
  if (element.maxLength !== undefined) narrowLength(node, element.maxLength, by)
  narrowNodeTypes(node, overlay)
  narrowCardinality(node, overlay)
  narrowBinding(node, element.binding, by)
  narrowValue(node, element, by)
  addConstraints(node, overlay)
}

function narrowLength(node: ElementNode, maxLength: number, by: Authority): void {
  if (maxLength >= (node.maxLength ?? Infinity)) return
  node.maxLength = maxLength
  node.limitsBy = by
}

function narrowCardinality(node: ElementNode, { element, by, isNewType, tree }: Overlay): void {
  const max = element.max === '*' ? Infinity : element.max === undefined ? undefined : Number(element.max)
  if (isNewType && node !== tree.root) {
    node.max = max ?? node.max
    node.isList = node.max > 1
  } else if (max !== undefined && max < node.max) {
    node.max = max
    node.maxBy = by
  }
  if (element.min !== undefined && element.min > node.min) {
    node.min = element.min
    node.minBy = by
  }
}

function narrowNodeTypes(node: ElementNode, overlay: Overlay): void {
  const { element, by } = overlay
  if (element.type === undefined) return
  const declared = element.type.filter((type) => !isSystemType(type))
  if (declared.length === 0) {
    if (node.types.length === 0) declareTypes(node, element.type, by)
    return
  }
  if (node.types.length === 0) {
    declareTypes(node, declared, by)
    return
  }
  const narrowed = narrowTypes(node, declared, by)
  // A type that the base does not have is left to the base's own rule, except where the base says Resource (any).
  if (narrowed.length === 0)
    throw fault(overlay, `asks for type ${declared.map((type) => type.code).join(', ')}, which its base does not allow`)
  if (narrowed.length < node.types.length) node.typesBy = by
  node.types = narrowed
  adoptExtensionRoot(node, overlay)
}

// The slice of a list of extensions takes the cardinality that the extension gives itself: official snapshots do so.
function adoptExtensionRoot(node: ElementNode, { snapshots }: Overlay): void {
  const profile = node.types[0]?.profiles[0]
  if (node.sliceName === undefined || node.types[0]?.code !== 'Extension' || profile === undefined) return
  const extension = snapshots.find(profile)
  if (extension === undefined) return
  if (extension.root.max < node.max) {
    node.max = extension.root.max
    node.maxBy = extension.by
  }
  if (extension.root.min > node.min) {
    node.min = extension.root.min
    node.minBy = extension.by
  }
}

// Merged part by part: UK Core changes the strength of some bindings and leaves the base its value set.
function narrowBinding(node: ElementNode, binding: ElementBinding | undefined, by: Authority): void {
  if (binding === undefined) return
  const maxValueSet = binding.extension?.find((extension) => extension.url === MAX_VALUE_SET)?.valueCanonical
  const merged = {
    strength: binding.strength,
    valueSet: binding.valueSet ?? node.binding?.valueSet,
    maxValueSet: maxValueSet ?? node.binding?.maxValueSet
  }
  const same =
    node.binding?.strength === merged.strength &&
    node.binding.valueSet === merged.valueSet &&
    node.binding.maxValueSet === merged.maxValueSet
  if (!same) node.binding = { ...merged, by }
}

function narrowValue(node: ElementNode, element: ElementDefinition, by: Authority): void {
  for (const [key, value] of Object.entries(element)) {
    const rule = /^(fixed|pattern|minValue|maxValue)[A-Z]/.exec(key)?.[1]
    if (rule === 'fixed' || rule === 'pattern') {
      if (!isEqualJson(node.fixed?.value, value)) node.fixed = { kind: rule, value, by }
    } else if (rule === 'minValue' && !isEqualJson(node.minValue, value))
      Object.assign(node, { minValue: value, limitsBy: by })
    else if (rule === 'maxValue' && !isEqualJson(node.maxValue, value))
      Object.assign(node, { maxValue: value, limitsBy: by })
  }
}

// Snapshots repeat on every element the invariants of its type; those are kept with the type.
function addConstraints(node: ElementNode, overlay: Overlay): void {
  const { element, by } = overlay
  if (element.constraint === undefined) return
  const known = new Set(node.constraints.map((constraint) => constraint.key))
  if (node !== overlay.tree.root) for (const key of typeConstraintKeys(node, overlay)) known.add(key)
  const added: NodeConstraint[] = []
  for (const constraint of element.constraint) {
    if (!known.has(constraint.key)) added.push({ ...constraint, by })
  }
  if (added.length > 0) node.constraints = [...node.constraints, ...added]
}

function typeConstraintKeys(node: ElementNode, { snapshots, isNewType }: Overlay): string[] {
  if (isNewType) return ['ele-1']
  const keys = ['ele-1']
  for (const type of node.types) {
    const tree = snapshots.find(HL7_DEFINITION + type.code)
    for (const constraint of tree?.root.constraints ?? []) keys.push(constraint.key)
  }
  return keys
}

export function fault({ tree, id }: Overlay, problem: string): DefinitionError {
  return new DefinitionError(tree.file, id, problem)
}

function isEqualJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

// Lays one ElementDefinition over the tree: finds or makes its node, then narrows it facet by facet.
// Never widens: a definition that asks for more than its base allows is read as asking for the base.
import {
  type Authority,
  copyNode,
  type ElementNode,
  type ElementTree,
  emptyNode,
  type NodeConstraint,
  type NodeType,
  type Snapshots
} from './element-tree.js'
import {
  DefinitionError,
  type ElementBinding,
  type ElementDefinition,
  type ElementType,
  FHIR_TYPE,
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

const SYSTEM_TYPE = 'http://hl7.org/fhirpath/System.'

export function layOver(overlay: Overlay): void {
  const segments = overlay.id.split('.').slice(1)
  let node = overlay.tree.root
  segments.forEach((segment, index) => {
    node = stepDown(node, segment, index === segments.length - 1, overlay)
  })
  narrow(node, overlay)
}

function stepDown(parent: ElementNode, segment: string, isLast: boolean, overlay: Overlay): ElementNode {
  const { tree, snapshots, by } = overlay
  const colon = segment.indexOf(':')
  const name = colon < 0 ? segment : segment.slice(0, colon)
  parent.children ??= snapshots.childrenOf(parent, tree)
  let child = parent.children.find((one) => one.name === name)
  let sliceName = colon < 0 ? undefined : segment.slice(colon + 1)
  if (child === undefined) {
    child = parent.children.find((one) => isTypedName(one, name))
    if (child !== undefined) sliceName ??= name
  }
  if (child === undefined) {
    if (!overlay.isNewType || !isLast) throw fault(overlay, 'names an element that its base does not have')
    child = emptyNode(name, [`${parent.paths[0] ?? ''}.${name}`], by)
    parent.children.push(child)
  }
  // What stands once cannot be sliced: some tools give such an element a slice name all the same.
  const isSliced = sliceName !== undefined && (child.isList || child.name.endsWith('[x]'))
  return isSliced ? sliceOf(child, sliceName ?? '', isLast, overlay) : child
}

// valueQuantity for value[x], the short way older tools write a type slice.
function isTypedName(node: ElementNode, name: string): boolean {
  const stem = node.name.endsWith('[x]') ? node.name.slice(0, -3) : undefined
  if (stem === undefined || !name.startsWith(stem)) return false
  return node.types.some((type) => stem + capital(type.code) === name)
}

function sliceOf(node: ElementNode, sliceName: string, isLast: boolean, overlay: Overlay): ElementNode {
  const known = node.slices.find((slice) => slice.sliceName === sliceName)
  if (known !== undefined) return known
  if (!isLast) throw fault(overlay, 'stands below a slice that is not declared')
  if (sliceName.includes('/')) throw fault(overlay, 'slices a slice again, a construct that no builder knows')
  const slice = copyNode({ ...node, slices: [], slicing: undefined })
  slice.sliceName = sliceName
  slice.min = 0
  slice.minBy = overlay.by
  if (node.name.endsWith('[x]')) {
    const stem = node.name.slice(0, -3)
    const typed = node.types.filter((type) => stem + capital(type.code) === sliceName)
    if (typed.length > 0) slice.types = typed
  }
  node.slices.push(slice)
  return slice
}

function narrow(node: ElementNode, overlay: Overlay): void {
  const { element, by } = overlay
  if (element.slicing !== undefined) node.slicing = element.slicing
  if (element.contentReference !== undefined) node.contentReference = element.contentReference
  if (element.isModifier === true) node.isModifier = true
  if (element.maxLength !== undefined) narrowLength(node, element.maxLength, by)
  narrowTypes(node, overlay)
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

function narrowTypes(node: ElementNode, overlay: Overlay): void {
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
  const narrowed = declared.flatMap((type) => narrowType(node, type, by))
  // A type that the base does not have is left to the base's own rule, except where the base says Resource (any).
  if (narrowed.length === 0)
    throw fault(overlay, `asks for type ${declared.map((type) => type.code).join(', ')}, which its base does not allow`)
  if (narrowed.length < node.types.length) node.typesBy = by
  node.types = narrowed
  adoptExtensionRoot(node, overlay)
}

function declareTypes(node: ElementNode, declared: readonly ElementType[], by: Authority): void {
  node.types = declared.map((type) => toNodeType(type, by))
  node.offeredTypes = node.types
  node.typesBy = by
}

function narrowType(node: ElementNode, declared: ElementType, by: Authority): NodeType[] {
  const base = node.types.find((type) => type.code === declared.code)
  if (base === undefined) {
    const isResource = node.types.some((type) => type.code === 'Resource' || type.code === 'DomainResource')
    return isResource ? [toNodeType(declared, by)] : []
  }
  const targets = declared.targetProfile ?? []
  const sameTargets =
    targets.length === 0 ||
    (targets.length === base.targets.length && targets.every((url) => base.targets.includes(url)))
  return [
    {
      code: base.code,
      profiles: declared.profile ?? base.profiles,
      targets: sameTargets ? base.targets : targets,
      targetsBy: sameTargets ? base.targetsBy : by
    }
  ]
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

// Ids and the values of primitive types are typed by FHIRPath system types; what they are is known from the base.
function isSystemType(type: ElementType): boolean {
  return type.code.startsWith(SYSTEM_TYPE)
}

function toNodeType(type: ElementType, by: Authority): NodeType {
  const fhirType = type.extension?.find((extension) => extension.url === FHIR_TYPE)?.valueUrl
  const code = fhirType ?? (isSystemType(type) ? lowerFirst(type.code.slice(SYSTEM_TYPE.length)) : type.code)
  return { code, profiles: type.profile ?? [], targets: type.targetProfile ?? [], targetsBy: by }
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

function fault({ tree, id }: Overlay, problem: string): DefinitionError {
  return new DefinitionError(tree.file, id, problem)
}

function isEqualJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

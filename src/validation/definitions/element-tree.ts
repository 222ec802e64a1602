// The snapshot of a definition as a tree: what every element must be once base and differential are put together.
import type { ElementConstraint, Slicing } from './structure-definition.js'

/** Who says so: decides the layer of an issue and is named in its text. */
export interface Authority {
  readonly layer: 'base' | 'profile'
  /** `FHIR R4` or `UKCore-Immunization|2.4.0`. */
  readonly label: string
}

export interface ElementNode {
  /** Last segment of the path, `occurrence[x]` included. */
  name: string
  /** Where it is in its definition, then the same place as its datatype calls it: `Patient.telecom.system`, `ContactPoint.system`. */
  paths: string[]
  sliceName: string | undefined
  min: number
  minBy: Authority
  max: number
  maxBy: Authority
  /** A JSON array, whatever a profile makes of max. */
  isList: boolean
  types: readonly NodeType[]
  typesBy: Authority
  /** Types the base offers, those that a profile took away included. */
  offeredTypes: readonly NodeType[]
  binding: NodeBinding | undefined
  fixed: NodeFixed | undefined
  maxLength: number | undefined
  minValue: unknown
  maxValue: unknown
  limitsBy: Authority
  constraints: readonly NodeConstraint[]
  isModifier: boolean
  contentReference: string | undefined
  slicing: Slicing | undefined
  slices: ElementNode[]
  /** Undefined while nothing below differs from the type. */
  children: ElementNode[] | undefined
}

export interface NodeType {
  code: string
  profiles: readonly string[]
  targets: readonly string[]
  targetsBy: Authority
}

export interface NodeBinding {
  strength: string
  valueSet: string | undefined
  maxValueSet: string | undefined
  by: Authority
}

export interface NodeFixed {
  kind: 'fixed' | 'pattern'
  value: unknown
  by: Authority
}

export interface NodeConstraint extends ElementConstraint {
  by: Authority
}

/** The specification itself: what JSON and the types of FHIR R4 ask for, whatever profile is used. */
export const BASE_R4: Authority = { layer: 'base', label: 'FHIR R4' }

/** A definition with its root element; children of the root are always there. */
export interface ElementTree {
  url: string
  type: string
  kind: string
  file: string
  by: Authority
  root: ElementNode
}

export interface Snapshots {
  /** Undefined when no definition of that canonical is loaded. */
  find(canonical: string): ElementTree | undefined
  /**
   * The tree of a definition that another one needs.
   * @throws DefinitionError when it is not loaded
   */
  read(canonical: string, neededBy: string): ElementTree
  /** What stands below a node: its own children, or those of the element it reuses, or those of its type. */
  childrenOf(node: ElementNode, tree: ElementTree): ElementNode[]
  /** The element that a contentReference speaks of, in the definition of its type. */
  reusedBy(reference: string, tree: ElementTree): { node: ElementNode; tree: ElementTree }
}

/** A new element as a type declares it: 0..1 until something else is said. */
export function emptyNode(name: string, paths: string[], by: Authority): ElementNode {
  return {
    name,
    paths,
    sliceName: undefined,
    min: 0,
    minBy: by,
    max: 1,
    maxBy: by,
    isList: false,
    types: [],
    typesBy: by,
    offeredTypes: [],
    binding: undefined,
    fixed: undefined,
    maxLength: undefined,
    minValue: undefined,
    maxValue: undefined,
    limitsBy: by,
    constraints: [],
    isModifier: false,
    contentReference: undefined,
    slicing: undefined,
    slices: [],
    children: undefined
  }
}

/** A copy that may be constrained further, said to stand at another place. */
export function copyNode(node: ElementNode, paths = node.paths): ElementNode {
  const path = paths[0] ?? ''
  const below = (child: ElementNode): ElementNode => copyNode(child, childPaths(path, child))
  return {
    ...node,
    paths,
    slices: node.slices.map((slice) => copyNode(slice, paths)),
    children: node.children?.map(below)
  }
}

// A child keeps the names its datatype gives it and gains the one of its new place.
function childPaths(parentPath: string, child: ElementNode): string[] {
  const path = `${parentPath}.${child.name}`
  return [path, ...child.paths.filter((other) => other !== path)]
}

// The element plan: what a validator needs of a definition and nothing else. Built once, then compiled to checks,
// printed, or written as JSON Schema.
import type { Authority, NodeBinding, NodeConstraint, NodeFixed } from './definitions/element-tree.js'
import type { Discriminator } from './definitions/structure-definition.js'

/** An object of a resource, backbone element or complex type. */
export interface ObjectPlan {
  /** Type as FHIR names it; for a backbone element its path. */
  name: string
  isResource: boolean
  /** The `_name` object of a primitive: an id alone says something beside a value. */
  isSibling: boolean
  /** Names of the place by which extensions say where they belong. */
  contexts: ReadonlySet<string>
  elements: ElementPlan[]
  invariants: NodeConstraint[]
}

export interface ElementPlan {
  /** Without [x]. */
  name: string
  path: string
  isChoice: boolean
  isList: boolean
  min: number
  minBy: Authority
  max: number
  maxBy: Authority
  /** One for each JSON name the element can have: `occurrenceDateTime`, `occurrenceString`. */
  variants: VariantPlan[]
  slicing: SlicingPlan | undefined
}

export interface VariantPlan {
  key: string
  value: ValuePlan
  /** Set when the base has the type and a profile took it away. */
  refusedBy: Authority | undefined
}

/** What is asked of a value beyond its type. */
export interface ValueFacets {
  fixed: NodeFixed | undefined
  binding: NodeBinding | undefined
  invariants: readonly NodeConstraint[]
}

export type ValuePlan =
  | ({
      kind: 'primitive'
      type: string
      maxLength: number | undefined
      minValue: unknown
      maxValue: unknown
      /** Who set the longest, smallest or largest. */
      limitsBy: Authority
      /** What may stand beside the value: id and extension, in `_name`. */
      sibling: ObjectPlan
    } & ValueFacets)
  | ({ kind: 'object'; type: string; object: ObjectPlan; targets: TargetPlan | undefined } & ValueFacets)
  | { kind: 'extension'; place: ExtensionPlace }
  | {
      kind: 'resource'
      /** Undefined for any type. */
      types: ReadonlySet<string> | undefined
      /** Canonical it must meet beside the default profile of its type. */
      profile: string | undefined
      by: Authority
      isContained: boolean
    }

export interface TargetPlan {
  /** Resource types a reference may point at. */
  types: ReadonlySet<string>
  by: Authority
}

/** A list named extension or modifierExtension, which is sliced by url whether or not a profile says so. */
export interface ExtensionPlace {
  isModifier: boolean
  /** True inside an extension whose parts are known: an unknown part is then a fault. */
  hasKnownParts: boolean
  /** Canonical or part name -> how often, and the plan of a part declared on the spot. */
  slices: ExtensionSlice[]
  by: Authority
}

export interface ExtensionSlice {
  url: string
  min: number
  minBy: Authority
  max: number
  maxBy: Authority
  part: ObjectPlan | undefined
}

export interface SlicingPlan {
  discriminators: readonly Discriminator[]
  isClosed: boolean
  by: Authority
  slices: SlicePlan[]
}

export interface SlicePlan {
  name: string
  min: number
  minBy: Authority
  max: number
  maxBy: Authority
  value: ValuePlan
  /** One test for each discriminator. */
  tests: DiscriminatorTest[]
}

export type DiscriminatorTest =
  | { kind: 'equals'; path: readonly string[]; value: unknown; isPattern: boolean }
  | { kind: 'in-value-set'; path: readonly string[]; valueSet: string }
  | { kind: 'exists'; path: readonly string[]; expected: boolean }
  | { kind: 'type'; path: readonly string[]; types: ReadonlySet<string> }

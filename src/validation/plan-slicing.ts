// Slicing of lists that are not extensions: which slice an item belongs to is read from the slice's own fixed values.
import type { ElementNode, ElementTree, Snapshots } from './definitions/element-tree.js'
import { DefinitionError, type Discriminator } from './definitions/structure-definition.js'
import type { DiscriminatorTest, SlicePlan, SlicingPlan, ValuePlan } from './plan.js'

type PlanValue = (slice: ElementNode, tree: ElementTree) => ValuePlan | undefined

/**
 * Plans the slices of a list; undefined when it has none.
 * @throws DefinitionError for a discriminator that cannot be decided from the resource alone
 */
export function planSlicing(
  node: ElementNode,
  tree: ElementTree,
  snapshots: Snapshots,
  planValue: PlanValue
): SlicingPlan | undefined {
  if (node.slices.length === 0) return undefined
  const discriminators = node.slicing?.discriminator ?? []
  if (discriminators.length === 0) throw fault(tree, node, 'has slices but no discriminator')
  const slices = node.slices.map((slice): SlicePlan => {
    const value = planValue(slice, tree)
    if (value === undefined) throw fault(tree, slice, 'is a slice without a type')
    const tests = discriminators.flatMap((discriminator) => planTests(slice, discriminator, tree, snapshots))
    const { min, minBy, max, maxBy } = slice
    return { name: slice.sliceName ?? '', min, minBy, max, maxBy, value, tests }
  })
  return { discriminators, isClosed: node.slicing?.rules === 'closed', by: tree.by, slices }
}

function planTests(
  slice: ElementNode,
  discriminator: Discriminator,
  tree: ElementTree,
  snapshots: Snapshots
): DiscriminatorTest[] {
  const path = discriminator.path === '$this' ? [] : discriminator.path.split('.')
  if (path.some((step) => !/^[A-Za-z]+$/.test(step))) {
    throw fault(tree, slice, `discriminator path "${discriminator.path}" is a construct that no builder knows`)
  }
  const nodes = path.reduce<ElementNode[]>((above, step) => childrenAt(above, step, tree, snapshots), [slice])
  switch (discriminator.type) {
    case 'value':
    case 'pattern': {
      const tests = nodes.flatMap((node) => valueTests(node, path))
      if (tests.length === 0) throw fault(tree, slice, `fixes nothing at its discriminator "${discriminator.path}"`)
      return tests
    }
    case 'exists':
      return [{ kind: 'exists', path, expected: nodes.every((node) => node.max > 0) }]
    case 'type':
      return [{ kind: 'type', path, types: new Set(nodes.flatMap((node) => node.types.map((type) => type.code))) }]
    default:
      throw fault(tree, slice, `discriminator type "${discriminator.type}" is a construct that no builder knows`)
  }
}

// One step down; slices that must be there stand for their list (code.coding, fixed in coding:SBPCode.code).
function childrenAt(
  above: readonly ElementNode[],
  name: string,
  tree: ElementTree,
  snapshots: Snapshots
): ElementNode[] {
  return above.flatMap((node) => {
    node.children ??= snapshots.childrenOf(node, tree)
    const child = node.children.find((one) => one.name === name || one.name === `${name}[x]`)
    if (child === undefined) throw fault(tree, node, `has no "${name}", which a discriminator names`)
    return [child, ...child.slices.filter((slice) => slice.min > 0)]
  })
}

// A fixed value or pattern, a required binding, or fixed values further down (code, fixed at coding.system).
function valueTests(node: ElementNode, path: readonly string[]): DiscriminatorTest[] {
  if (node.fixed !== undefined) {
    return [{ kind: 'equals', path, value: node.fixed.value, isPattern: node.fixed.kind === 'pattern' }]
  }
  if (node.binding?.strength === 'required' && node.binding.valueSet !== undefined) {
    return [{ kind: 'in-value-set', path, valueSet: node.binding.valueSet }]
  }
  return (node.children ?? []).flatMap((child) => (child.min > 0 ? valueTests(child, [...path, child.name]) : []))
}

function fault(tree: ElementTree, node: ElementNode, problem: string): DefinitionError {
  const slice = node.sliceName === undefined ? '' : `:${node.sliceName}`
  return new DefinitionError(tree.file, `${node.paths[0] ?? ''}${slice}`, problem)
}

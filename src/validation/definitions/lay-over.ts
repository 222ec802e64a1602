// Lays one ElementDefinition over the tree: finds or makes its node, then narrows it facet by facet.
import { copyNode, type ElementNode, emptyNode } from './element-tree.js'
import { fault, narrow, type Overlay } from './narrow.js'
import { capital } from './node-types.js'

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

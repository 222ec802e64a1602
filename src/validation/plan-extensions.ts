// Lists of extensions: what a definition says of them beyond the definitions that their urls name.
import type { ElementNode, ElementTree } from './definitions/element-tree.js'
import { HL7_DEFINITION, splitCanonical } from './definitions/structure-definition.js'
import type { ExtensionPlace, ExtensionSlice, ObjectPlan } from './plan.js'

export function planExtensions(
  node: ElementNode,
  tree: ElementTree,
  planPart: (slice: ElementNode) => ObjectPlan
): ExtensionPlace {
  return {
    isModifier: node.name === 'modifierExtension',
    hasKnownParts: tree.type === 'Extension' && tree.url !== `${HL7_DEFINITION}Extension`,
    slices: node.slices.flatMap((slice) => planSlice(slice, planPart)),
    by: tree.by
  }
}

export function isExtensionList(node: ElementNode): boolean {
  return node.name === 'extension' || node.name === 'modifierExtension'
}

// Named by the extension it uses, or declared on the spot with a url of its own.
function planSlice(slice: ElementNode, planPart: (slice: ElementNode) => ObjectPlan): ExtensionSlice[] {
  const profile = slice.types[0]?.profiles[0]
  const inline = slice.children?.find((child) => child.name === 'url')?.fixed?.value
  const url = profile === undefined ? inline : splitCanonical(profile).url
  if (typeof url !== 'string') return []
  const part = slice.children === undefined ? undefined : planPart(slice)
  const { min, minBy, max, maxBy } = slice
  return [{ url, min, minBy, max, maxBy, part }]
}

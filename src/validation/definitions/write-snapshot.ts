// An element tree as the elements of an official snapshot: for printing, and to prove that both shapes judge alike.
import type { ElementNode, ElementTree, NodeType } from './element-tree.js'
import { capital } from './node-types.js'
import { type ElementBinding, type ElementDefinition, type ElementType, MAX_VALUE_SET } from './structure-definition.js'

export function writeSnapshot(tree: ElementTree): ElementDefinition[] {
  const elements: ElementDefinition[] = []
  write(tree.root, tree.type, tree.type, elements)
  return elements
}

function write(node: ElementNode, id: string, path: string, elements: ElementDefinition[]): void {
  elements.push(writeElement(node, id, path))
  for (const child of node.children ?? []) write(child, `${id}.${child.name}`, `${path}.${child.name}`, elements)
  for (const slice of node.slices) write(slice, `${id}:${slice.sliceName ?? ''}`, path, elements)
}

function writeElement(node: ElementNode, id: string, path: string): ElementDefinition {
  const { sliceName, slicing, binding, fixed, maxLength, contentReference } = node
  const kind = capital(node.types[0]?.code ?? 'String')
  return {
    id,
    path,
    ...(sliceName === undefined ? {} : { sliceName }),
    ...(slicing === undefined ? {} : { slicing }),
    min: node.min,
    max: node.max === Infinity ? '*' : String(node.max),
    ...(node.types.length === 0 || contentReference !== undefined ? {} : { type: node.types.map(writeType) }),
    ...(contentReference === undefined ? {} : { contentReference }),
    ...(node.isModifier ? { isModifier: true } : {}),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(fixed === undefined ? {} : { [`${fixed.kind}${kind}`]: fixed.value }),
    ...(node.minValue === undefined ? {} : { [`minValue${kind}`]: node.minValue }),
    ...(node.maxValue === undefined ? {} : { [`maxValue${kind}`]: node.maxValue }),
    ...(binding === undefined ? {} : { binding: writeBinding(binding) }),
    ...(node.constraints.length === 0
      ? {}
      : {
          constraint: node.constraints.map(({ key, severity, expression }) => ({
            key,
            severity,
            ...(expression === undefined ? {} : { expression })
          }))
        })
  }
}

function writeType(type: NodeType): ElementType {
  return {
    code: type.code,
    ...(type.profiles.length === 0 ? {} : { profile: [...type.profiles] }),
    ...(type.targets.length === 0 ? {} : { targetProfile: [...type.targets] })
  }
}

function writeBinding({ strength, valueSet, maxValueSet }: NonNullable<ElementNode['binding']>): ElementBinding {
  return {
    strength,
    ...(valueSet === undefined ? {} : { valueSet }),
    ...(maxValueSet === undefined ? {} : { extension: [{ url: MAX_VALUE_SET, valueCanonical: maxValueSet }] })
  }
}

// Where extensions say they belong, and by which of those names an element is known.
import { findDefinition, type ValidationCatalogue } from './definitions/catalogue.js'
import type { ElementNode } from './definitions/element-tree.js'
import { HL7_DEFINITION } from './definitions/structure-definition.js'

export interface ExtensionContexts {
  /** The names some extension may use for this element: its path, that of its datatype, its type and what that is based on. */
  namesOf(node: ElementNode, type: string): ReadonlySet<string>
  /** True when an extension names this very place inside a datatype (Patient.identifier): it then needs its own plan. */
  reach(node: ElementNode): boolean
}

export function createExtensionContexts(catalogue: ValidationCatalogue): ExtensionContexts {
  // Every element that some extension names, and the same with every element on the way there.
  const named = new Set<string>()
  const onTheWay = new Set<string>()
  for (const [loaded] of catalogue.definitions.values()) {
    for (const { expression } of loaded?.definition.context ?? []) {
      named.add(expression)
      for (let end = expression.length; end > 0; end = expression.lastIndexOf('.', end - 1)) {
        onTheWay.add(expression.slice(0, end))
      }
    }
  }
  return {
    namesOf(node, type) {
      // "Element" as a place means anywhere, resources included.
      const names = ['Element', ...node.paths, ...node.paths.map((path) => path.replace('[x]', ''))]
      for (let name: string | undefined = type; name !== undefined; name = baseOf(name, catalogue)) names.push(name)
      return new Set(names.filter((name) => named.has(name)))
    },
    reach: (node) => node.types.length === 1 && node.paths.some((path) => onTheWay.has(path))
  }
}

function baseOf(type: string, catalogue: ValidationCatalogue): string | undefined {
  const base = findDefinition(catalogue, HL7_DEFINITION + type)?.definition.baseDefinition
  return base?.slice(base.lastIndexOf('/') + 1)
}

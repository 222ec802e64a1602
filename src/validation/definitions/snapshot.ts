// StructureDefinition -> element tree. The base tree is copied and the definition's elements are laid over it, whether
// they are a differential or an official snapshot, so both give the same rules and each rule keeps who made it.
import { findDefinition, type LoadedDefinition, type ValidationCatalogue } from './catalogue.js'
import {
  type Authority,
  BASE_R4,
  copyNode,
  type ElementNode,
  type ElementTree,
  emptyNode,
  type Snapshots
} from './element-tree.js'
import { layOver } from './lay-over.js'
import {
  DefinitionError,
  type ElementDefinition,
  HL7_DEFINITION,
  type StructureDefinition
} from './structure-definition.js'

export function createSnapshots(catalogue: ValidationCatalogue): Snapshots {
  const trees = new Map<LoadedDefinition, ElementTree | 'being built'>()
  const snapshots: Snapshots = { find, read, childrenOf, reusedBy }
  return snapshots

  function find(canonical: string): ElementTree | undefined {
    const loaded = findDefinition(catalogue, canonical)
    return loaded === undefined ? undefined : treeOf(loaded)
  }

  function read(canonical: string, neededBy: string): ElementTree {
    const tree = find(canonical)
    if (tree === undefined) throw new DefinitionError(neededBy, '', `needs ${canonical}, which is not loaded`)
    return tree
  }

  function treeOf(loaded: LoadedDefinition): ElementTree {
    const known = trees.get(loaded)
    if (known === 'being built') throw new DefinitionError(loaded.file, '', 'is its own base')
    if (known !== undefined) return known
    trees.set(loaded, 'being built')
    try {
      const tree = build(loaded)
      trees.set(loaded, tree)
      return tree
    } catch (error) {
      trees.delete(loaded)
      throw error
    }
  }

  function build(loaded: LoadedDefinition): ElementTree {
    const { definition, file } = loaded
    const by = authorityOf(loaded)
    const tree: ElementTree = {
      url: definition.url,
      type: definition.type,
      kind: definition.kind,
      file,
      by,
      root: startingRoot(definition, file, by)
    }
    for (const { element, id } of identified(elementsOf(definition), definition.type)) {
      layOver({ tree, element, id, by, snapshots, isNewType: definition.derivation !== 'constraint' })
    }
    return tree
  }

  function startingRoot(definition: StructureDefinition, file: string, by: Authority): ElementNode {
    const base = baseOf(definition)
    if (base === undefined) return { ...emptyNode(definition.type, [definition.type], by), children: [] }
    const tree = read(base, file)
    const root = copyNode(tree.root, [definition.type])
    root.name = definition.type
    root.children ??= []
    return root
  }

  function childrenOf(node: ElementNode, tree: ElementTree): ElementNode[] {
    if (node.children !== undefined) return node.children
    if (node.contentReference !== undefined) {
      const target = reusedBy(node.contentReference, tree)
      return copyNode({ ...target.node, slices: [] }, node.paths).children ?? []
    }
    const [type] = node.types
    if (type === undefined || node.types.length > 1) {
      throw new DefinitionError(tree.file, node.paths[0] ?? '', 'has children but not one single type')
    }
    const canonical = type.profiles.length === 1 ? (type.profiles[0] ?? '') : HL7_DEFINITION + type.code
    return copyNode(read(canonical, tree.file).root, node.paths).children ?? []
  }

  // Content references are copied verbatim into profiles: they speak of the type's own element.
  function reusedBy(reference: string, tree: ElementTree): { node: ElementNode; tree: ElementTree } {
    const [, ...names] = reference.slice(reference.indexOf('#') + 1).split('.')
    const typeTree = read(HL7_DEFINITION + tree.type, tree.file)
    let node: ElementNode | undefined = typeTree.root
    for (const name of names) node = node?.children?.find((child) => child.name === name.replace(/:.*/, ''))
    if (node === undefined) throw new DefinitionError(tree.file, reference, 'reuses an element that is not there')
    return { node, tree: typeTree }
  }
}

function authorityOf({ definition, origin }: LoadedDefinition): Authority {
  if (origin === 'r4') return BASE_R4
  const name = definition.url.slice(definition.url.lastIndexOf('/') + 1)
  return { layer: 'profile', label: definition.version === undefined ? name : `${name}|${definition.version}` }
}

// An official snapshot is complete, so it is laid over the bare type; a differential over its own base.
function baseOf(definition: StructureDefinition): string | undefined {
  if (definition.snapshot !== undefined && definition.derivation === 'constraint')
    return HL7_DEFINITION + definition.type
  return definition.baseDefinition
}

function elementsOf(definition: StructureDefinition): readonly ElementDefinition[] {
  return definition.snapshot?.element ?? definition.differential?.element ?? []
}

// Elements without an id take one from their path and the slice they stand below.
function identified(
  elements: readonly ElementDefinition[],
  type: string
): { element: ElementDefinition; id: string }[] {
  const slices: { path: string; id: string }[] = []
  return elements.map((element) => {
    while (slices.length > 0 && !element.path.startsWith(`${slices.at(-1)?.path}.`)) slices.pop()
    const above = slices.at(-1)
    const plain = above === undefined ? element.path : above.id + element.path.slice(above.path.length)
    const id = element.id ?? (element.sliceName === undefined ? plain : `${plain}:${element.sliceName}`)
    if (element.sliceName !== undefined) slices.push({ path: element.path, id })
    return { element, id: id.includes('.') ? type + id.slice(id.indexOf('.')) : type }
  })
}

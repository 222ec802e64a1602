// The types of an element: as a type declares them, and as a profile narrows them.
import type { Authority, ElementNode, NodeType } from './element-tree.js'
import { type ElementType, FHIR_TYPE } from './structure-definition.js'

const SYSTEM_TYPE = 'http://hl7.org/fhirpath/System.'

export function declareTypes(node: ElementNode, declared: readonly ElementType[], by: Authority): void {
  node.types = declared.map((type) => toNodeType(type, by))
  node.offeredTypes = node.types
  node.typesBy = by
}

/** What is left of the types of a node; empty when the base allows none of these. */
export function narrowTypes(node: ElementNode, declared: readonly ElementType[], by: Authority): NodeType[] {
  return mergeByCode(declared).flatMap((type) => narrowType(node, type, by))
}

// Some tools write a type once for each profile or target instead of one type with a list.
function mergeByCode(declared: readonly ElementType[]): ElementType[] {
  const byCode = new Map<string, ElementType>()
  for (const type of declared) {
    const known = byCode.get(type.code)
    byCode.set(type.code, known === undefined ? type : { ...known, ...joined('profile'), ...joined('targetProfile') })

    // A type without a list allows any: so does the whole.
    function joined(key: 'profile' | 'targetProfile'): Partial<ElementType> {
      const [before, added] = [known?.[key], type[key]]
      return { [key]: before === undefined || added === undefined ? [] : [...before, ...added] }
    }
  }
  return [...byCode.values()]
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

// Ids and the values of primitive types are typed by FHIRPath system types; what they are is known from the base.
export function isSystemType(type: ElementType): boolean {
  return type.code.startsWith(SYSTEM_TYPE)
}

function toNodeType(type: ElementType, by: Authority): NodeType {
  const fhirType = type.extension?.find((extension) => extension.url === FHIR_TYPE)?.valueUrl
  const code = fhirType ?? (isSystemType(type) ? lowerFirst(type.code.slice(SYSTEM_TYPE.length)) : type.code)
  return { code, profiles: type.profile ?? [], targets: type.targetProfile ?? [], targetsBy: by }
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

// A ValueSet resource -> a set of codes, as far as the definitions at hand can say.
import type { ValidationCatalogue } from './definitions/catalogue.js'
import { isObject, type JsonObject } from './definitions/structure-definition.js'
import type { CodeSet, Membership } from './code-set.js'

type FindSet = (canonical: string) => CodeSet | undefined

/** Sets whose members change with every release: an expansion of them proves a member, never a stranger. */
const LIVING_SYSTEMS = ['http://snomed.info/sct', 'https://dmd.nhs.uk', 'http://loinc.org', 'http://read.info']

export function expandValueSet(valueSet: JsonObject, catalogue: ValidationCatalogue, findSet: FindSet): CodeSet {
  const compose = isObject(valueSet['compose']) ? valueSet['compose'] : {}
  const includes = objectsOf(compose['include'])
  const expansion = isObject(valueSet['expansion']) ? expansionSet(valueSet['expansion']) : undefined
  if (includes.length === 0) return expansion ?? { test: () => 'unknown' }
  const parts = includes.map((include) => includeSet(include, catalogue, findSet))
  const excluded = objectsOf(compose['exclude']).map((exclude) => includeSet(exclude, catalogue, findSet))
  return {
    test(system, code) {
      const found = anyOf(parts, system, code)
      if (found === 'not-member') return found
      if (found === 'unknown') return expansion?.test(system, code) === 'member' ? 'member' : 'unknown'
      const left = anyOf(excluded, system, code)
      return left === 'member' ? 'not-member' : left === 'unknown' ? 'unknown' : 'member'
    }
  }
}

function anyOf(sets: readonly CodeSet[], system: string | undefined, code: string): Membership {
  let result: Membership = 'not-member'
  for (const set of sets) {
    const found = set.test(system, code)
    if (found === 'member') return found
    if (found === 'unknown') result = found
  }
  return result
}

function includeSet(include: JsonObject, catalogue: ValidationCatalogue, findSet: FindSet): CodeSet {
  const conditions: CodeSet[] = []
  if (typeof include['system'] === 'string') conditions.push(systemSet(include['system'], include, catalogue))
  for (const canonical of Array.isArray(include['valueSet']) ? (include['valueSet'] as unknown[]) : []) {
    const set = typeof canonical === 'string' ? findSet(canonical) : undefined
    conditions.push(set ?? { test: () => 'unknown' })
  }
  return {
    test(system, code) {
      let result: Membership = conditions.length === 0 ? 'unknown' : 'member'
      for (const condition of conditions) {
        const found = condition.test(system, code)
        if (found === 'not-member') return found
        if (found === 'unknown') result = found
      }
      return result
    }
  }
}

function systemSet(own: string, include: JsonObject, catalogue: ValidationCatalogue): CodeSet {
  const codes = codesOf(own, include, catalogue)
  return {
    test(system, code) {
      if (system !== undefined && system !== own) return 'not-member'
      if (codes === undefined) return 'unknown'
      return codes.has(code) ? 'member' : 'not-member'
    }
  }
}

// Undefined when the list is not complete here: filters, or a code system that is not loaded as a whole.
function codesOf(system: string, include: JsonObject, catalogue: ValidationCatalogue): Set<string> | undefined {
  const listed = objectsOf(include['concept'])
  if (listed.length > 0) return new Set(listed.map((concept) => String(concept['code'])))
  if (objectsOf(include['filter']).length > 0) return undefined
  const codeSystem = catalogue.codeSystems.get(system)
  if (codeSystem?.['content'] !== 'complete') return undefined
  const codes = new Set<string>()
  const visit = (concepts: readonly JsonObject[]): void => {
    for (const concept of concepts) {
      codes.add(String(concept['code']))
      visit(objectsOf(concept['concept']))
    }
  }
  visit(objectsOf(codeSystem['concept']))
  return codes
}

function expansionSet(expansion: JsonObject): CodeSet {
  const bySystem = new Map<string, Set<string>>()
  const visit = (entries: readonly JsonObject[]): void => {
    for (const entry of entries) {
      const system = String(entry['system'])
      const codes = bySystem.get(system) ?? new Set<string>()
      bySystem.set(system, codes.add(String(entry['code'])))
      visit(objectsOf(entry['contains']))
    }
  }
  visit(objectsOf(expansion['contains']))
  const isLiving = [...bySystem.keys()].some((system) => LIVING_SYSTEMS.some((living) => system.startsWith(living)))
  return {
    test(system, code) {
      const sets = system === undefined ? [...bySystem.values()] : [bySystem.get(system)]
      if (sets.some((set) => set?.has(code) === true)) return 'member'
      return isLiving ? 'unknown' : 'not-member'
    }
  }
}

function objectsOf(list: unknown): JsonObject[] {
  return Array.isArray(list) ? (list as unknown[]).filter(isObject) : []
}

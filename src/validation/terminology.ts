// Value sets as sets of codes: complete lists of base R4, enumerated sets and expansions shipped with profiles, and the
// few sets that are a grammar. What cannot be known here is said to be unknown, never guessed.
import type { ValidationCatalogue } from './definitions/catalogue.js'
import { HL7_VALUE_SET, splitCanonical } from './definitions/structure-definition.js'
import type { CodeSet, Terminology } from './code-set.js'
import { expandValueSet } from './expand-value-set.js'

export function createTerminology(catalogue: ValidationCatalogue): Terminology {
  const sets = new Map<string, CodeSet | undefined>()
  return {
    find(canonical) {
      const { url } = splitCanonical(canonical)
      if (!sets.has(url)) sets.set(url, build(url, catalogue))
      return sets.get(url)
    }
  }
}

function build(url: string, catalogue: ValidationCatalogue): CodeSet | undefined {
  const grammar = GRAMMARS.get(url)
  if (grammar !== undefined) return grammar
  const valueSet = catalogue.valueSets.get(url)
  if (valueSet !== undefined) return expandValueSet(valueSet, catalogue, (other) => build(other, catalogue))
  const list = catalogue.codeLists.get(url)
  return list === undefined ? undefined : completeSet(list)
}

/** A set of which every code is known. */
export function completeSet(codes: ReadonlyMap<string, Iterable<string>>): CodeSet {
  const bySystem = new Map([...codes].map(([system, list]) => [system, new Set(list)]))
  const all = new Set([...bySystem.values()].flatMap((set) => [...set]))
  return {
    codes: [...all],
    test(system, code) {
      const set = system === undefined ? all : bySystem.get(system)
      return set?.has(code) === true ? 'member' : 'not-member'
    }
  }
}

// Sets that no list can hold. BCP 47: language, then script, region, variants, extensions (RFC 5646 section 2.1).
const GRAMMARS: ReadonlyMap<string, CodeSet> = new Map([
  [`${HL7_VALUE_SET}all-languages`, grammarSet('urn:ietf:bcp:47', isLanguageTag)],
  [`${HL7_VALUE_SET}mimetypes`, grammarSet('urn:ietf:bcp:13', isMimeType)],
  [`${HL7_VALUE_SET}currencies`, grammarSet('urn:iso:std:iso:4217', (code) => /^[A-Z]{3}$/.test(code))],
  [`${HL7_VALUE_SET}ucum-units`, grammarSet('http://unitsofmeasure.org', (code) => /^[!-~]{1,100}$/.test(code))]
])

// Codes of another system are left open: NHS records name languages by UKCore-HumanLanguage, and NHS validators let them.
function grammarSet(ownSystem: string, matches: (code: string) => boolean): CodeSet {
  return {
    test(system, code) {
      if (system !== undefined && system !== '' && system !== ownSystem) return 'unknown'
      return matches(code) ? 'member' : 'not-member'
    }
  }
}

function isLanguageTag(code: string): boolean {
  if (code.length > 100) return false
  const [language = '', ...rest] = code.split('-')
  const isPrivate = /^[xi]$/i.test(language) && rest.length > 0
  return (isPrivate || /^[A-Za-z]{2,8}$/.test(language)) && rest.every((part) => /^[A-Za-z0-9]{1,8}$/.test(part))
}

// The names FHIR itself used before it had media types stand in many CapabilityStatements.
const FORMAT_NAMES = new Set(['json', 'xml', 'ttl'])

function isMimeType(code: string): boolean {
  if (FORMAT_NAMES.has(code)) return true
  const [type = '', ...parameters] = code.split(';')
  if (!/^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+*-]{1,127}$/.test(type.trim())) return false
  return parameters.every((parameter) => /^\s?[A-Za-z0-9-]{1,60}=[^;]{1,200}$/.test(parameter))
}

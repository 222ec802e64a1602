// Which codes are left to a terminology server: codings of SNOMED CT and dm+d that stand under a binding and that no list
// at hand decides. A question is a value set, a system and a code: it cannot name a patient, and code and system are
// looked at so that nothing else can slip in (an identifier in the place of a code, free text in an expression).
import { createHash } from 'node:crypto'
import { DMD_SYSTEM, SNOMED_SYSTEM } from '../fhir/identifier-systems.js'
import { isSnomedConceptId } from '../fhir/snomed.js'
import type { CodeSet } from './code-set.js'
import type { Authority } from './definitions/element-tree.js'
import { isObject, type JsonObject, splitCanonical } from './definitions/structure-definition.js'

export interface Question {
  /**
   * Name of a value set on the shelf: `url|version#` and the first digits of its hash, so that another text of the set
   * is another question. Empty: does the code system have this code?
   */
  valueSet: string
  system: string
  code: string
}

/** One bound element with codings that are left to the server. */
export interface OpenConcept {
  /** Simple FHIRPath of the element that is bound. */
  expression: string
  strength: 'required' | 'extensible' | 'preferred'
  /** Last part of the canonical. */
  valueSetName: string
  by: Authority
  codings: readonly { expression: string; question: Question }[]
}

/** Value sets that can be sent along with a question. */
export interface ValueSetShelf {
  /** Undefined where the set has no definition here. */
  nameOf(canonical: string): string | undefined
  find(name: string): JsonObject | undefined
}

export function createValueSetShelf(valueSets: ReadonlyMap<string, JsonObject>): ValueSetShelf {
  const names = new Map<string, string>()
  const sets = new Map<string, JsonObject>()
  return {
    nameOf(canonical) {
      const { url } = splitCanonical(canonical)
      const known = names.get(url)
      const valueSet = valueSets.get(url)
      if (known !== undefined || valueSet === undefined) return known
      const sent = asSent(valueSet)
      const hash = createHash('sha256').update(JSON.stringify(sent)).digest('hex')
      const version = typeof sent['version'] === 'string' ? `|${sent['version']}` : ''
      const name = `${url}${version}#${hash.slice(0, 16)}`
      names.set(url, name)
      sets.set(name, sent)
      return name
    },
    find: (name) => sets.get(name)
  }
}

// The rules of the set, not what they gave some time ago: some servers answer from an expansion that is sent along.
function asSent(valueSet: JsonObject): JsonObject {
  const wanted = ['resourceType', 'url', 'version', 'name', 'status', 'compose']
  if (!isObject(valueSet['compose'])) wanted.push('expansion')
  return Object.fromEntries(wanted.flatMap((key) => (key in valueSet ? [[key, valueSet[key]]] : [])))
}

/** What a binding asks of a value: `undefined` when nothing of it is left open. */
export function findOpenCodings(
  value: unknown,
  expression: string,
  set: CodeSet | undefined,
  setName: string | undefined,
  strength: OpenConcept['strength']
): OpenConcept['codings'] | undefined {
  const codings = codingsOf(value, expression)
  const found = codings.map((coding) => ({ ...coding, membership: set?.test(coding.system, coding.code) ?? 'unknown' }))
  if (found.some(({ membership }) => membership === 'member')) return undefined
  const open = found.flatMap(({ expression: at, system, code, membership }) => {
    if (!isAskable(system, code)) return []
    // Outside a set that is only preferred: no fault, so the question left is whether there is such a code at all.
    if (membership === 'not-member' && strength !== 'preferred') return []
    const valueSet = membership === 'unknown' ? (setName ?? '') : ''
    return [{ expression: at, question: { valueSet, system, code } }]
  })
  return open.length === 0 ? undefined : open
}

function codingsOf(value: unknown, expression: string): { expression: string; system: string; code: string }[] {
  if (!isObject(value)) return []
  const isConcept = Array.isArray(value['coding'])
  const list: unknown[] = isConcept ? (value['coding'] as unknown[]) : [value]
  return list.flatMap((coding, index) => {
    if (!isObject(coding)) return []
    const { system, code } = coding
    if (typeof system !== 'string' || typeof code !== 'string') return []
    return [{ expression: isConcept ? `${expression}.coding[${index}]` : expression, system, code }]
  })
}

function isAskable(system: string, code: string): boolean {
  return (system === SNOMED_SYSTEM || system === DMD_SYSTEM) && isSnomedConceptId(code)
}

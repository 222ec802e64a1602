// A coded value against its value set. Required: an error. Extensible: a warning when a code from outside is used.
// Preferred and example: nothing. What cannot be known here is a warning for a required set.
import { type Check, passesAlways } from '../check.js'
import type { NodeBinding } from '../definitions/element-tree.js'
import { HL7_DEFINITION, isObject, type JsonObject } from '../definitions/structure-definition.js'
import { expressionOf, report } from '../run.js'
import type { CodeSet, Membership, Terminology } from '../code-set.js'
import { findOpenCodings, type OpenConcept, type ValueSetShelf } from '../terminology-questions.js'

export function buildBinding(binding: NodeBinding, terminology: Terminology, shelf: ValueSetShelf): Check[] {
  const checks: Check[] = []
  const { strength, valueSet, maxValueSet, by } = binding
  if (strength === 'required' && valueSet !== undefined) checks.push(required(valueSet, terminology, by))
  if (strength === 'extensible' && valueSet !== undefined) {
    const check = extensible(valueSet, terminology, by)
    if (check !== undefined) checks.push(check)
  }
  const isSaid = strength === 'required' && valueSet === maxValueSet
  if (maxValueSet !== undefined && !isSaid) checks.push(required(maxValueSet, terminology, by))
  if (valueSet !== undefined && isAsked(strength)) checks.push(gather(valueSet, strength, terminology, shelf, by))
  if (maxValueSet !== undefined && !isSaid) checks.push(gather(maxValueSet, 'required', terminology, shelf, by))
  return checks
}

function isAsked(strength: string): strength is OpenConcept['strength'] {
  return strength === 'required' || strength === 'extensible' || strength === 'preferred'
}

// Costs the accepting path nothing: it runs when somebody asks what is left open.
function gather(
  canonical: string,
  strength: OpenConcept['strength'],
  terminology: Terminology,
  shelf: ValueSetShelf,
  by: NodeBinding['by']
): Check {
  const set = terminology.find(canonical)
  return {
    passes: passesAlways,
    explain(value, _owner, place, run) {
      if (run.openConcepts === undefined) return
      const expression = expressionOf(place)
      const codings = findOpenCodings(value, expression, set, shelf.nameOf(canonical), strength)
      if (codings !== undefined)
        run.openConcepts.push({ expression, strength, valueSetName: nameOf(canonical), by, codings })
    }
  }
}

function required(canonical: string, terminology: Terminology, by: NodeBinding['by']): Check {
  const set = terminology.find(canonical)
  const name = nameOf(canonical)
  if (set === undefined) {
    return remark((value, place, run) => {
      if (!hasCode(value)) return
      const what = `could not be checked: value set ${name} is not at hand; make sure the code belongs to it`
      report(run, by, 'code-unchecked', place, what)
    }, hasCode)
  }
  return {
    passes(value, _owner, run) {
      if (typeof value === 'string') {
        const found = set.test(undefined, codeOfUri(value))
        if (found === 'unknown') run.hasRemarks = true
        return found !== 'not-member'
      }
      const found = judge(value, set, true)
      if (found === 'unknown') run.hasRemarks = true
      return found !== 'not-member'
    },
    explain(value, _owner, place, run) {
      const found = judge(value, set, true)
      if (found === 'not-member')
        report(run, by, 'code-unknown', place, `must be a code of value set ${name} (${by.label})`)
      if (found === 'unknown') {
        report(run, by, 'code-unchecked', place, `could not be checked against all of value set ${name}`)
      }
    }
  }
}

function extensible(canonical: string, terminology: Terminology, by: NodeBinding['by']): Check | undefined {
  const set = terminology.find(canonical)
  if (set === undefined) return undefined
  const isOutside = (value: unknown): boolean => judge(value, set, false) === 'not-member'
  return remark((value, place, run) => {
    if (!isOutside(value)) return
    const what = `is outside value set ${nameOf(canonical)}; use a code of it where one fits (${by.label})`
    report(run, by, 'code-outside', place, what)
  }, isOutside)
}

function remark(
  say: (value: unknown, place: Parameters<Check['explain']>[2], run: Parameters<Check['explain']>[3]) => void,
  applies: (value: unknown) => boolean
): Check {
  return {
    passes(value, _owner, run) {
      if (applies(value)) run.hasRemarks = true
      return true
    },
    explain: (value, _owner, place, run) => {
      say(value, place, run)
    }
  }
}

// A plain code, a Coding, a CodeableConcept or a Quantity. Anything malformed is left to the rules of its type.
function judge(value: unknown, set: CodeSet, isRequired: boolean): Membership {
  if (typeof value === 'string') return set.test(undefined, codeOfUri(value))
  if (!isObject(value)) return 'member'
  return 'coding' in value || !('code' in value) ? judgeConcept(value, set, isRequired) : judgeCoding(value, set)
}

function judgeConcept(concept: JsonObject, set: CodeSet, isRequired: boolean): Membership {
  const codings: unknown[] = Array.isArray(concept['coding']) ? concept['coding'] : []
  let result: Membership = isRequired && !('extension' in concept) ? 'not-member' : 'member'
  for (const coding of codings) {
    if (!isObject(coding) || typeof coding['code'] !== 'string') continue
    const found = judgeCoding(coding, set)
    if (found === 'member') return found
    if (found === 'unknown' || result === 'member') result = found
  }
  return result
}

function judgeCoding(coding: JsonObject, set: CodeSet): Membership {
  const { code, system } = coding
  if (typeof code !== 'string') return 'member'
  return typeof system === 'string' ? set.test(system, code) : set.test('', code)
}

function hasCode(value: unknown): boolean {
  return typeof value === 'string' || isObject(value)
}

// Reference.type names types of base FHIR by their name or by their whole URL.
function codeOfUri(value: string): string {
  return value.startsWith(HL7_DEFINITION) ? value.slice(HL7_DEFINITION.length) : value
}

function nameOf(canonical: string): string {
  return canonical.slice(canonical.lastIndexOf('/') + 1)
}

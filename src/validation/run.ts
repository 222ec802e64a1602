// One run of a validator over one resource: where we are, what was seen on the way, what was found.
import type { Issue } from '../fhir/issue.js'
import type { Authority } from './definitions/element-tree.js'
import type { JsonObject } from './definitions/structure-definition.js'
import type { OpenConcept } from './terminology-questions.js'
import { type Finding, RULES, type RuleName } from './rules.js'

/** Objects nested deeper than this are refused before they can exhaust the stack. */
export const MAX_DEPTH = 64
/** More than anyone can read at once; keeps the worst input cheap. */
export const MAX_FOUND = 1000

/** Where a value stands; the text is only made when an issue needs it. */
export interface Place {
  readonly parent: Place | undefined
  readonly name: string
  readonly index: number | undefined
}

export interface Run {
  /** The fast pass saw something worth saying that is not an error. */
  hasRemarks: boolean
  depth: number
  /** The resource that holds `contained` for the place where we are. */
  container: JsonObject
  inContained: boolean
  /** Contained id -> resource type, read when the first local reference is met. */
  containedTypes: Map<string, string> | undefined
  /** Ids that `#id` was seen for; undefined until the first. */
  localTargets: Set<string> | undefined
  /** Set by a reference to `#` from inside a contained resource. */
  reachedContainer: boolean
  /** Contained resources that refer to their container. */
  tiedContained: Set<JsonObject> | undefined
  readonly issues: Issue[]
  errors: number
  remarks: number
  /** Gathers what is left to a terminology server; undefined where nobody asks. */
  openConcepts: OpenConcept[] | undefined
}

export function startRun(resource: JsonObject): Run {
  return {
    hasRemarks: false,
    depth: 0,
    container: resource,
    inContained: false,
    containedTypes: undefined,
    localTargets: undefined,
    reachedContainer: false,
    tiedContained: undefined,
    issues: [],
    errors: 0,
    remarks: 0,
    openConcepts: undefined
  }
}

export function rootPlace(name: string): Place {
  return { parent: undefined, name, index: undefined }
}

export function below(parent: Place, name: string): Place {
  return { parent, name, index: undefined }
}

export function itemOf(place: Place, index: number): Place {
  return { parent: place.parent, name: place.name, index }
}

/** Simple FHIRPath: `Immunization.performer[0].actor`. */
export function expressionOf(place: Place): string {
  const own = place.index === undefined ? place.name : `${place.name}[${place.index}]`
  return place.parent === undefined ? own : `${expressionOf(place.parent)}.${own}`
}

/** Adds an issue; `what` follows the expression and names rule and remedy, never a value. */
export function report(run: Run, by: Authority, rule: RuleName, place: Place, what: string, finding?: Finding): void {
  const { code, severity } = { ...RULES[rule], ...finding }
  if (severity === 'error' || severity === 'fatal' ? ++run.errors > MAX_FOUND : ++run.remarks > MAX_FOUND) return
  const expression = expressionOf(place)
  run.issues.push({
    severity,
    code,
    layer: by.layer,
    rule: finding?.rule ?? `${by.layer === 'base' ? 'r4' : 'profile'}-${rule}`,
    text: `${expression} ${what}`,
    expression: [expression]
  })
}

/** Enough remarks for any answer: what passes need not be explained any more. */
export function isSaidEnough(run: Run): boolean {
  return run.remarks >= MAX_FOUND
}

/** Enough errors for any answer: remarks never fill it, or they could hide an error. */
export function isFull(run: Run): boolean {
  return run.errors >= MAX_FOUND
}

// What is made of the issues once a run is over.
import type { Issue } from '../fhir/issue.js'
import type { ProfileClaim } from './claims.js'
import { BASE_R4 } from './definitions/element-tree.js'
import type { RuleName } from './rules.js'
import type { OpenConcept } from './terminology-questions.js'
import { below, itemOf, type Place, report, rootPlace, type Run, startRun } from './run.js'

export interface OddClaims {
  unknown: readonly ProfileClaim[]
  misplaced: readonly ProfileClaim[]
}

/** One issue that ends the judging. */
export function refuse(rule: RuleName, name: string, what: string): Issue[] {
  const run = startRun({})
  report(run, BASE_R4, rule, rootPlace(name), what)
  return run.issues
}

/** Claims of profiles that are not loaded, and of profiles that are for another type. */
export function reportClaims({ unknown, misplaced }: OddClaims, place: Place, run: Run): void {
  const placeOf = ({ index }: ProfileClaim): Place => itemOf(below(below(place, 'meta'), 'profile'), index)
  for (const claim of unknown) {
    const what = 'names a profile that is not loaded; it was not judged by it'
    report(run, BASE_R4, 'profile-claim-unknown', placeOf(claim), what)
  }
  for (const claim of misplaced) {
    report(run, BASE_R4, 'profile-claim-type', placeOf(claim), 'names a profile of another type of resource; remove it')
  }
}

// Two profiles of one type share the rules of that type.
export function withoutRepeats(issues: readonly Issue[]): Issue[] {
  const seen = new Set<string>()
  return issues.filter((issue) => {
    const key = `${issue.rule} ${issue.expression?.[0] ?? ''} ${issue.text}`
    const isNew = !seen.has(key)
    seen.add(key)
    return isNew
  })
}

/** The same for what is left to a terminology server. */
export function withoutRepeatedConcepts(concepts: readonly OpenConcept[]): OpenConcept[] {
  const byPlace = new Map(concepts.map((concept) => [`${concept.expression} ${concept.valueSetName}`, concept]))
  return [...byPlace.values()]
}

const ORDER = { fatal: 0, error: 1, warning: 2, information: 3 }

// Errors first, so that none is lost when an answer is cut; otherwise as they stand in the resource.
export function inOrder(issues: readonly Issue[]): Issue[] {
  return [...issues].sort((a, b) => ORDER[a.severity] - ORDER[b.severity])
}

// What every compiled check can do. Both passes come from one plan: `passes` is quick and silent, `explain` runs only
// when something is to be said and reports every fault with its place. They must agree: test/validation proves it.
import type { JsonObject } from './definitions/structure-definition.js'
import type { Place, Run } from './run.js'

export interface Check {
  /** False when there is an error. Sets `run.hasRemarks` for what explain would report without refusing. */
  readonly passes: (value: unknown, owner: JsonObject, run: Run) => boolean
  readonly explain: (value: unknown, owner: JsonObject, place: Place, run: Run) => void
}

/** Of a check that speaks in the explaining pass only. */
export const passesAlways: Check['passes'] = () => true

/** All of them, in order; the explaining pass runs each. */
export function allOf(checks: readonly Check[]): Check {
  const quick = checks.filter((check) => check.passes !== passesAlways)
  if (quick.length < checks.length)
    return { passes: quick.length === 0 ? passesAlways : allOf(quick).passes, explain: allExplain(checks) }
  const [first, second] = checks
  if (first !== undefined && checks.length === 1) return first
  if (first !== undefined && second !== undefined && checks.length === 2) {
    return {
      passes: (value, owner, run) => first.passes(value, owner, run) && second.passes(value, owner, run),
      explain(value, owner, place, run) {
        first.explain(value, owner, place, run)
        second.explain(value, owner, place, run)
      }
    }
  }
  return {
    passes: (value, owner, run) => checks.every((check) => check.passes(value, owner, run)),
    explain: allExplain(checks)
  }
}

function allExplain(checks: readonly Check[]): Check['explain'] {
  return (value, owner, place, run) => {
    for (const check of checks) check.explain(value, owner, place, run)
  }
}

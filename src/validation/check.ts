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
  const [first, ...others] = checks
  if (first === undefined) return NOTHING_ASKED
  if (others.length === 0) return first
  const rest = allOf(others)
  return {
    passes: (value, owner, run) => first.passes(value, owner, run) && rest.passes(value, owner, run),
    explain(value, owner, place, run) {
      first.explain(value, owner, place, run)
      rest.explain(value, owner, place, run)
    }
  }
}

function allExplain(checks: readonly Check[]): Check['explain'] {
  return (value, owner, place, run) => {
    for (const check of checks) check.explain(value, owner, place, run)
  }
}

const NOTHING_ASKED: Check = { passes: passesAlways, explain: () => undefined }

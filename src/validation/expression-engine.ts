// FHIRPath for invariants that have no native form, on the fhirpath package. The package is handed in, so that this
// floor stays free of it: createExpressionEngine(fhirpath, r4Model).
// Traps met in fhirpath.js 5.2: its exceptions hold the whole resource, trace() prints to the console unless told
// otherwise, and it may write into what it is given.
import type { JsonObject } from './definitions/structure-definition.js'
import type { ExpressionEngine } from './facets/invariant.js'

/** The part of the fhirpath package that is used. */
export interface FhirpathLibrary<Model> {
  compile(
    path: { base: string; expression: string },
    model: Model,
    options: { traceFn: () => void }
  ): (focus: unknown, environment?: Record<string, unknown>) => unknown
}

/**
 * Invariants are evaluated on the element that carries them. An empty result decides nothing and is said to be
 * unchecked: official examples meet such expressions where a member is absent (bdl-8 without fullUrl, ras-2).
 */
export function createExpressionEngine<Model>(library: FhirpathLibrary<Model>, model: Model): ExpressionEngine {
  return {
    compile(expression, type) {
      const evaluate = compileQuietly(library, model, expression, type)
      if (evaluate === undefined) return undefined
      return (focus, container) => {
        try {
          return verdictOf(evaluate(structuredClone(focus), environmentOf(container)))
        } catch {
          // Nothing of the exception may be kept: it repeats the resource.
          return 'unknown'
        }
      }
    }
  }
}

type Evaluate = (focus: unknown, environment?: Record<string, unknown>) => unknown

function compileQuietly<Model>(
  library: FhirpathLibrary<Model>,
  model: Model,
  expression: string,
  type: string
): Evaluate | undefined {
  try {
    return library.compile({ base: type, expression }, model, { traceFn: () => undefined })
  } catch {
    return undefined
  }
}

function environmentOf(container: JsonObject): Record<string, unknown> {
  return { resource: container, rootResource: container }
}

function verdictOf(result: unknown): boolean | 'unknown' {
  if (!Array.isArray(result)) return 'unknown'
  if (result.length !== 1) return 'unknown'
  return typeof result[0] === 'boolean' ? result[0] : true
}

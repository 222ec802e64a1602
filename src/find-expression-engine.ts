// The FHIRPath engine for invariants that packages bring along: the fhirpath package, which a deployment installs beside
// the service when it needs it (17 MB that most never use).
import { createExpressionEngine, type FhirpathLibrary } from './validation/expression-engine.js'
import type { ExpressionEngine } from './validation/facets/invariant.js'

/** Imports a module by name; handed in by tests. */
export type ImportModule = (name: string) => Promise<unknown>

/** An engine to compile with before it is known whether one is needed. */
export interface DeferredEngine extends ExpressionEngine {
  /** What was compiled so far, as `Type: expression`. */
  readonly wanted: ReadonlySet<string>
  /** From now on `engine` answers; before that everything is unknown. */
  use(engine: ExpressionEngine): void
}

export function createDeferredEngine(): DeferredEngine {
  const wanted = new Set<string>()
  let engine: ExpressionEngine | undefined
  return {
    wanted,
    use(chosen) {
      engine = chosen
    },
    compile(expression, type) {
      wanted.add(`${type}: ${expression}`)
      let evaluate: ReturnType<ExpressionEngine['compile']> | undefined
      return (focus, container) => {
        evaluate ??= engine?.compile(expression, type)
        return evaluate === undefined ? 'unknown' : evaluate(focus, container)
      }
    }
  }
}

/** Undefined where the fhirpath package is not installed. @throws Error when it is, and is not the one expected */
export async function findExpressionEngine(
  // Computed, so that neither the compiler nor the start needs the package.
  importModule: ImportModule = (name) => import(name)
): Promise<ExpressionEngine | undefined> {
  let library: unknown
  let model: unknown
  try {
    library = defaultOf(await importModule('fhirpath'))
    model = defaultOf(await importModule('fhirpath/fhir-context/r4/index.js'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
  if (!isFhirpath(library)) throw new Error('the fhirpath package has no compile(): install fhirpath@5')
  return createExpressionEngine(library, model)
}

// CommonJS: what it exports stands under `default`.
function defaultOf(module: unknown): unknown {
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : module
}

function isFhirpath(library: unknown): library is FhirpathLibrary<unknown> {
  return (
    typeof library === 'object' && library !== null && 'compile' in library && typeof library.compile === 'function'
  )
}

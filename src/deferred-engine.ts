// The FHIRPath engine for invariants that have no native form: the fhirpath package, loaded only where a profile has
// such an invariant (0.1 s and 23 MB of memory that most deployments never need).
import { createExpressionEngine } from './validation/expression-engine.js'
import type { ExpressionEngine } from './validation/facets/invariant.js'

/** An engine to compile with before it is known whether one is needed. */
export interface DeferredEngine extends ExpressionEngine {
  /** True once something was compiled that has no native form. */
  isWanted(): boolean
  /**
   * From now on `engine` answers; before that everything is unknown.
   * @returns what it cannot compile, as `Type: expression`
   */
  use(engine: ExpressionEngine): string[]
}

type Evaluate = NonNullable<ReturnType<ExpressionEngine['compile']>>

export function createDeferredEngine(): DeferredEngine {
  const wanted = new Map<string, { expression: string; type: string; evaluate?: Evaluate }>()
  return {
    isWanted: () => wanted.size > 0,
    use(engine) {
      for (const one of wanted.values()) {
        const evaluate = engine.compile(one.expression, one.type)
        if (evaluate !== undefined) one.evaluate = evaluate
      }
      return [...wanted].flatMap(([name, { evaluate }]) => (evaluate === undefined ? [name] : []))
    },
    compile(expression, type) {
      const name = `${type}: ${expression}`
      const one = wanted.get(name) ?? { expression, type }
      wanted.set(name, one)
      return (focus, container) => one.evaluate?.(focus, container) ?? 'unknown'
    }
  }
}

export async function loadExpressionEngine(): Promise<ExpressionEngine> {
  const [fhirpath, { default: model }] = await Promise.all([import('fhirpath'), import('fhirpath/fhir-context/r4')])
  return createExpressionEngine(fhirpath, model)
}

// Invariants: native where the expression is one we know word for word, else handed to an expression engine, else said
// to be unchecked. Never silence.
import type { NodeConstraint } from '../definitions/element-tree.js'
import type { JsonObject } from '../definitions/structure-definition.js'
import { NATIVE_INVARIANTS } from '../invariants/native-invariants.js'
import { type Place, report, rootPlace, type Run } from '../run.js'

export interface InvariantCheck {
  /** False only for an error. */
  readonly passes: (focus: JsonObject, run: Run) => boolean
  readonly explain: (focus: JsonObject, place: Place, run: Run) => void
}

/** Evaluates FHIRPath that has no native form. Never throws; 'unknown' when it cannot say. */
export interface ExpressionEngine {
  /** Undefined for an expression that it cannot read. */
  compile(
    expression: string,
    type: string
  ): ((focus: unknown, container: JsonObject) => boolean | 'unknown') | undefined
}

export function buildInvariant(
  constraint: NodeConstraint,
  type: string,
  engine: ExpressionEngine | undefined
): InvariantCheck {
  const native = NATIVE_INVARIANTS.get(constraint.key)
  const expression = constraint.expression ?? ''
  if (native !== undefined && native.expressions.some((known) => isSameText(known, expression))) {
    const severity = native.severity ?? severityOf(constraint)
    return native.explain === undefined
      ? plainCheck(constraint, severity, native.remedy, (focus, run) => native.holds(focus, run))
      : placedCheck(constraint, severity, native.remedy, native.holds, native.explain)
  }
  const evaluate = engine?.compile(expression, type)
  return evaluate === undefined ? uncheckedInvariant(constraint) : engineCheck(constraint, expression, evaluate)
}

type Severity = 'error' | 'warning' | 'information'
type Holds = (focus: JsonObject, run: Run) => boolean

function severityOf(constraint: NodeConstraint): Severity {
  return constraint.severity === 'warning' ? 'warning' : 'error'
}

function plainCheck(constraint: NodeConstraint, severity: Severity, remedy: string, holds: Holds): InvariantCheck {
  const say = (place: Place, run: Run): void => {
    sayInvariant(constraint, severity, remedy, place, run)
  }
  return {
    passes(focus, run) {
      if (holds(focus, run)) return true
      if (severity === 'error') return false
      // At the root the place is known without an explaining pass.
      if (run.depth === 1) say(rootPlace(String(focus['resourceType'])), run)
      else run.hasRemarks = true
      return true
    },
    explain(focus, place, run) {
      if (!holds(focus, run)) say(place, run)
    }
  }
}

function placedCheck(
  constraint: NodeConstraint,
  severity: Severity,
  remedy: string,
  holds: Holds,
  places: (focus: JsonObject, place: Place, run: Run) => Place[]
): InvariantCheck {
  const plain = plainCheck(constraint, severity, remedy, holds)
  return {
    passes: plain.passes,
    explain(focus, place, run) {
      if (holds(focus, run)) return
      for (const at of places(focus, place, run)) sayInvariant(constraint, severity, remedy, at, run)
    }
  }
}

function sayInvariant(constraint: NodeConstraint, severity: Severity, remedy: string, place: Place, run: Run): void {
  const { by, key } = constraint
  const rule = by.layer === 'base' ? `r4-${key}` : key
  report(run, by, 'invariant', place, `breaks ${key} of ${by.label}: ${remedy}`, { severity, code: 'invariant', rule })
}

function engineCheck(
  constraint: NodeConstraint,
  expression: string,
  evaluate: NonNullable<ReturnType<ExpressionEngine['compile']>>
): InvariantCheck {
  const severity = severityOf(constraint)
  return {
    passes(focus, run) {
      const result = evaluate(focus, run.container)
      if (result === true) return true
      if (result === false && severity === 'error') return false
      run.hasRemarks = true
      return true
    },
    explain(focus, place, run) {
      const result = evaluate(focus, run.container)
      if (result === false) sayInvariant(constraint, severity, expression, place, run)
      if (result === 'unknown') sayUnchecked(constraint, place, run)
    }
  }
}

function uncheckedInvariant(constraint: NodeConstraint): InvariantCheck {
  return {
    passes(_focus, run) {
      run.hasRemarks = true
      return true
    },
    explain(_focus, place, run) {
      sayUnchecked(constraint, place, run)
    }
  }
}

function sayUnchecked(constraint: NodeConstraint, place: Place, run: Run): void {
  const what = `was not checked against ${constraint.key} of ${constraint.by.label}: its expression cannot be evaluated here`
  report(run, constraint.by, 'invariant-unchecked', place, what)
}

function isSameText(known: string, expression: string): boolean {
  return known === expression || known.replace(/\s+/g, '') === expression.replace(/\s+/g, '')
}

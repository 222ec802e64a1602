// Invariants we know word for word, as functions. One is only used when its expression is the text written here.
import type { IssueSeverity } from '../../fhir/issue.js'
import type { JsonObject } from '../definitions/structure-definition.js'
import type { Place, Run } from '../run.js'
import { DATATYPE_INVARIANTS } from './datatype-invariants.js'
import { RESOURCE_INVARIANTS } from './resource-invariants.js'
import { TIMING_INVARIANTS } from './timing-invariants.js'

export interface NativeInvariant {
  /** The official expression, and other texts of the same meaning that are in use. */
  expressions: readonly string[]
  /** What to do, completing "breaks ... : ". */
  remedy: string
  holds(focus: JsonObject, run: Run): boolean
  /** The places at fault, when they lie below the element that carries the invariant. */
  explain?: (focus: JsonObject, place: Place, run: Run) => Place[]
  /** Said otherwise than the definition says. */
  severity?: Extract<IssueSeverity, 'error' | 'warning' | 'information'>
}

export type NativeInvariants = Readonly<Record<string, NativeInvariant>>

export const NATIVE_INVARIANTS: ReadonlyMap<string, NativeInvariant> = new Map(
  Object.entries({ ...DATATYPE_INVARIANTS, ...TIMING_INVARIANTS, ...RESOURCE_INVARIANTS })
)

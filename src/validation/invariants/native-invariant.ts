// What a native invariant is.
import type { JsonObject } from '../definitions/structure-definition.js'
import type { Place, Run } from '../run.js'

export interface NativeInvariant {
  /** The official expression, and other texts of the same meaning that are in use. */
  expressions: readonly string[]
  /** What to do, completing "breaks ... : ". */
  remedy: string
  holds: (focus: JsonObject, run: Run) => boolean
  /** The places at fault, when they lie below the element that carries the invariant. */
  explain?: (focus: JsonObject, place: Place, run: Run) => Place[]
  /** Said otherwise than the definition says. */
  severity?: 'error' | 'warning' | 'information'
}

export type NativeInvariants = Readonly<Record<string, NativeInvariant>>

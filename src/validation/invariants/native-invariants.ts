// Invariants we know word for word, as functions. One is only used when its expression is the text written beside it.
import { BUNDLE_INVARIANTS } from './bundle-invariants.js'
import { CONTAINED_INVARIANTS } from './contained-invariants.js'
import { DATATYPE_INVARIANTS } from './datatype-invariants.js'
import type { NativeInvariant } from './native-invariant.js'
import { RESOURCE_INVARIANTS } from './resource-invariants.js'
import { TIMING_INVARIANTS } from './timing-invariants.js'

/** By key. */
export const NATIVE_INVARIANTS: ReadonlyMap<string, NativeInvariant> = new Map(
  Object.entries({
    ...DATATYPE_INVARIANTS,
    ...TIMING_INVARIANTS,
    ...CONTAINED_INVARIANTS,
    ...RESOURCE_INVARIANTS,
    ...BUNDLE_INVARIANTS
  })
)

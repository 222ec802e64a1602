// A working set of patients that were read whole.
import { NO_BLOCKS } from '../ingest/block-records.js'
import { knownRecords } from '../ingest/near-records.js'
import { createWorkingSet, type Known, type WorkingSet } from '../ingest/working-set.js'
import type { Stores } from '../storage/database.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { KnownEvent } from '../storage/event-store.js'

export interface KnownPatients extends Pick<Known, 'heads' | 'lanes'> {
  events: readonly KnownEvent[]
  /** Of reviewers. */
  decisions: readonly PairDecision[]
}

export function createKnownSet(
  { heads, lanes, events, decisions }: KnownPatients,
  stores: Stores,
  newId: () => string
): WorkingSet {
  const near = knownRecords(events, decisions)
  return createWorkingSet(stores, newId, { heads, patients: new Map(), near, blocks: NO_BLOCKS, lanes })
}

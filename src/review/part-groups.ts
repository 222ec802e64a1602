// Which event group ids the records of two patients take along when they are parted. Pure.
import type { KnownEvent } from '../storage/event-store.js'

export interface Parting {
  /** Of everything that was one patient. */
  events: readonly KnownEvent[]
  /** Records that leave. */
  leaving: ReadonlySet<string>
  /** Record id -> event group id before the two were merged. */
  before: ReadonlyMap<string, string>
  /** Group ids that belong to the patient now, emptied ones too. */
  owned: ReadonlySet<string>
}

/**
 * The events with the group ids they should have: what they had before the merge, where it is still theirs to have. A
 * record that came later keeps its group where all of that lies on one side, and the group is none of those; else it
 * has none yet (an empty id).
 */
export function partGroups({ events, leaving, before, owned }: Parting): KnownEvent[] {
  const former = new Set(before.values())
  const sides = new Map<string, Set<boolean>>()
  for (const { recordId, groupId } of events)
    sides.set(groupId, (sides.get(groupId) ?? new Set()).add(leaving.has(recordId)))
  const idOf = ({ recordId, groupId }: KnownEvent): string => {
    const had = before.get(recordId)
    if (had !== undefined) return owned.has(had) ? had : ''
    return !former.has(groupId) && sides.get(groupId)?.size === 1 ? groupId : ''
  }
  const taken = new Map<string, boolean>()
  return events.map((event) => {
    const isLeaving = leaving.has(event.recordId)
    const groupId = idOf(event)
    // An id goes to one side, whatever was merged and undone in between.
    if (groupId !== '' && (taken.get(groupId) ?? isLeaving) !== isLeaving) return { ...event, groupId: '' }
    taken.set(groupId, isLeaving)
    return { ...event, groupId }
  })
}

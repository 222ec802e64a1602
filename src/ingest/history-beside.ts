// The patient's other vaccinations, one for each event: what intervals and once-per-season are counted from.
import type { KnownEvent } from '../storage/event-store.js'
import type { EventBeside } from '../storage/near-store.js'

type Historic = Pick<KnownEvent, 'day' | 'antigens' | 'vaccineType'>

/** `beside`: events that are not among the others. */
export function historyBeside(
  recordId: string,
  events: readonly KnownEvent[],
  beside: readonly EventBeside[] = []
): Historic[] {
  const own = events.find((event) => event.recordId === recordId)?.groupId
  const others = events.filter((event) => event.isSurvivor && event.groupId !== own)
  return [...others, ...beside].map(({ day, antigens, vaccineType }) => ({ day, antigens, vaccineType }))
}

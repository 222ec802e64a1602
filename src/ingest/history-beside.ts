// The patient's other vaccinations, one for each event: what intervals and once-per-season are counted from.
import type { KnownEvent } from '../storage/event-store.js'

export function historyBeside(
  recordId: string,
  events: readonly KnownEvent[]
): Pick<KnownEvent, 'day' | 'antigens' | 'vaccineType'>[] {
  const own = events.find((event) => event.recordId === recordId)?.groupId
  return events
    .filter((event) => event.isSurvivor && event.groupId !== own)
    .map(({ day, antigens, vaccineType }) => ({ day, antigens, vaccineType }))
}

// The patient's other vaccinations, one for each event: what intervals and once-per-season are counted from.
import type { KnownEvent } from '../storage/event-store.js'
import type { EventBeside } from '../storage/near-store.js'

type Historic = Pick<KnownEvent, 'day' | 'antigens' | 'vaccineType'>

/**
 * `beside`: events that are not among the others, read for the record.
 *
 * Test data (HTEST) and real records are two worlds, as in deduplication (V1). What was given in training was given to
 * nobody, so no real dose is too early after it; and a test record is judged beside the test records of its patient alone,
 * so that training shows what the rules say of a course that it made up, and its answers tell nothing of a real history.
 */
export function historyBeside(
  recordId: string,
  events: readonly KnownEvent[],
  beside: readonly EventBeside[] = []
): Historic[] {
  const own = events.find((event) => event.recordId === recordId)
  const others = events.filter(
    (event) =>
      event.isSurvivor && event.groupId !== own?.groupId && event.fingerprint.isTest === own?.fingerprint.isTest
  )
  return [...others, ...beside].map(({ day, antigens, vaccineType }) => ({ day, antigens, vaccineType }))
}

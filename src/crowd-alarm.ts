// More records of one patient at one time than can be compared: a person must look at what is being sent.
import type { Log } from './log.js'
import type { Metrics } from './metrics.js'

/** At error level, because good records may be hiding in the crowd. Ids only, and not more than help to find it. */
export function createCrowdAlarm(
  metrics: Pick<Metrics, 'countCrowded'>,
  log: Pick<Log, 'error'>
): (recordIds: readonly string[]) => void {
  return (recordIds) => {
    metrics.countCrowded(recordIds.length)
    log.error({ records: recordIds.length, record_ids: recordIds.slice(0, 5) }, 'dedup.crowded')
  }
}

// What was never sent, because something later took its place, leaves a line: the metrics count it.
import type { Log } from './queue/log.js'

export function createSupersededLog(log: Pick<Log, 'info'>): (superseded: ReadonlyMap<string, number>) => void {
  return (superseded) => {
    for (const [destination, deliveries] of superseded) log.info({ destination, deliveries }, 'deliveries.superseded')
  }
}

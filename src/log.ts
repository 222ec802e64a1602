// One wide JSON line per unit of work, written asynchronously; never a patient's data.
import { pino, type Logger } from 'pino'

export type Log = Logger

/**
 * Buffered, because a line per request written at once costs a third of the throughput. In development the lines go to
 * standard error, so that standard output shows what a newcomer is to read.
 */
export function createLog(level: string, development = false): Log {
  return pino(
    { level, base: { service: 'immunisation-hub' }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: development ? 2 : 1, minLength: 4096, sync: false })
  )
}

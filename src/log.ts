// One wide JSON line per unit of work, written asynchronously; never a patient's data.
import { pino, type Logger } from 'pino'

export type Log = Logger

/** A log on standard output, buffered (a line per request written at once costs a third of the throughput). */
export function createLog(level: string): Log {
  return pino(
    { level, base: { service: 'immunisation-hub' }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 1, minLength: 4096, sync: false })
  )
}

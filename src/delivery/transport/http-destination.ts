// What every destination that is reached over HTTP has, whatever its kind: its sockets, which records it takes, and its end.
import type { Delivery, Destination, DestinationServices, DestinationSettings } from '../destination.js'
import { createHttpTransport, type HttpTransport } from './http-transport.js'

export interface HttpDestination {
  /** To be completed by `deliver`. It takes completed records of the vaccine types of its settings. */
  base: Omit<Destination, 'deliver'>
  transport: HttpTransport
  now: () => Date
  /**
   * For the requests of one delivery or question. The first `paid` of them go at once, at moments of the fleet's rate that were
   * taken before; each further one waits for a moment of its own.
   */
  openTrace: (asked: Pick<Delivery, 'deliveryId' | 'recordId'>, paid: number, signal: AbortSignal) => CallTrace
}

/** Ties the calls of one delivery together: in the receiver's logs, and under the rate. */
export interface CallTrace {
  /** The delivery: sent with every write, the same on every attempt. A read gets an id of its own. */
  requestId: string
  correlationId: string
  signal: AbortSignal
  /** Before each request: resolves when it may go, or the signal fires. Never rejects. */
  takeTurn(): Promise<void>
}

/** How many moments of the rate whoever asks has taken before: a delivery, a search, a search and a read. */
export const PAID_BY = { claim: 1, lookUp: 1, readBack: 2 } as const

export function openHttpDestination(
  settings: DestinationSettings,
  services: DestinationServices,
  sockets: Omit<Parameters<typeof createHttpTransport>[0], 'maxSockets'> = {}
): HttpDestination {
  const transport = createHttpTransport({ maxSockets: settings.concurrency, ...sockets })
  const { vaccineTypes, ...fixed } = settings
  const { name, ratePerSecond } = settings
  return {
    base: {
      ...fixed,
      wants: ({ vaccineType, facts }) => (vaccineTypes?.includes(vaccineType) ?? true) && facts.status === 'completed',
      close() {
        transport.close()
        return Promise.resolve()
      }
    },
    transport,
    now: () => services.now(),
    openTrace({ deliveryId, recordId }, paid, signal) {
      let taken = 0
      const takeTurn = async (): Promise<void> => {
        taken += 1
        if (taken > paid && ratePerSecond !== undefined) await services.awaitMoment?.(name, ratePerSecond, signal)
      }
      return { requestId: deliveryId, correlationId: recordId, signal, takeTurn }
    }
  }
}

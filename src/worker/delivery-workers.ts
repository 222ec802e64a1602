// The workers of this process: one BullMQ worker per destination, each feeding its pump.
import { createDeliveryPump, type PumpDeps } from '../delivery/delivery-pump.js'
import type { Destination } from '../delivery/destination.js'
import { within } from '../queue/within.js'
import type { JobListener, Queues } from '../queue/queues.js'

export interface DeliveryWorkers {
  start(): Promise<void>
  /**
   * Takes no more jobs, lets attempts under way end for three quarters of the time, then cuts them off and records that
   * their outcome is unknown. Nothing is left claimed, unless the database fails: then the leases run out.
   */
  stop(withinMs: number): Promise<void>
}

export interface WorkersDeps extends Omit<PumpDeps, 'destination'> {
  queues: Queues
  destinations: readonly Destination[]
}

export function createDeliveryWorkers(deps: WorkersDeps): DeliveryWorkers {
  const { database, queues, destinations, log } = deps
  const pumps = destinations.map((destination) => ({
    destination,
    pump: createDeliveryPump({ ...deps, destination })
  }))
  let listeners: JobListener[] = []
  return {
    async start() {
      await database.stores.destinations.ensure(destinations.map((destination) => destination.name))
      listeners = pumps.map(({ destination, pump }) =>
        queues.onJob(destination.name, destination.concurrency, (deliveryIds) => pump.deliver(deliveryIds))
      )
    },
    async stop(withinMs) {
      const cutOff = setTimeout(() => {
        log.warn({ destinations: pumps.length }, 'worker.cut_off')
        for (const { pump } of pumps) pump.abort()
      }, withinMs * 0.75)
      // In one tick, so that no job is fetched for a pump that gives it back. Closing waits for the jobs, and they for
      // the pumps.
      const drained = Promise.all(pumps.map(({ pump }) => pump.drain()))
      await Promise.all(listeners.map((listener) => listener.close(withinMs)))
      await within(withinMs, 'recording what was under way', drained).catch((error: unknown) => {
        log.error({ err: error }, 'worker.not_drained')
      })
      clearTimeout(cutOff)
    }
  }
}

// The loop without a ledger: ids go into the queue in chunks, come out of it, and the same body is posted for each.
import { setMaxListeners } from 'node:events'
import { DELIVERY_POLICY } from '../../src/delivery/policy.js'
import type { Queues } from '../../src/queue/queues.js'
import { waitFor } from '../../test/support/wait-for.js'
import { SINKS, type Sink } from './sink.js'

const { window, chunk } = DELIVERY_POLICY.ring

/** Gives how many deliveries. */
export async function runBare(queues: Queues, sink: Sink, perDestination: number, body: string): Promise<number> {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  const { concurrency } = sink.destinations[0]!
  // As large as the relay makes them.
  const size = Math.max(1, Math.min(chunk, Math.floor(window / (2 * concurrency))))
  const before = sink.taken()
  const expected = perDestination * SINKS.length
  const listeners = SINKS.map((name) =>
    queues.onJob(name, concurrency, async (ids) => {
      await Promise.all(ids.map(() => sink.post(body, signal)))
    })
  )
  for (let rung = 0; rung < perDestination; rung += window) {
    const ids = Array.from({ length: Math.min(window, perDestination - rung) }, (_, n) => `delivery-${rung + n}`)
    await Promise.all(SINKS.map((name) => queues.ring(name, ids, size)))
  }
  await waitFor(() => sink.taken() - before >= expected, 'everything to be posted', { withinMs: 600_000, everyMs: 5 })
  await Promise.all(listeners.map((listener) => listener.close(5_000)))
  return expected
}

// A receiver that holds what it is told, and the least worker that brings it there: for looking at what a destination would
// have, delivery by delivery, without queues.
import type { Delivery } from '../../src/delivery/destination.js'
import type { IngestRig } from './ingest-rig.js'

export interface ModelReceiver {
  /** Record id to the version held. */
  readonly holds: Map<string, number>
  /** `create 1 <record>` and so on, in the order in which they arrived. */
  readonly log: string[]
  /** Of those what a strict receiver would refuse: a create of what it has, an update or a delete of what it has not. */
  readonly improper: string[]
  /** Delivers what is due, at most so many, the rest later; gives how many. */
  drain(limit?: number): Promise<number>
  /** Claims what is due and leaves it with a worker; `finish` ends it. */
  claim(): Promise<Delivery[]>
  finish(deliveries: readonly Delivery[], next?: 'delivered' | 'held' | 'retry'): Promise<void>
}

export function createModelReceiver(rig: IngestRig, destination: string): ModelReceiver {
  const { database } = rig
  const holds = new Map<string, number>()
  const log: string[] = []
  const improper: string[] = []

  async function claim(limit = 100): Promise<Delivery[]> {
    const due = await rig.rows<{ delivery_id: string }>(
      `select delivery_id from delivery
        where destination = $1 and state in ('ready', 'queued', 'verify')
        order by due_at, delivery_id limit $2`,
      [destination, limit]
    )
    return database.transaction((stores) =>
      stores.deliveries.claim({
        destination,
        deliveryIds: due.map((row) => row.delivery_id),
        worker: 'model',
        leaseMs: 60_000,
        inTurn: { probe: false }
      })
    )
  }
  function take({ operation, recordId, version, replaces = [], toldBySuccessor = false }: Delivery): void {
    log.push(`${operation} ${version} ${recordId}`)
    const isNew = operation === 'create' || operation === 'reinstate'
    if (!toldBySuccessor && isNew === holds.has(recordId)) improper.push(`${operation} ${version} ${recordId}`)
    for (const other of replaces) holds.delete(other.recordId)
    if (operation !== 'delete') holds.set(recordId, version)
    else if (!toldBySuccessor) holds.delete(recordId)
  }
  async function finish(deliveries: readonly Delivery[], next: 'delivered' | 'held' | 'retry' = 'delivered') {
    if (next === 'delivered') deliveries.forEach(take)
    await database.transaction((stores) =>
      stores.deliveries.finish(
        deliveries.map(({ deliveryId, recordId, epoch, version }) => ({
          deliveryId,
          recordId,
          epoch,
          next,
          class: next === 'delivered' ? 'delivered' : next === 'held' ? 'refused' : 'unavailable',
          dueInMs: 0,
          counts: true,
          outcome: 'known',
          ...(next === 'delivered' ? { remote: { id: recordId, version: String(version) } } : {})
        })),
        3_600_000
      )
    )
  }
  return {
    holds,
    log,
    improper,
    claim,
    finish,
    async drain(limit = Infinity) {
      let delivered = 0
      while (delivered < limit) {
        const [next] = await claim(1)
        if (next === undefined) break
        await finish([next])
        delivered++
      }
      return delivered
    }
  }
}

// The lanes of the records that a transaction holds, and what it adds to them: written at its end, so that what one
// submission of a group plans another can still take back.
import type { LaneEntry, LaneState, LaneStates, NewDelivery, OutboxStore } from '../storage/outbox-store.js'

export interface PlannedDeliveries {
  laneOf(recordId: string, destination: string): LaneState | undefined
  add(delivery: NewDelivery): void
  /** Delivery that is not written yet. */
  isNew(deliveryId: string): boolean
  /**
   * Takes back deliveries of one lane that were never attempted. The lane is what it is afterwards: a worker may have
   * claimed one in this moment. Gives those that are over.
   */
  supersede(recordId: string, destination: string, entries: readonly LaneEntry[]): Promise<string[]>
  /** Those that wait for one of `from` wait for `to` now; undefined: for nothing. */
  passOn(from: readonly string[], to: { deliveryId: string; recordId: string } | undefined): Promise<void>
  /** Reads the lanes of a record. */
  look(recordId: string): Promise<void>
  write(): Promise<void>
}

export function createPlannedDeliveries(outbox: OutboxStore, lanes: LaneStates): PlannedDeliveries {
  const added = new Map<string, NewDelivery>()

  function append(delivery: NewDelivery): void {
    const { recordId, destination } = delivery
    const lane = lanes.get(recordId)?.get(destination) ?? { pending: [] }
    setLane(recordId, destination, { ...lane, pending: [...lane.pending, delivery] })
  }
  function setLane(recordId: string, destination: string, lane: LaneState): void {
    lanes.set(recordId, new Map(lanes.get(recordId)).set(destination, lane))
  }
  async function look(recordId: string): Promise<void> {
    lanes.delete(recordId)
    for (const [id, states] of await outbox.findLanes([recordId])) lanes.set(id, states)
    for (const delivery of added.values()) if (delivery.recordId === recordId) append(delivery)
  }

  return {
    laneOf: (recordId, destination) => lanes.get(recordId)?.get(destination),
    add(delivery) {
      added.set(delivery.deliveryId, delivery)
      append(delivery)
    },
    isNew: (deliveryId) => added.has(deliveryId),
    async supersede(recordId, destination, entries) {
      const ids = entries.map(({ deliveryId }) => deliveryId)
      const unwritten = ids.filter((id) => added.delete(id))
      const stored = ids.filter((id) => !unwritten.includes(id))
      const over = [...unwritten, ...(await outbox.supersede(stored))]
      if (over.length < ids.length) await look(recordId)
      const lane = lanes.get(recordId)?.get(destination)
      if (lane !== undefined) {
        const pending = lane.pending.filter(({ deliveryId }) => !over.includes(deliveryId))
        setLane(recordId, destination, { ...lane, pending })
      }
      return over
    },
    async passOn(from, to) {
      for (const { successorId, ...waiting } of added.values())
        if (successorId !== undefined && from.includes(successorId))
          added.set(waiting.deliveryId, {
            ...waiting,
            ...(to === undefined || to.recordId === waiting.recordId ? {} : { successorId: to.deliveryId })
          })
      await outbox.passOn(from, to)
    },
    look,
    write: () => outbox.insert([...added.values()])
  }
}

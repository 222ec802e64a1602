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
   * claimed one in this moment. Gives those that are over. One that is not written yet leaves nothing.
   */
  supersede(recordId: string, destination: string, entries: readonly LaneEntry[]): Promise<string[]>
  /** The same, for a later state of their record: one that is not written yet is written as superseded. */
  collapse(recordId: string, destination: string, entries: readonly LaneEntry[]): Promise<string[]>
  /** What was collapsed gave way to this delivery. */
  nameSuperseding(over: readonly string[], by: string): void
  /** How many were taken back, by destination. */
  superseded(): ReadonlyMap<string, number>
  /** Those that wait for one of `from` wait for `to` now; undefined: for nothing. */
  passOn(from: readonly string[], to: { deliveryId: string; recordId: string } | undefined): Promise<void>
  /** Reads the lanes of a record. */
  look(recordId: string): Promise<void>
  write(): Promise<void>
}

export function createPlannedDeliveries(outbox: OutboxStore, lanes: LaneStates): PlannedDeliveries {
  const added = new Map<string, NewDelivery>()
  const named = new Map<string, string>()
  const counts = new Map<string, number>()

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
    for (const delivery of added.values())
      if (delivery.recordId === recordId && delivery.isOver !== true) append(delivery)
  }
  async function takeBack(
    recordId: string,
    destination: string,
    entries: readonly LaneEntry[],
    leave: (unwritten: NewDelivery) => void
  ): Promise<string[]> {
    const ids = entries.map(({ deliveryId }) => deliveryId)
    const unwritten = ids.flatMap((id) => added.get(id) ?? [])
    unwritten.forEach(leave)
    const own = unwritten.map(({ deliveryId }) => deliveryId)
    const over = [...own, ...(await outbox.supersede(ids.filter((id) => !own.includes(id))))]
    if (over.length < ids.length) await look(recordId)
    const lane = lanes.get(recordId)?.get(destination)
    if (lane !== undefined) {
      const pending = lane.pending.filter(({ deliveryId }) => !over.includes(deliveryId))
      setLane(recordId, destination, { ...lane, pending })
    }
    if (over.length > 0) counts.set(destination, (counts.get(destination) ?? 0) + over.length)
    return over
  }

  return {
    laneOf: (recordId, destination) => lanes.get(recordId)?.get(destination),
    add(delivery) {
      added.set(delivery.deliveryId, delivery)
      if (delivery.isOver !== true) append(delivery)
    },
    isNew: (deliveryId) => added.has(deliveryId),
    supersede: (recordId, destination, entries) =>
      takeBack(recordId, destination, entries, ({ deliveryId }) => void added.delete(deliveryId)),
    collapse: (recordId, destination, entries) =>
      takeBack(recordId, destination, entries, (delivery) => {
        added.set(delivery.deliveryId, { ...delivery, isOver: true })
      }),
    nameSuperseding(over, by) {
      for (const id of over) {
        const unwritten = added.get(id)
        if (unwritten === undefined) named.set(id, by)
        else added.set(id, { ...unwritten, supersededBy: by })
      }
    },
    superseded: () => counts,
    async passOn(from, to) {
      if (from.length === 0) return
      // The message of what is on its way already names nothing that came to wait for it.
      const heir = to && { ...to, mayReplace: added.has(to.deliveryId) }
      for (const { successorId, ...waiting } of added.values())
        if (successorId !== undefined && from.includes(successorId))
          added.set(waiting.deliveryId, {
            ...waiting,
            ...(heir === undefined || heir.recordId === waiting.recordId ? {} : { successorId: heir.deliveryId }),
            ...(waiting.takeover === 'replaced' && heir?.mayReplace === false ? { takeover: 'withdrawn' } : {})
          })
      await outbox.passOn(from, heir)
    },
    look,
    async write() {
      await outbox.insert([...added.values()])
      await outbox.nameSuperseding(named)
    }
  }
}

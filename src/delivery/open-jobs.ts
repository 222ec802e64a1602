// Which jobs wait for which deliveries: a job ends when each delivery it named has come to an end here.

interface Job {
  open: number
  resolve: () => void
  reject: (error: unknown) => void
}

/** A claim of a delivery. When its lease ran out, the same delivery may be under way here twice. */
export interface StartedDelivery {
  deliveryId: string
  epoch: number
}

export interface OpenJobs {
  /** Resolves when each id is settled; rejects when one is settled with an error. */
  add(deliveryIds: readonly string[]): Promise<void>
  /** Ids that wait for a claim, in the order in which they came. */
  waiting(limit?: number): string[]
  /** From waiting to started. */
  start(delivery: StartedDelivery): void
  settleWaiting(deliveryId: string, error?: unknown): void
  settleStarted(delivery: StartedDelivery, error?: unknown): void
  startedCount(): number
}

export function createOpenJobs(): OpenJobs {
  const waiting = new Map<string, Job[]>()
  const started = new Map<string, Job[]>()
  const settle = (from: Map<string, Job[]>, key: string, error: unknown): void => {
    const jobs = from.get(key) ?? []
    from.delete(key)
    for (const job of jobs) {
      job.open -= 1
      if (error !== undefined) job.reject(error)
      else if (job.open === 0) job.resolve()
    }
  }
  return {
    add: (deliveryIds) =>
      new Promise((resolve, reject) => {
        const job: Job = { open: deliveryIds.length, resolve, reject }
        if (job.open === 0) resolve()
        for (const deliveryId of deliveryIds) waiting.set(deliveryId, [...(waiting.get(deliveryId) ?? []), job])
      }),
    waiting: (limit) => [...waiting.keys()].slice(0, limit),
    start(delivery) {
      started.set(keyOf(delivery), waiting.get(delivery.deliveryId) ?? [])
      waiting.delete(delivery.deliveryId)
    },
    settleWaiting: (deliveryId, error) => {
      settle(waiting, deliveryId, error)
    },
    settleStarted: (delivery, error) => {
      settle(started, keyOf(delivery), error)
    },
    startedCount: () => started.size
  }
}

function keyOf({ deliveryId, epoch }: StartedDelivery): string {
  return `${deliveryId}/${epoch}`
}

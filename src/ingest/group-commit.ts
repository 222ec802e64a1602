// Gathers what is in flight at the same moment into one group: the group is whatever arrived while the last one
// committed. Latency falls as throughput rises (measured: ../shared/reference/measured.md).

export interface GroupCommitOptions {
  /** Items in one group at most. */
  maxGroup: number
  /**
   * Groups in flight at the same moment, 1 unless said. With 2 the next group is judged and decided while PostgreSQL
   * writes the last: half again as many records a second on two cores.
   */
  maxInFlight?: number
  /** Items waiting at most; more are turned away. */
  maxWaiting: number
  /** Makes the error of an item that is turned away. */
  turnAway: () => Error
  /** True for an error that is no item's fault (the database is down): the whole group is rejected with it at once. */
  concernsAll: (error: unknown) => boolean
}

export interface GroupCommit<Item, Result> {
  /**
   * Resolves with the item's own result once its group is done.
   * @throws what `turnAway` makes when too many items wait or the gate is closed
   */
  submit(item: Item): Promise<Result>
  /** Turns new items away and waits for the ones in flight. */
  close(): Promise<void>
}

interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/**
 * `commit` settles a group and gives one result per item, in order. When it rejects, the group is halved and each half
 * tried by itself, so that a bad item is found in a few steps and never spoils its neighbours; an item that fails alone
 * is rejected with that error.
 */
export function createGroupCommit<Item, Result>(
  commit: (items: readonly Item[]) => Promise<Result[]>,
  options: GroupCommitOptions
): GroupCommit<Item, Result> {
  let waiting: Waiting<Item, Result>[] = []
  const running = new Set<Promise<void>>()
  let closed = false

  async function run(): Promise<void> {
    // One turn of the event loop lets every request that is already readable join the first group.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const group = waiting.slice(0, options.maxGroup)
      waiting = waiting.slice(options.maxGroup)
      await settle(group)
    }
  }

  async function settle(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await commit(group.map(({ item }) => item))
      group.forEach(({ resolve }, index) => {
        resolve(results[index] as Result)
      })
    } catch (error) {
      if (group.length === 1 || options.concernsAll(error)) {
        for (const { reject } of group) reject(error)
      } else {
        const middle = Math.ceil(group.length / 2)
        await settle(group.slice(0, middle))
        await settle(group.slice(middle))
      }
    }
  }

  return {
    submit(item) {
      if (closed || waiting.length >= options.maxWaiting) return Promise.reject(options.turnAway())
      return new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        if (running.size >= (options.maxInFlight ?? 1)) return
        const loop = run().finally(() => running.delete(loop))
        running.add(loop)
      })
    },
    async close() {
      closed = true
      await Promise.all(running)
    }
  }
}

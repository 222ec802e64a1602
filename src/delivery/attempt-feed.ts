// Attempts as they end, for many watchers: while somebody watches, one look a second serves all of them in this process.
import type { Log } from '../queue/log.js'
import type { AttemptLine, OpsAttemptQueries } from '../storage/ops-attempt-queries.js'

export interface AttemptFeed {
  /**
   * What ended after the moment (of the last few seconds unless given), oldest first, then what ends from now on: each
   * attempt once, an empty list where nothing ended for a while. Ends with the feed, and for a watcher that falls too far
   * behind: it goes on after the last attempt it was given. Undefined while as many watch as may.
   */
  follow(after: Date | undefined): Followed | undefined
  /** Ends what every watcher follows. */
  close(): void
}

export interface Followed {
  attempts: AsyncIterable<readonly AttemptLine[]>
  /** Gives the place back, also where nothing was ever read. */
  leave(): void
}

export interface AttemptFeedDeps {
  ops: OpsAttemptQueries
  now: () => Date
  log: Log
  policy?: FeedPolicy
}

export interface FeedPolicy {
  lookEveryMs: number
  quietMs: number
  /** In one process. */
  watchers: number
  /** Attempts that wait for a watcher to take them. */
  behind: number
}

export const FEED_POLICY: FeedPolicy = { lookEveryMs: 1_000, quietMs: 15_000, watchers: 20, behind: 5_000 }

/** What is committed late is still found: each look begins so long before the last attempt that is known. */
export const OVERLAP_MS = 5_000
const PAGE = 500

interface Watcher {
  waiting: AttemptLine[]
  isEnded: boolean
  wake(): void
}

export function createAttemptFeed({ ops, now, log, policy = FEED_POLICY }: AttemptFeedDeps): AttemptFeed {
  const watchers = new Set<Watcher>()
  /** Told, by key, with when it ended: as far back as a look goes. */
  const told = new Map<string, Date>()
  let position = now()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const look = async (): Promise<void> => {
    for await (const page of pagesAfter(ops, position)) {
      const fresh = page.rows.filter((row) => !told.has(keyOf(row)))
      for (const row of page.rows) told.set(keyOf(row), row.endedAt)
      position = page.next
      for (const [key, endedAt] of told) if (endedAt < position) told.delete(key)
      if (fresh.length > 0) for (const watcher of watchers) hand(watcher, fresh)
      if (watchers.size === 0) return
    }
  }
  const hand = (watcher: Watcher, rows: readonly AttemptLine[]): void => {
    watcher.waiting.push(...rows)
    if (watcher.waiting.length > policy.behind) watcher.isEnded = true
    watcher.wake()
  }
  const lookAgain = (): void => {
    timer = setTimeout(() => {
      look()
        .catch((error: unknown) => {
          log.warn({ err: error }, 'attempts.look_failed')
        })
        .finally(() => {
          if (watchers.size > 0) lookAgain()
          else timer = undefined
        })
    }, policy.lookEveryMs)
  }
  const join = (): Watcher => {
    const watcher: Watcher = { waiting: [], isEnded: false, wake: () => undefined }
    watchers.add(watcher)
    if (timer === undefined) {
      position = new Date(now().getTime() - OVERLAP_MS)
      told.clear()
      lookAgain()
    }
    return watcher
  }
  return {
    follow(after) {
      if (isClosed || watchers.size >= policy.watchers) return undefined
      const watcher = join()
      const since = after === undefined ? new Date(now().getTime() - OVERLAP_MS) : overlapping(after)
      const leave = (): void => {
        watchers.delete(watcher)
        watcher.isEnded = true
        watcher.wake()
      }
      return { attempts: follow({ ops, watcher, since, joinedAt: position, quietMs: policy.quietMs, leave }), leave }
    },
    close() {
      isClosed = true
      for (const watcher of watchers) {
        watcher.isEnded = true
        watcher.wake()
      }
      // One that nobody reads from does not leave by itself.
      watchers.clear()
    }
  }
}

interface Following {
  ops: OpsAttemptQueries
  watcher: Watcher
  since: Date
  /** What the feed hands to the watcher ended later. */
  joinedAt: Date
  quietMs: number
  leave: () => void
}

async function* follow(following: Following): AsyncGenerator<readonly AttemptLine[], void> {
  const { ops, watcher, since, joinedAt, quietMs, leave } = following
  try {
    const told = new Set<string>()
    let recent = new Set<string>()
    // What was missed is read by itself; it may overlap with what the feed has handed over meanwhile.
    for await (const { rows } of pagesAfter(ops, since)) {
      const missed = rows.filter((row) => !recent.has(keyOf(row)))
      for (const row of rows) if (row.endedAt >= joinedAt) told.add(keyOf(row))
      recent = new Set(rows.map(keyOf))
      // Also of one that is let go meanwhile: it comes back from further on.
      yield missed
      if (hasEnded(watcher)) return
    }
    while (!hasEnded(watcher)) {
      if (watcher.waiting.length === 0) await nextFor(watcher, quietMs)
      const fresh = watcher.waiting.splice(0).filter((row) => !told.delete(keyOf(row)))
      if (!hasEnded(watcher)) yield fresh
    }
  } finally {
    leave()
  }
}

/** A call, because the compiler takes a property for settled once it was looked at. */
function hasEnded(watcher: Watcher): boolean {
  return watcher.isEnded
}

/** Page after page, to the end of what there is. One page may hold part of the page before. */
async function* pagesAfter(
  ops: OpsAttemptQueries,
  since: Date
): AsyncGenerator<{ rows: AttemptLine[]; next: Date }, void> {
  let from = since
  for (let limit = PAGE; ;) {
    const rows = await ops.listEndedAttempts(from, { limit })
    const isFull = rows.length === limit
    const next = isFull ? justBefore(rows, from) : placeAfter(rows, from, limit)
    yield { rows, next }
    if (!isFull) return
    // More ended in one moment than a page holds.
    limit = next > from ? PAGE : limit * 2
    from = next
  }
}

/** Resolves when there is something for the watcher, or after a while all the same. */
async function nextFor(watcher: Watcher, quietMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    watcher.wake = resolve
    timer = setTimeout(resolve, quietMs)
  })
  clearTimeout(timer)
  watcher.wake = () => undefined
}

/** A full page goes on where it ended; else a little before the last one. */
export function placeAfter(attempts: readonly AttemptLine[], since: Date, limit: number): Date {
  const last = attempts.at(-1)?.endedAt ?? since
  if (attempts.length === limit && last > since) return last
  return new Date(Math.max(since.getTime(), last.getTime() - OVERLAP_MS))
}

/** What ended together is recorded together: a page may end in the middle of it. */
function justBefore(rows: readonly AttemptLine[], since: Date): Date {
  return new Date(Math.max(since.getTime(), (rows.at(-1)?.endedAt.getTime() ?? 0) - 1))
}

function overlapping(moment: Date): Date {
  return new Date(moment.getTime() - OVERLAP_MS)
}

function keyOf({ deliveryId, epoch }: AttemptLine): string {
  return `${deliveryId}/${epoch}`
}

// The loop of the worker role that looks into the mailboxes of destinations. Any number of processes may run it: one looks.
import { createBell, type Bell } from '../bell.js'
import type { Destination } from '../destination.js'
import {
  INBOX_POLICY,
  lookIntoInbox,
  type InboxDestination,
  type InboxPolicy,
  type LookDeps
} from './look-into-inbox.js'
import { settleAnswers, type SettleDeps } from './settle-answers.js'

export interface InboxWatch {
  start(): Promise<void>
  /** Resolves when the looks under way are over; they are cut short. */
  stop(): Promise<void>
}

export interface InboxWatchDeps extends LookDeps, SettleDeps {
  destinations: readonly Destination[]
  policy?: InboxPolicy
}

export function createInboxWatch(deps: InboxWatchDeps): InboxWatch {
  const { policy = INBOX_POLICY } = deps
  const watched = deps.destinations.flatMap(({ name, inbox }) => (inbox === undefined ? [] : [{ name, inbox }]))
  const stop = new AbortController()
  const bells: Bell[] = []
  let loops: Promise<void>[] = []

  const run = async (destination: InboxDestination, bell: Bell): Promise<void> => {
    const restMs = Math.min(destination.inbox.lookEveryMs, policy.idleMs)
    while (!stop.signal.aborted) {
      const hasMore = await turn(deps, destination, policy, stop.signal)
      if (!hasMore) await bell.wait(restMs)
    }
  }
  return {
    async start() {
      for (const { name } of watched) await deps.database.stores.inboxes.ensure(name)
      loops = watched.map((destination) => {
        const bell = createBell()
        bells.push(bell)
        return run(destination, bell)
      })
    },
    async stop() {
      stop.abort()
      for (const bell of bells) bell.ring()
      await Promise.all(loops)
    }
  }
}

/** A database that is away, or a fault of our own, is logged, and the next turn comes all the same. */
async function turn(
  deps: InboxWatchDeps,
  destination: InboxDestination,
  policy: InboxPolicy,
  stop: AbortSignal
): Promise<boolean> {
  try {
    const hasMore = await lookIntoInbox(deps, destination, policy, stop)
    await settleAnswers(deps, destination.name)
    return hasMore
  } catch (error) {
    deps.log.warn({ destination: destination.name, err: error }, 'inbox.turn_failed')
    return false
  }
}

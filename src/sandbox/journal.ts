// What arrived at the sandbox, in order, without patients.
import type { SandboxReceiver } from './receiver.js'

/** Older entries are dropped: a sandbox may run for days. */
const LONGEST = 50_000

export interface JournalEntry {
  destination: SandboxReceiver
  requestId: string
  method: string
  path: string
  recordKey?: string
  version?: string
  /** 0 when the connection was broken instead of answered. */
  status: number
  /** True when the receiver's state changed. */
  applied: boolean
  /** ISO 8601 instant. */
  at: string
}

export interface Journal {
  add(entry: JournalEntry): void
  /** `from`: leaves out so many of the first that ever arrived, for whoever has read those. */
  entries(destination?: string, from?: number): JournalEntry[]
  clear(): void
}

export function createJournal(): Journal {
  let entries: JournalEntry[] = []
  let dropped = 0
  return {
    add(entry) {
      entries.push(entry)
      if (entries.length <= LONGEST) return
      entries = entries.slice(LONGEST / 10)
      dropped += LONGEST / 10
    },
    entries: (destination, from = 0) =>
      entries
        .slice(Math.max(from - dropped, 0))
        .filter((entry) => destination === undefined || entry.destination === destination),
    clear() {
      dropped += entries.length
      entries = []
    }
  }
}

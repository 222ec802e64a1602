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
  entries(destination?: string): JournalEntry[]
  clear(): void
}

export function createJournal(): Journal {
  let entries: JournalEntry[] = []
  return {
    add(entry) {
      entries.push(entry)
      if (entries.length > LONGEST) entries = entries.slice(LONGEST / 10)
    },
    entries: (destination) => entries.filter((entry) => destination === undefined || entry.destination === destination),
    clear() {
      entries = []
    }
  }
}

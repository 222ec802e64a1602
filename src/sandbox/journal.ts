// What arrived at the sandbox, in order, without patients.
import type { ControlSetting } from './control-setting.js'
import type { SandboxReceiver } from './receiver.js'

/** Older entries are dropped: a sandbox may run for days. */
const LONGEST = 50_000

export interface JournalEntry {
  /** Counts what arrived at all receivers together, from 1; a journal that is cleared counts on. */
  order: number
  destination: SandboxReceiver
  requestId: string
  method: string
  path: string
  recordKey?: string
  version?: string
  /** Of the content, where it came along: it tells versions apart for a receiver that numbers them itself. */
  lotNumber?: string
  /** What the sandbox was told to do to this request. */
  fault?: ControlSetting['mode']
  /** 0 when the connection was broken instead of answered. */
  status: number
  /** True when the receiver's state changed. */
  applied: boolean
  /** ISO 8601 instant. */
  at: string
}

export interface JournalQuery {
  destination?: string
  /** Only what came after the entry of this order. */
  after?: number
}

export interface Journal {
  add(entry: Omit<JournalEntry, 'order'>): void
  entries(query?: JournalQuery): JournalEntry[]
  clear(): void
}

export function createJournal(): Journal {
  let entries: JournalEntry[] = []
  let order = 0
  return {
    add(entry) {
      order += 1
      entries.push({ order, ...entry })
      if (entries.length > LONGEST) entries = entries.slice(LONGEST / 10)
    },
    entries: ({ destination, after = 0 } = {}) =>
      entries.filter(
        (entry) => entry.order > after && (destination === undefined || entry.destination === destination)
      ),
    clear() {
      entries = []
    }
  }
}

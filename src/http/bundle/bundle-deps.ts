// What running a Bundle needs, and who sent it.
import type { Caller } from '../../fhir/caller.js'
import type { Issue } from '../../fhir/issue.js'
import type { History } from '../../history/history.js'
import type { Ingest } from '../../ingest/submission.js'
import type { Together } from '../../ingest/together.js'
import type { HistoryStore } from '../../storage/history-store.js'
import type { Preferences } from '../prefer.js'

export interface BundleDeps {
  ingest: Ingest
  together: Together
  history: History
  /** The same on the stores of a transaction, which sees what that transaction wrote. */
  historyOn: (store: HistoryStore) => History
  judgeByProfile: (value: unknown, profile: string) => Issue[]
  now: () => Date
  /** Absolute, as in https://hub.example/FHIR/R4. */
  base: () => string
  /** Largest Bundle, in bytes. */
  maxBytes: number
}

export interface BundleSender {
  caller: Caller
  requestId: string
  receivedAt: Date
  prefer: Preferences
}

/** What the whole request is answered: FHIR JSON text. */
export interface BundleAnswer {
  status: number
  text: string
}

// What comes in through a door and what goes back: the use case takes a list of the first, gives a list of the second.
import type { Caller } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import type { ParsedJson } from '../fhir/parse-json.js'

/** What the record is made of. */
export interface Payload extends ParsedJson {
  /** As received, where tolerant mode has cut something out of `text`. */
  sentText?: string
}

interface SubmissionBase {
  caller: Caller
  /** X-Request-ID of the caller, or one we made. */
  requestId: string
  receivedAt: Date
}

export type Submission = SubmissionBase &
  (
    | { kind: 'create'; payload: Payload }
    | {
        kind: 'update'
        recordId: string
        /** The version the caller last saw; `*` for whatever is there (a rehearsal). */
        ifMatch: number | '*'
        payload: Payload
        /** Why the record is to move to another patient; without it such an update is refused. */
        patientCorrection?: string
      }
    | { kind: 'delete'; recordId: string; ifMatch?: number }
  )

/** The answer to one submission. */
export interface Verdict {
  /** HTTP status of the FHIR interaction: 200, 201, 204 or a refusal. */
  status: number
  issues: Issue[]
  /** The record the answer is about; undefined when refused without one. */
  record?: { recordId: string; version: number; lastUpdated: Date; body?: string }
}

/** Accepts submissions. Resolves when everything acknowledged is committed; never rejects because of one submission. */
export interface Ingest {
  accept(submissions: readonly Submission[]): Promise<Verdict[]>
  /** Stops taking submissions, waits for the ones in flight. */
  close(): Promise<void>
}

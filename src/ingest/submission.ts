// What comes in through a door and what goes back: the use case takes a list of the first, gives a list of the second.
import type { Caller } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import type { JsonPatch } from '../fhir/json-patch.js'
import type { ParsedJson } from '../fhir/parse-json.js'

/** What the record is made of. */
export interface Payload extends ParsedJson {
  /**
   * As received, where it is not `text`: tolerant mode has cut something out, a patch was sent, or a Bundle's
   * references were resolved.
   */
  sentText?: string
}

/** Versions of which one must be the current one; `*` for whatever is there. */
export type IfMatch = '*' | readonly number[]

/** Which record is meant, by its identifier. Without a system: any of the caller's own records with this value. */
export interface IdentifierCriterion {
  system?: string
  value: string
}

/** The same key with the same request is answered as the first time. */
export interface Idempotency {
  /** Of the caller, 1 to 255 characters. */
  key: string
  /** SHA-256 over all that makes the request another one. */
  requestSha256: Buffer
}

export interface SubmissionBase {
  caller: Caller
  /** X-Request-ID of the caller, or one we made. */
  requestId: string
  receivedAt: Date
  idempotency?: Idempotency
}

/** What is settled; conditions and patches become one of these once it is known what they meet. */
export type PlainSubmission = SubmissionBase &
  (
    | {
        kind: 'create'
        payload: Payload
        /** A record that matches is answered instead (200), whatever the payload. */
        ifNoneExist?: IdentifierCriterion
      }
    | {
        kind: 'update'
        recordId: string
        ifMatch: IfMatch
        payload: Payload
        /** Why the record is to move to another patient; without it such an update is refused. */
        patientCorrection?: string
      }
    | {
        kind: 'delete'
        recordId: string
        ifMatch?: IfMatch
        /** Why, 1 to 200 characters. Never a patient's data. */
        reason?: string
      }
  )

/** Updates the one record that matches, creates one where none does. */
export type ConditionalUpdate = SubmissionBase & {
  kind: 'conditional-update'
  criterion: IdentifierCriterion
  ifMatch?: IfMatch
  patientCorrection?: string
  /** `id` of the payload, where it has one. */
  bodyId?: unknown
  payload: Payload
}

/** Updates a record by changes to its current text. Without `ifMatch` whatever is there is patched. */
export type PatchSubmission = SubmissionBase & {
  kind: 'patch'
  target: { recordId: string } | { criterion: IdentifierCriterion }
  ifMatch?: IfMatch
  patch: JsonPatch
}

export type Submission = PlainSubmission | ConditionalUpdate | PatchSubmission

/** The answer to one submission. */
export interface Verdict {
  /** HTTP status of the FHIR interaction: 200, 201, 204 or a refusal. */
  status: number
  issues: Issue[]
  /** The record the answer is about; undefined when refused without one. */
  record?: { recordId: string; version: number; lastUpdated: Date; body?: string }
  /** True where this is the answer of an earlier write with the same key. */
  replayed?: boolean
}

/** Accepts submissions. Resolves when everything acknowledged is committed; never rejects because of one submission. */
export interface Ingest {
  accept(submissions: readonly Submission[]): Promise<Verdict[]>
  /** Stops taking submissions, waits for the ones in flight. */
  close(): Promise<void>
}

// What a writer wants where only the database can tell which submission that is: conditional create and update by
// identifier, http://hl7.org/fhir/R4/http.html#ccreate and #cond-update.
import { permits } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import type { Stores } from '../storage/database.js'
import type { RecordHead } from '../storage/record-head.js'
import { checkPermission, judgeSubmission, type JudgedSubmission, type Judges } from './judge.js'
import type { Payload, Submission, SubmissionBase, Verdict } from './submission.js'

export interface RecordIdentifier {
  system: string
  value: string
}

export type Intent =
  | Submission
  | (SubmissionBase &
      /** If-None-Exist: nothing is written when a record of this client has the identifier. */
      (
        | { kind: 'create-unless'; identifier: RecordIdentifier; payload: Payload }
        /** PUT Immunization?identifier=…: updates the record of this client that has it, creates one otherwise. */
        | { kind: 'update-by'; identifier: RecordIdentifier; ifMatch?: number; payload: Payload }
      ))

export interface JudgedIntent {
  intent: Intent
  judged: JudgedSubmission
}

/** The submission that an intent is, or its verdict where nothing is to be written. */
export type Resolved = { submission: JudgedSubmission } | { verdict: Verdict }

/** An update that is not yet known to be one is judged as one. */
const UNKNOWN_ID = '00000000-0000-0000-0000-000000000000'

export function judgeIntent(intent: Intent, judges: Judges, now: Date): JudgedIntent {
  return { intent, judged: judgeSubmission(toSubmission(intent), judges, now) }
}

function toSubmission(intent: Intent): Submission {
  if (!('identifier' in intent)) return intent
  const { caller, requestId, receivedAt, payload } = intent
  if (intent.kind === 'create-unless') return { kind: 'create', caller, requestId, receivedAt, payload }
  const { ifMatch = '*' } = intent
  return { kind: 'update', caller, requestId, receivedAt, recordId: UNKNOWN_ID, ifMatch, payload }
}

/** Within the transaction: the heads that the identifiers name are locked. */
export async function resolveIntents(items: readonly JudgedIntent[], stores: Stores): Promise<Resolved[]> {
  const identifiers = items.flatMap(({ intent }) => ('identifier' in intent ? [intent.identifier] : []))
  const heads = await stores.records.lockHeads({ identifiers, recordIds: [] })
  return Promise.all(items.map((item) => resolve(item, heads, stores)))
}

async function resolve(
  { intent, judged }: JudgedIntent,
  heads: readonly RecordHead[],
  stores: Stores
): Promise<Resolved> {
  if (!('identifier' in intent)) return { submission: judged }
  const { caller, identifier } = intent
  const head = heads.find(
    (one) => one.identifierSystem === identifier.system && one.identifierValue === identifier.value
  )
  // Another client's record is not there for this one; its identifier is guarded where the record is written.
  const own = head?.owner === caller.client ? head : undefined
  if (intent.kind === 'create-unless') {
    if (own === undefined || own.deleted) return { submission: judged }
    return { verdict: await answerExisting(own, intent, stores) }
  }
  if (own !== undefined) {
    const sentId = idOf(intent.payload.value)
    if (sentId !== undefined && sentId !== own.recordId) return { verdict: { status: 400, issues: [OTHER_ID] } }
    return { submission: withRecordId(judged, own.recordId) }
  }
  if (intent.ifMatch !== undefined) return { verdict: { status: 412, issues: [NOTHING_TO_MATCH] } }
  return { submission: asCreate(judged) }
}

async function answerExisting(head: RecordHead, { caller }: SubmissionBase, stores: Stores): Promise<Verdict> {
  const missing = checkPermission(caller, 'C', head.vaccineType)
  if (missing !== undefined) return { status: 403, issues: [missing] }
  const body = permits(caller, 'R', head.vaccineType) ? await stores.records.findCurrentBody(head.recordId) : undefined
  const { recordId, version, lastUpdated } = head
  return {
    status: 200,
    issues: [EXISTS],
    record: { recordId, version, lastUpdated, ...(body === undefined ? {} : { body }) }
  }
}

function idOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
}

function withRecordId(judged: JudgedSubmission, recordId: string): JudgedSubmission {
  const { submission } = judged
  return submission.kind === 'update' ? { ...judged, submission: { ...submission, recordId } } : judged
}

// Judged with the permission to update; to create wants its own.
function asCreate(judged: JudgedSubmission): JudgedSubmission {
  const { submission, judgement } = judged
  if (submission.kind !== 'update') return judged
  const { caller, requestId, receivedAt, payload } = submission
  const missing = judgement?.kind === 'sound' ? checkPermission(caller, 'C', judgement.judged.vaccineType) : undefined
  return {
    submission: { kind: 'create', caller, requestId, receivedAt, payload },
    ...(judgement === undefined ? {} : { judgement }),
    ...(missing === undefined ? {} : { judgement: { kind: 'refused', status: 403, issues: [missing] } })
  }
}

const EXISTS: Issue = {
  severity: 'information',
  code: 'informational',
  layer: 'identity',
  rule: 'condition-met',
  text: 'a record has the identifier of ifNoneExist already; nothing was written'
}

const OTHER_ID: Issue = {
  severity: 'error',
  code: 'value',
  layer: 'base',
  rule: 'update-id',
  text: 'Immunization.id is not that of the record which has the identifier of the URL; leave it out, or correct it',
  expression: ['Immunization.id']
}

const NOTHING_TO_MATCH: Issue = {
  severity: 'error',
  code: 'conflict',
  layer: 'identity',
  rule: 'condition-nothing-to-match',
  text: 'no record of this client has the identifier of the URL, so there is no version to match; leave ifMatch out to create it'
}

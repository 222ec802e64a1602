// Steps 2 and 5 of the path, inside the transaction: what each submission of a group becomes, given what is known.
import type { Caller } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import type { RecordHead } from '../storage/record-head.js'
import { changedPathIssues } from './answer.js'
import { classifyCreate, classifyDelete, classifyUpdate, type Incoming, type Refused } from './classify-incoming.js'
import { checkPermission, type Judged, type JudgedPlain, type JudgedSubmission } from './judge.js'
import { refusalOf } from './keep-refused.js'
import { knownFingerprint, makeVersion, type VersionDeps } from './make-version.js'
import { moveRecord } from './move-record.js'
import { resolveSubmission, type ResolveDeps } from './resolve-submission.js'
import type { PlainSubmission, Submission, Verdict } from './submission.js'
import { tellElsewhere } from './tell-elsewhere.js'
import type { WorkingSet } from './working-set.js'

export type SettleDeps = VersionDeps & ResolveDeps

export async function settle(item: JudgedSubmission, set: WorkingSet, deps: SettleDeps): Promise<Verdict> {
  const resolved = await resolveSubmission(item, set, deps)
  switch (resolved.kind) {
    case 'refused':
      raiseDoubt(item.submission, resolved, set, deps)
      return refuse(item.submission, resolved.status, resolved.issues, set, deps)
    case 'matched':
      return answerStored({ status: 200, ...resolved }, item.submission.caller, set, deps)
    case 'plain':
      return settlePlain(resolved.item, set, deps)
  }
}

async function settlePlain(item: JudgedPlain, set: WorkingSet, deps: VersionDeps): Promise<Verdict> {
  const { submission, judgement } = item
  if (judgement?.kind === 'refused') return refuse(submission, judgement.status, judgement.issues, set, deps)
  const judged = judgement?.judged
  const head = set.findHead(submission, judged)
  const patientKey = set.findPatient(judged?.facts.nhsNumber)?.patientKey
  const incoming = classify(submission, judged, head, patientKey)
  switch (incoming.kind) {
    case 'refused':
      raiseDoubt(submission, incoming, set, deps)
      return refuse(submission, incoming.status, withWarnings(incoming.issues, judged), set, deps)
    case 'changed': {
      const stored = head === undefined ? undefined : await set.currentBody(head.recordId)
      const sent = submission.kind === 'delete' ? undefined : submission.payload.value
      const paths = stored === undefined ? [] : changedPathIssues(stored, sent)
      const verdict = refuse(submission, 409, [...incoming.issues, ...paths], set, deps)
      return head === undefined ? verdict : { ...verdict, record: recordOf(head) }
    }
    case 'resend':
      if (head === undefined) throw new Error('a resend without a stored record')
      return answerStored(
        { status: submission.kind === 'delete' ? 204 : 200, issues: incoming.issues, head },
        submission.caller,
        set,
        deps
      )
    case 'moved':
      if (head === undefined) throw new Error('a record that is not known cannot move')
      return moveRecord({ submission, judged, head, incoming }, set, deps)
    case 'new':
    case 'correction':
    case 'reinstatement':
      return makeVersion({ submission, judged, head, incoming }, set, deps)
  }
}

function classify(
  submission: PlainSubmission,
  judged: Judged | undefined,
  head: RecordHead | undefined,
  patientKey: string | undefined
): Incoming {
  if (submission.kind === 'delete') return mayChange(submission, head) ?? classifyDelete(submission, head)
  if (judged === undefined) throw new Error('a create or an update was settled without a judgement')
  if (submission.kind === 'create') return classifyCreate(judged, submission, head, patientKey)
  return mayChange(submission, head) ?? classifyUpdate(judged, submission, head, patientKey)
}

// The permission on the stored vaccine type; that on the new one was looked at by the judges.
function mayChange(submission: PlainSubmission, head: RecordHead | undefined): Incoming | undefined {
  if (head?.owner !== submission.caller.client) return undefined
  const missing = checkPermission(submission.caller, submission.kind === 'delete' ? 'D' : 'U', head.vaccineType)
  return missing === undefined ? undefined : { kind: 'refused', status: 403, issues: [missing] }
}

async function answerStored(
  { status, issues, head }: { status: number; issues: Issue[]; head: RecordHead },
  caller: Caller,
  set: WorkingSet,
  deps: VersionDeps
): Promise<Verdict> {
  if (status === 204) return { status, issues, record: recordOf(head) }
  const body = await set.currentBody(head.recordId)
  const issuesElsewhere = await tellOfStored(head, caller, set, deps)
  return {
    status,
    // What became known since it was first answered.
    issues: [...issues, ...(await set.terminologyIssues(head.recordId, head.version)), ...issuesElsewhere],
    record: { ...recordOf(head), ...(body === undefined ? {} : { body }) }
  }
}

async function tellOfStored(
  { patientKey, recordId }: RecordHead,
  caller: Caller,
  set: WorkingSet,
  deps: VersionDeps
): Promise<Issue[]> {
  if (caller.existingRecords !== true) return []
  const fingerprint = await knownFingerprint({ patientKey, recordId }, set)
  return (await tellElsewhere(caller, { recordId, patientKey, fingerprint }, set, deps.rules.dedup)).issues
}

function raiseDoubt(
  { requestId, receivedAt: raisedAt }: Submission,
  { doubt }: Refused,
  set: WorkingSet,
  { newId }: Pick<VersionDeps, 'newId'>
): void {
  if (doubt !== undefined) set.addDoubt({ ...doubt, newKey: newId(), requestId, raisedAt })
}

// Whatever was received is kept as it was sent, with the answer it got.
function refuse(
  submission: Submission,
  status: number,
  issues: Issue[],
  set: WorkingSet,
  deps: Pick<VersionDeps, 'newId'>
): Verdict {
  const refused = refusalOf(submission, { status, issues })
  if (refused !== undefined) set.addRefused({ ...refused, submissionId: deps.newId() })
  return { status, issues }
}

function withWarnings(issues: Issue[], judged: Judged | undefined): Issue[] {
  return [...issues, ...(judged?.issues ?? [])]
}

function recordOf(head: RecordHead): { recordId: string; version: number; lastUpdated: Date } {
  return { recordId: head.recordId, version: head.version, lastUpdated: head.lastUpdated }
}

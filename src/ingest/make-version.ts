// One new version: its body, its event group, what the supplier is told, and the deliveries that go with it.
import { duplicateIssues } from '../dedup/explain.js'
import type { DedupRules } from '../dedup/dedup-rules.js'
import { fingerprintOf, type EventFingerprint } from '../dedup/fingerprint.js'
import type { BlockOf } from '../dedup/patient-block.js'
import type { ProductAncestry } from '../dedup/product-ancestry.js'
import type { DeliveryOperation } from '../storage/delivery.js'
import type { Wanting } from '../delivery/plan-deliveries.js'
import { sha256 } from '../fhir/content-hash.js'
import type { Issue } from '../fhir/issue.js'
import { toOperationOutcome } from '../fhir/operation-outcome.js'
import { composeStoredBody } from '../fhir/stored-body.js'
import type { AuditEntry } from '../storage/audit-store.js'
import type { PatientDay } from '../storage/near-store.js'
import type { RecordHead } from '../storage/record-head.js'
import { fanOut } from './fan-out.js'
import { historyBeside } from './history-beside.js'
import { type Judged, programmeNames } from './judge.js'
import { blockColumns, nextHead, searchColumns } from './next-head.js'
import { placeInBlock } from './read-working-set.js'
import type { Regrouped } from './regroup-patient.js'
import { regroupTouched } from './regroup-touched.js'
import type { PlainSubmission, Verdict } from './submission.js'
import { tellElsewhere, type ToldElsewhere } from './tell-elsewhere.js'
import type { WorkingSet } from './working-set.js'

export interface VersionRules {
  dedup: DedupRules
  ancestry: ProductAncestry
}

export interface VersionDeps {
  rules: VersionRules
  /** Who may be one person where no number says so. */
  blockOf: BlockOf
  destinations: readonly Wanting[]
  now: () => Date
  newId: () => string
}

export interface Accepted {
  submission: PlainSubmission
  /** Undefined for a delete. */
  judged: Judged | undefined
  /** Undefined for a new record. */
  head: RecordHead | undefined
  incoming: { kind: 'new' } | { kind: 'correction' | 'reinstatement'; issues: Issue[] }
  /** Why a record moves to another patient; kept in the audit trail. */
  reason?: string
}

export async function makeVersion(accepted: Accepted, set: WorkingSet, deps: VersionDeps): Promise<Verdict> {
  const { submission, judged, incoming } = accepted
  const operation = operationOf(accepted)
  const head = nextHead(accepted, set, deps)
  const fingerprint =
    judged === undefined
      ? await knownFingerprint(head, set)
      : takeFingerprint(judged, submission.caller.organisation, deps.rules)
  const inBlock = judged === undefined ? undefined : placeInBlock(judged.facts, deps.blockOf)
  const { before, regrouped } = await regroupTouched({ head, fingerprint, inBlock }, set, deps)
  const own = { recordId: head.recordId, patientKey: head.patientKey, fingerprint }
  const told = await tellElsewhere(submission.caller, own, set, deps.rules.dedup)
  const issues = await tellSupplier(accepted, head, { regrouped, told }, set, deps)
  const body = composeBody(submission, head)
  set.addVersion(
    {
      head,
      operation,
      supplier: submission.caller.client,
      requestId: submission.requestId,
      payloadSha256: sha256(
        submission.kind === 'delete' ? '' : (submission.payload.sentText ?? submission.payload.text)
      ),
      outcome: issues.length === 0 ? null : JSON.stringify(toOperationOutcome(issues)),
      programmes: judged === undefined ? [] : programmeNames(judged.verdict),
      body,
      reason: reasonOf(submission) ?? null,
      fingerprint: { antigens: fingerprint.antigens, features: fingerprint },
      search: judged === undefined ? null : searchColumns(judged),
      block: judged === undefined ? null : blockColumns(judged, inBlock)
    },
    judged === undefined ? (accepted.head?.nhsNumber ?? null) : (judged.facts.nhsNumber ?? null)
  )
  keepRegrouped(head, regrouped, inBlock?.blockKey, set)
  const touched = { recordId: head.recordId, ...(judged === undefined ? {} : { facts: judged.facts }) }
  await fanOut({ touched, before, after: regrouped.events }, set, deps)
  if (asksElsewhere(accepted, deps)) set.addLookUp({ patientKey: head.patientKey, vaccineType: head.vaccineType })
  set.addAudit(auditEntryOf(accepted, head, issues))
  const { recordId, version, lastUpdated } = head
  return {
    status: statusOf(submission, incoming.kind),
    issues,
    record: { recordId, version, lastUpdated, ...(body === null ? {} : { body }) }
  }
}

function keepRegrouped(
  { patientKey, recordId }: Pick<RecordHead, 'patientKey' | 'recordId'>,
  { events, groups, grouping, decisions }: Regrouped,
  blockKey: string | undefined,
  set: WorkingSet
): void {
  set.setEvents(patientKey, events)
  const own = events.find((event) => event.recordId === recordId)
  if (own !== undefined) set.setBlock(own, blockKey)
  set.addGroups(groups)
  set.replaceDecisions({ patientKey, recordIds: grouping.covered, beyondId: recordId, made: decisions })
  if (grouping.crowded.includes(recordId)) set.addCrowded(recordId)
}

function auditEntryOf(accepted: Accepted, head: Omit<RecordHead, 'nhsNumber'>, issues: readonly Issue[]): AuditEntry {
  const { submission, judged, reason = reasonOf(submission) } = accepted
  const { recordId, version, patientKey, lastUpdated } = head
  return {
    at: lastUpdated,
    actor: submission.caller.client,
    action: `immunization.${operationOf(accepted)}`,
    recordId,
    version,
    patientKey,
    detail: {
      requestId: submission.requestId,
      rules: issues.map(({ rule }) => rule),
      programmes: judged === undefined ? [] : programmeNames(judged.verdict),
      ...(reason === undefined ? {} : { reason })
    }
  }
}

async function tellSupplier(
  { judged, incoming }: Accepted,
  { recordId, patientKey }: Pick<RecordHead, 'patientKey' | 'recordId'>,
  { regrouped, told }: { regrouped: Regrouped; told: ToldElsewhere },
  set: WorkingSet,
  deps: VersionDeps
): Promise<Issue[]> {
  const beside = judged === undefined ? [] : await set.besideOf(dayOf(judged, patientKey))
  const history = [...historyBeside(recordId, regrouped.events, beside), ...told.history]
  return [
    ...(incoming.kind === 'new' ? [] : incoming.issues),
    ...(judged === undefined ? [] : programmeIssues(judged, history)),
    ...duplicateIssues(recordId, regrouped.grouping, regrouped.records, deps.rules.dedup),
    ...(judged === undefined ? [] : told.issues)
  ]
}

function dayOf({ facts }: Judged, patientKey: string): PatientDay {
  return { patientKey, day: facts.occurrenceDay, isTest: facts.isTest === true }
}

// A register is asked by a number that was traced, or it would tell of somebody else.
function asksElsewhere({ submission, judged }: Accepted, { destinations }: VersionDeps): boolean {
  return (
    submission.caller.existingRecords === true &&
    judged?.facts.isNhsNumberVerified === true &&
    destinations.some(({ findRecords }) => findRecords !== undefined)
  )
}

function reasonOf(submission: PlainSubmission): string | undefined {
  return submission.kind === 'delete' ? submission.reason : undefined
}

/** Null for a delete. */
function composeBody(submission: PlainSubmission, head: Omit<RecordHead, 'nhsNumber'>): string | null {
  if (submission.kind === 'delete') return null
  const { recordId: id, version, lastUpdated } = head
  return composeStoredBody(submission.payload, 'Immunization', { id, version, lastUpdated })
}

function operationOf({ submission, incoming }: Accepted): DeliveryOperation {
  if (submission.kind === 'delete') return 'delete'
  return incoming.kind === 'new' ? 'create' : incoming.kind === 'correction' ? 'update' : 'reinstate'
}

function statusOf(submission: PlainSubmission, kind: Accepted['incoming']['kind']): number {
  if (submission.kind === 'delete') return 204
  // A POST that corrects (a supplier's setting) makes no new record, one that reinstates does, as at the NHS API.
  return submission.kind === 'create' && kind !== 'correction' ? 201 : 200
}

function takeFingerprint(judged: Judged, submitterOds: string | undefined, rules: VersionRules): EventFingerprint {
  return fingerprintOf(judged.facts, {
    ...(submitterOds === undefined ? {} : { submitterOds }),
    ancestry: rules.ancestry,
    rules: rules.dedup,
    nhsNumberVerified: judged.facts.isNhsNumberVerified
  })
}

export async function knownFingerprint(
  { patientKey, recordId }: Pick<RecordHead, 'patientKey' | 'recordId'>,
  set: WorkingSet
): Promise<EventFingerprint> {
  await set.reach(patientKey, [], [recordId])
  const event = set.eventsOf(patientKey).find((candidate) => candidate.recordId === recordId)
  if (event === undefined) throw new Error(`record ${recordId} has no fingerprint`)
  return event.fingerprint
}

// Intervals and once-per-season look at the patient's other events, which are only known now.
function programmeIssues(judged: Judged, history: ToldElsewhere['history']): Issue[] {
  if (history.length === 0) return judged.issues
  const others = judged.issues.filter(({ layer }) => layer !== 'programme')
  return [...others, ...judged.verdict.judgeAgain(history).issues]
}

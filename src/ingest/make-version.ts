// One new version: its body, its event group, what the supplier is told, and the deliveries that go with it.
import { duplicateIssues } from '../dedup/explain.js'
import type { DedupRules } from '../dedup/dedup-rules.js'
import { fingerprintOf, type EventFingerprint } from '../dedup/fingerprint.js'
import type { ProductAncestry } from '../dedup/product-ancestry.js'
import type { DeliveryOperation } from '../storage/delivery.js'
import type { Wanting } from '../delivery/plan-deliveries.js'
import { sha256 } from '../fhir/content-hash.js'
import { endOfFhirDateTime } from '../fhir/dates.js'
import type { Issue } from '../fhir/issue.js'
import { toOperationOutcome } from '../fhir/operation-outcome.js'
import { composeStoredBody } from '../fhir/stored-body.js'
import type { AuditEntry } from '../storage/audit-store.js'
import type { KnownEvent } from '../storage/event-store.js'
import type { PatientKeys, RecordHead } from '../storage/record-head.js'
import type { VersionWrite } from '../storage/version-writes.js'
import { fanOut } from './fan-out.js'
import { historyBeside } from './history-beside.js'
import { type Judged, programmeNames } from './judge.js'
import { regroupPatient, type Regrouped } from './regroup-patient.js'
import type { PlainSubmission, Verdict } from './submission.js'
import type { WorkingSet } from './working-set.js'

export interface VersionRules {
  dedup: DedupRules
  ancestry: ProductAncestry
}

export interface VersionDeps {
  rules: VersionRules
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
  const known = set.eventsOf(head.patientKey)
  const fingerprint =
    judged === undefined
      ? knownFingerprint(known, head.recordId)
      : takeFingerprint(judged, submission.caller.organisation, deps.rules)
  const regrouped = regroupPatient({ head, fingerprint, known, decisions: set.decisionsOf(head.patientKey) }, deps)
  const issues = tellSupplier(accepted, head.recordId, regrouped, deps)
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
      search: judged === undefined ? null : searchColumns(judged)
    },
    judged === undefined ? (accepted.head?.nhsNumber ?? null) : (judged.facts.nhsNumber ?? null)
  )
  set.setEvents(head.patientKey, regrouped.events)
  set.addGroups(regrouped.groups)
  set.replaceDecisions(head.patientKey, regrouped.grouping.covered, regrouped.decisions)
  const touched = { recordId: head.recordId, ...(judged === undefined ? {} : { facts: judged.facts }) }
  await fanOut({ touched, before: known, after: regrouped.events }, set, deps)
  set.addAudit(auditEntryOf(accepted, head, issues))
  const { recordId, version, lastUpdated } = head
  return {
    status: statusOf(submission, incoming.kind),
    issues,
    record: { recordId, version, lastUpdated, ...(body === null ? {} : { body }) }
  }
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

function tellSupplier(accepted: Accepted, recordId: string, regrouped: Regrouped, deps: VersionDeps): Issue[] {
  const { judged, incoming } = accepted
  return [
    ...(incoming.kind === 'new' ? [] : incoming.issues),
    ...(judged === undefined ? [] : programmeIssues(judged, recordId, regrouped)),
    ...duplicateIssues(recordId, regrouped.grouping, regrouped.records, deps.rules.dedup)
  ]
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

function nextHead(accepted: Accepted, set: WorkingSet, deps: VersionDeps): Omit<RecordHead, 'nhsNumber'> {
  const { submission, judged, head } = accepted
  const lastUpdated = deps.now()
  if (judged === undefined) {
    if (head === undefined) throw new Error('a delete without a stored record')
    const { nhsNumber, ...kept } = head
    return { ...kept, version: head.version + 1, deleted: true, lastUpdated }
  }
  const { facts, hashes } = judged
  return {
    recordId: head?.recordId ?? deps.newId(),
    ...patientOf(facts.nhsNumber, head, set),
    identifierSystem: facts.identifier.system,
    identifierValue: facts.identifier.value,
    owner: head?.owner ?? submission.caller.client,
    vaccineType: judged.vaccineType,
    status: facts.status,
    version: (head?.version ?? 0) + 1,
    deleted: false,
    occurrenceDay: facts.occurrenceDay,
    occurrenceFrom: facts.occurrenceFrom,
    contentSha256: hashes.strict,
    clinicalSha256: hashes.clinical,
    lastUpdated
  }
}

function searchColumns({ facts }: Judged): VersionWrite['search'] {
  const { occurrencePrecision: precision, occurrenceFrom: from, occurrenceDay: londonDay } = facts
  return { occurrenceUntil: endOfFhirDateTime({ precision, from, londonDay }, 1), lotNumber: facts.lotNumber ?? null }
}

// A record stays with its patient, whichever of the patient's numbers it is sent under.
function patientOf(nhsNumber: string | undefined, head: RecordHead | undefined, set: WorkingSet): PatientKeys {
  const named = set.findPatient(nhsNumber)
  if (head === undefined) return named ?? set.addPatient()
  return { patientKey: head.patientKey, numberKey: named?.numberKey ?? head.numberKey }
}

function takeFingerprint(judged: Judged, submitterOds: string | undefined, rules: VersionRules): EventFingerprint {
  return fingerprintOf(judged.facts, {
    ...(submitterOds === undefined ? {} : { submitterOds }),
    ancestry: rules.ancestry,
    rules: rules.dedup,
    nhsNumberVerified: judged.facts.isNhsNumberVerified
  })
}

function knownFingerprint(known: readonly KnownEvent[], recordId: string): EventFingerprint {
  const event = known.find((candidate) => candidate.recordId === recordId)
  if (event === undefined) throw new Error(`record ${recordId} has no fingerprint`)
  return event.fingerprint
}

// Intervals and once-per-season look at the patient's other events, which are only known now.
function programmeIssues(judged: Judged, recordId: string, regrouped: Regrouped): Issue[] {
  const history = historyBeside(recordId, regrouped.events)
  if (history.length === 0) return judged.issues
  const others = judged.issues.filter(({ layer }) => layer !== 'programme')
  return [...others, ...judged.verdict.judgeAgain(history).issues]
}

// Step 2 of the path: is this identifier new, an exact resend, a correction, or something that must be refused? Pure.
import { daysBetween } from '../fhir/dates.js'
import type { Issue } from '../fhir/issue.js'
import type { RecordHead } from '../storage/record-head.js'
import type { Judged } from './judge.js'
import { comparePatient, type PatientChange } from './same-patient.js'
import type { IfMatch, PlainSubmission } from './submission.js'

export type Incoming =
  | { kind: 'new' }
  | { kind: 'correction'; issues: Issue[] }
  | { kind: 'reinstatement'; issues: Issue[] }
  /** To another patient, or to the same one under a number it did not have; `reason`: of the former. */
  | { kind: 'moved'; change: 'other' | 'identified'; issues: Issue[]; reason?: string }
  /** Nothing is written. */
  | { kind: 'resend'; issues: Issue[] }
  /** 409 that wants the changed paths, for which the stored body is needed. */
  | { kind: 'changed'; issues: Issue[] }
  | Refused

export interface Refused {
  kind: 'refused'
  status: number
  issues: Issue[]
  /** Of a record that was sent for another patient: a person is asked whose it is. */
  doubt?: { recordId: string; nhsNumber?: string }
}

/** A date moved by more than this many days makes it another event (deduplication reference, section 2.6). */
const SAME_EVENT_DAYS = 7

/** POST: `head` is the record that has this identifier already, `patientKey` the patient that the number sent leads to. */
export function classifyCreate(
  judged: Judged,
  submission: PlainSubmission,
  head: RecordHead | undefined,
  patientKey: string | undefined
): Incoming {
  if (head === undefined) return { kind: 'new' }
  if (head.owner !== submission.caller.client)
    return refuse(409, 'conflict', 'identifier-of-another', IDENTIFIER_OF_ANOTHER)
  const change = comparePatient(judged, patientKey, head)
  const another = checkSameEvent(judged, head, { isOtherPatient: change === 'other', checkDate: true })
  if (another !== undefined) return refuseAnother(another, change, judged, head)
  if (head.deleted) return change === 'identified' ? identify(head) : reinstate()
  if (judged.hashes.strict.equals(head.contentSha256))
    return { kind: 'resend', issues: [resendIssue('exact-resend', 'this was received before; nothing was written')] }
  if (judged.hashes.clinical.equals(head.clinicalSha256)) {
    const text = 'this was received before and differs only in recorded or in display texts; nothing was written'
    return { kind: 'resend', issues: [resendIssue('equivalent-resend', text)] }
  }
  if (submission.caller.changedResend === 'correct')
    return change === 'identified' ? identify(head) : { kind: 'correction', issues: [] }
  return { kind: 'changed', issues: [changedIssue(head)] }
}

/** PUT: `head` is the record of the path, undefined when it is unknown. */
export function classifyUpdate(
  judged: Judged,
  submission: Extract<PlainSubmission, { kind: 'update' }>,
  head: RecordHead | undefined,
  patientKey: string | undefined
): Incoming {
  if (head?.owner !== submission.caller.client) return refuseUnknown()
  const { system, value } = judged.facts.identifier
  if (system !== head.identifierSystem || value !== head.identifierValue)
    return refuse(422, 'business-rule', 'identifier-changed', IDENTIFIER_CHANGED, 'Immunization.identifier[0]')
  if (isStale(submission.ifMatch, head)) return refuseStale(head)
  const change = comparePatient(judged, patientKey, head)
  const isAsked = submission.patientCorrection !== undefined
  const another = checkSameEvent(judged, head, { isOtherPatient: change === 'other' && !isAsked, checkDate: false })
  if (another !== undefined) return refuseAnother(another, change, judged, head)
  if (change === 'other') return movePatient(submission, judged, head)
  if (change === 'identified') return identify(head)
  if (head.deleted) return reinstate()
  if (judged.hashes.strict.equals(head.contentSha256))
    return {
      kind: 'resend',
      issues: [resendIssue('unchanged', 'this is what is stored already; no new version was made')]
    }
  return { kind: 'correction', issues: [] }
}

/** DELETE: `resend` means that it is deleted already. */
export function classifyDelete(
  submission: Extract<PlainSubmission, { kind: 'delete' }>,
  head: RecordHead | undefined
): Incoming {
  if (head?.owner !== submission.caller.client) return refuseUnknown()
  if (head.deleted) return { kind: 'resend', issues: [] }
  if (isStale(submission.ifMatch ?? '*', head)) return refuseStale(head)
  return { kind: 'correction', issues: [] }
}

/** True when none of the versions that the sender knows is the current one. */
export function isStale(ifMatch: IfMatch, head: RecordHead): boolean {
  return ifMatch !== '*' && !ifMatch.includes(head.version)
}

export function refuseUnknown(): Refused {
  return refuse(404, 'not-found', 'unknown-record', UNKNOWN_RECORD)
}

export const IDENTIFIER_OF_ANOTHER =
  'another client has sent this identifier; identifiers are unique over all suppliers: use a system of your own'
const IDENTIFIER_CHANGED =
  'identifier differs from the stored record; an identifier never changes: delete this record and create another'
const UNKNOWN_RECORD = 'no such Immunization of this client; check the id'

function reinstate(): Incoming {
  return { kind: 'reinstatement', issues: [reinstated()] }
}

function reinstated(): Issue {
  const text = 'this identifier was deleted; the record is reinstated as its next version'
  return { severity: 'warning', code: 'business-rule', layer: 'identity', rule: 'reinstated', text }
}

function refuseAnother(issue: Issue, change: PatientChange, judged: Judged, head: RecordHead): Refused {
  const refused: Refused = { kind: 'refused', status: 409, issues: [issue] }
  return change === 'other' ? { ...refused, doubt: doubtOf(judged, head) } : refused
}

export function doubtOf({ facts }: Judged, { recordId }: RecordHead): NonNullable<Refused['doubt']> {
  return { recordId, ...(facts.nhsNumber === undefined ? {} : { nhsNumber: facts.nhsNumber }) }
}

function movePatient(
  { caller, patientCorrection }: Extract<PlainSubmission, { kind: 'update' }>,
  judged: Judged,
  head: RecordHead
): Incoming {
  if (caller.patientCorrections !== true)
    return {
      ...refuse(403, 'forbidden', 'patient-correction-not-permitted', CORRECTION_NOT_PERMITTED),
      doubt: doubtOf(judged, head)
    }
  const text =
    'the record was filed under the wrong patient and has moved to this one: deleted there as one version, reinstated ' +
    'here as the next; send the last in If-Match'
  return {
    kind: 'moved',
    change: 'other',
    issues: [{ severity: 'warning', code: 'business-rule', layer: 'identity', rule: 'patient-corrected', text }],
    ...(patientCorrection === undefined ? {} : { reason: patientCorrection })
  }
}

function identify(head: RecordHead): Incoming {
  const text = 'the patient of this record had no NHS number and has this one now'
  const issue: Issue = {
    severity: 'information',
    code: 'informational',
    layer: 'identity',
    rule: 'patient-identified',
    text
  }
  return { kind: 'moved', change: 'identified', issues: head.deleted ? [reinstated(), issue] : [issue] }
}

const CORRECTION_NOT_PERMITTED =
  'this client may not move records to another patient; ask the operator of the Hub to grant it (patient_corrections)'

export function refuseStale(head: RecordHead): Refused {
  const text = `the record is at version ${head.version}; read it, apply the change to that version and send If-Match: W/"${head.version}"`
  return refuse(412, 'conflict', 'version-stale', text)
}

// Another patient or other diseases cannot be the same vaccination; on a POST a date far away cannot either.
function checkSameEvent(
  judged: Judged,
  head: RecordHead,
  { isOtherPatient, checkDate }: { isOtherPatient: boolean; checkDate: boolean }
): Issue | undefined {
  const expression: string[] = []
  if (isOtherPatient) expression.push('Immunization.patient')
  if (judged.vaccineType !== head.vaccineType) expression.push('Immunization.protocolApplied[0].targetDisease')
  if (checkDate && Math.abs(daysBetween(head.occurrenceDay, judged.facts.occurrenceDay)) > SAME_EVENT_DAYS)
    expression.push('Immunization.occurrenceDateTime')
  if (expression.length === 0) return undefined
  return {
    severity: 'error',
    code: 'conflict',
    layer: 'identity',
    rule: 'identity-change',
    text:
      `Immunization/${head.recordId} has this identifier but is another vaccination (see expression); delete it, then ` +
      `create this one under an identifier of its own${isOtherPatient ? WRONG_PATIENT : ''}`,
    expression
  }
}

const WRONG_PATIENT =
  '; if it was filed under the wrong patient, PUT it with the header X-Patient-Correction and the reason'

function changedIssue(head: RecordHead): Issue {
  return {
    severity: 'error',
    code: 'conflict',
    layer: 'identity',
    rule: 'same-identifier-changed-content',
    text:
      `Immunization/${head.recordId} has this identifier and other content; to correct it, ` +
      `PUT it with If-Match: W/"${head.version}"`
  }
}

function resendIssue(rule: string, text: string): Issue {
  return { severity: 'information', code: 'duplicate', layer: 'identity', rule, text }
}

export function refuse(status: number, code: Issue['code'], rule: string, text: string, expression?: string): Refused {
  const issue: Issue = { severity: 'error', code, layer: 'identity', rule, text }
  return {
    kind: 'refused',
    status,
    issues: [expression === undefined ? issue : { ...issue, expression: [expression] }]
  }
}

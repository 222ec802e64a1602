// What a person is asked about records as FHIR R4 Task: what, why, and what was decided.
import type { Reference, Task } from 'fhir/r4.js'
import { CLIENT_SYSTEM, HUB_CODE_SYSTEM, PATIENT_KEY_SYSTEM } from '../fhir/identifier-systems.js'
import type { ResourceFilter, ResourceStore } from '../storage/resource-query.js'
import type { ReviewRow, ReviewSide } from '../storage/review-source.js'
import {
  codeParameter,
  idParameter,
  instantParameter,
  lastUpdatedParameter,
  PATIENT_PARAMETER,
  recordParameter
} from './resource-parameters.js'
import type { ResourceKind } from './resource-reads.js'
import { RECORD_ID } from './search-demand.js'

/** http://hl7.org/fhir/R4/valueset-task-status.html */
const TASK_STATUSES = [
  'draft',
  'requested',
  'received',
  'accepted',
  'rejected',
  'ready',
  'cancelled',
  'in-progress',
  'on-hold',
  'failed',
  'completed',
  'entered-in-error'
]

export function reviewKind(rows: ResourceStore<ReviewRow>): ResourceKind<ResourceFilter, ReviewRow> {
  return {
    type: 'Task',
    documentation:
      'Reviews of possible duplicates: requested while a person is to look, completed once a reviewer has decided, ' +
      'in-progress while one of the records is to be moved from the wrong patient. A record that a refused submission ' +
      'put under another patient has a Task as well (possible-wrong-patient), and so has one that a register may hold from others, both for staff alone. Seen by staff (ops/read) and by the client that sent one of the two records; the other record is named only where it ' +
      'comes from the same client or organisation. A pair that is no longer in doubt has no Task.',
    byVaccineType: false,
    id: RECORD_ID,
    parameters: [
      idParameter(RECORD_ID),
      codeParameter('status', 'Task-status', { system: 'http://hl7.org/fhir/task-status', codes: TASK_STATUSES }),
      recordParameter('focus', 'Task-focus', 'Either of the two records', 'any'),
      instantParameter('authored-on', 'Task-authored-on', 'When the question was raised'),
      PATIENT_PARAMETER,
      lastUpdatedParameter('When it was last judged or decided')
    ],
    rows,
    write: (row, { ops }) => JSON.stringify(toTask(row, ops))
  }
}

const REMARKS: Partial<Record<ReviewRow['state'], string>> = {
  outdated: 'Decided, and in force; one of the records was corrected since: look again',
  'wrong-patient': 'One of the records is about another person; whoever sent it corrects its patient or deletes it'
}

const CODES: Record<ReviewRow['kind'], { code: string; text: string }> = {
  pair: { code: 'review-possible-duplicate', text: 'Are these two records one vaccination?' },
  elsewhere: { code: 'review-possible-duplicate', text: 'Is the record elsewhere this vaccination?' },
  patient: { code: 'possible-wrong-patient', text: 'Is this record filed under the wrong patient?' }
}

/** `ops`: staff also learn who decided, and which Tasks are of one patient. */
export function toTask(row: ReviewRow, ops: boolean): Task {
  const isOpen = row.state === 'open'
  const remark = REMARKS[row.state]
  // The later of the two is what the question is about; ids rise with time.
  const sides = [row.first, ...(row.second === null ? [] : [row.second])]
  const focus = sides.findLast(({ known }) => known)
  const { code, text } = CODES[row.kind]
  return {
    resourceType: 'Task',
    id: row.id,
    meta: { versionId: String(row.version), lastUpdated: row.lastUpdated.toISOString() },
    status: isOpen ? 'requested' : row.state === 'wrong-patient' ? 'in-progress' : 'completed',
    ...(remark === undefined ? {} : { businessStatus: { text: remark } }),
    intent: 'order',
    code: { coding: [{ system: HUB_CODE_SYSTEM, code }], text },
    ...(focus === undefined ? {} : { focus: referTo(focus) }),
    ...(ops && row.patientKey !== null ? { for: patientOf(row.patientKey) } : {}),
    authoredOn: row.openedAt.toISOString(),
    lastModified: row.decidedAt.toISOString(),
    requester: hub(),
    ...(ops && !isOpen ? { owner: { type: 'Practitioner', identifier: clientOf(row.decidedBy) } } : {}),
    reasonCode: reasonOf(row),
    input: [
      ...sides.map((side) => ({ type: { text: 'record' }, valueReference: referTo(side) })),
      ...(row.elsewhere === null
        ? []
        : [{ type: { text: 'record elsewhere' }, valueReference: heldBy(row.elsewhere) }]),
      ...(row.proposedKey === null
        ? []
        : [{ type: { text: 'proposed patient' }, valueReference: patientOf(row.proposedKey) }])
    ],
    ...(isOpen ? {} : { output: [{ type: { text: 'decision' }, valueCode: row.choice ?? row.outcome }] })
  }
}

/** `rules=dedup-1.0.0; rule=score; score=55; date+20; antigen+15`, as suppliers are told. Never a patient's data. */
function reasonOf({ kind, rulesVersion, rule, score, features }: ReviewRow): NonNullable<Task['reasonCode']> {
  if (kind === 'patient') {
    const text = 'A submission put this record under another patient, or under none, and was refused'
    return { coding: [{ system: HUB_CODE_SYSTEM, code: rule }], text }
  }
  const points = Object.entries(features).map(([feature, value]) => `${feature}${value > 0 ? '+' : ''}${value}`)
  const text = [`rules=${rulesVersion}`, `rule=${rule}`, `score=${score}`, ...points].join('; ')
  return { coding: [{ system: HUB_CODE_SYSTEM, code: `dedup-${rule}` }], text }
}

function referTo({ recordId, known }: ReviewSide): Reference {
  if (known) return { reference: `Immunization/${recordId}`, type: 'Immunization' }
  return { type: 'Immunization', display: 'A record of another organisation' }
}

// It cannot be read here: whoever holds it knows it by its identifier.
function heldBy({ source, system, value }: NonNullable<ReviewRow['elsewhere']>): Reference {
  return { type: 'Immunization', identifier: { system, value }, display: `External: held by ${source}, read-only` }
}

function hub(): Reference {
  return { type: 'Organization', identifier: clientOf('service'), display: 'Immunisation Hub' }
}

function clientOf(value: string): Reference['identifier'] {
  return { system: CLIENT_SYSTEM, value }
}

function patientOf(patientKey: string): Reference {
  return { type: 'Patient', identifier: { system: PATIENT_KEY_SYSTEM, value: patientKey } }
}

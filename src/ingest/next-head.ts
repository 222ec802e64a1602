// The head of a record after its next version, and what it is found by.
import type { RecordHead, PatientKeys } from '../storage/record-head.js'
import { endOfFhirDateTime } from '../fhir/dates.js'
import type { VersionWrite } from '../storage/version-writes.js'
import type { InBlock } from './block-records.js'
import type { Judged } from './judge.js'
import type { PlainSubmission } from './submission.js'
import type { WorkingSet } from './working-set.js'

interface Settled {
  submission: PlainSubmission
  /** Undefined for a delete. */
  judged: Judged | undefined
  /** Undefined for a new record. */
  head: RecordHead | undefined
}

export function nextHead(
  accepted: Settled,
  set: WorkingSet,
  deps: { now: () => Date; newId: () => string }
): Omit<RecordHead, 'nhsNumber'> {
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

// A record stays with its patient, whichever of the patient's numbers it is sent under.
function patientOf(nhsNumber: string | undefined, head: RecordHead | undefined, set: WorkingSet): PatientKeys {
  const named = set.findPatient(nhsNumber)
  if (head === undefined) return named ?? set.addPatient()
  return { patientKey: head.patientKey, numberKey: named?.numberKey ?? head.numberKey }
}

export function searchColumns({ facts }: Judged): VersionWrite['search'] {
  const { occurrencePrecision: precision, occurrenceFrom: from, occurrenceDay: londonDay } = facts
  return { occurrenceUntil: endOfFhirDateTime({ precision, from, londonDay }, 1), lotNumber: facts.lotNumber ?? null }
}

export function blockColumns({ facts }: Judged, inBlock: InBlock | undefined): VersionWrite['block'] {
  return { key: inBlock?.blockKey, isIdentified: facts.isNhsNumberVerified }
}

// What the NHS Immunisation FHIR API holds of a patient, read with care: it is somebody else's, and about to stand beside
// our own. Source: sections 1.8, 1.9 and 4.7 of reference/nhs-immunisation-fhir-api.md.
import type { Bundle, FhirResource, Immunization } from 'fhir/r4.js'
import { readImmunizationFacts } from '../../fhir/immunization.js'
import type { VaccineType } from '../../fhir/vaccine-types.js'
import type { RecordSearch } from '../destination.js'
import type { FhirAnswer } from '../transport/fhir-client.js'
import type { CallTrace } from '../transport/http-destination.js'
import { createRedactor } from '../transport/receiver-text.js'
import { outcomeOfApiResult } from './api-outcome.js'
import type { ImmunizationApi } from './immunization-api.js'

interface Asked {
  nhsNumber: string
  vaccineType: VaccineType
}

/** Nobody has so many of one vaccine type. */
const MOST_RECORDS = 500

/** Of a patient nothing but the number is known here, and that is masked in any text. */
const redact = createRedactor({ resourceType: 'Immunization', status: 'completed', vaccineCode: {}, patient: {} })

export async function findRecords(
  asked: Asked,
  deps: {
    api: Pick<ImmunizationApi, 'findByPatient'>
    permissions?: string[]
    trace: CallTrace
    now: () => Date
  }
): Promise<RecordSearch> {
  const { api, permissions, trace, now } = deps
  const { nhsNumber, vaccineType } = asked
  if (permissions?.some((entry) => isGranted(entry, vaccineType)) === false)
    return { kind: 'refused', message: `its permissions do not name ${vaccineType}.S` }
  const result = await api.findByPatient(nhsNumber, vaccineType, trace)
  if (result.kind === 'answer' && result.answer.status === 200) return readAnswer(result.answer, asked)
  const outcome = outcomeOfApiResult(result, false, redact, now())
  if (outcome.kind === 'delivered' || outcome.kind === 'not-needed') throw new Error('a search that failed was done')
  return outcome
}

function isGranted(entry: string, vaccineType: VaccineType): boolean {
  const [type, letters = ''] = entry.split('.')
  return type === vaccineType && letters.includes('S')
}

function readAnswer({ resource, isComplete }: FhirAnswer, asked: Asked): RecordSearch {
  const entries = resource?.resourceType === 'Bundle' ? (resource as { entry?: unknown }).entry : undefined
  if (!isComplete || !Array.isArray(entries))
    return { kind: 'unavailable', ambiguous: false, status: 200, message: 'its answer is no searchset' }
  const resources = (entries as (NonNullable<Bundle<FhirResource>['entry']>[number] | null)[]).map(
    (entry) => entry?.resource
  )
  if (resources.some((one) => one?.resourceType === 'OperationOutcome' && isNarrowed(one.issue)))
    return { kind: 'refused', status: 200, message: 'it answered a narrower search than was asked' }
  const found = resources.filter((one): one is Immunization => one?.resourceType === 'Immunization')
  if (found.length > MOST_RECORDS)
    return { kind: 'refused', status: 200, message: `it answered more than ${MOST_RECORDS} records` }
  const search: Extract<RecordSearch, { kind: 'found' }> = { kind: 'found', records: [], foreign: 0, unreadable: 0 }
  for (const one of found) {
    const facts = readFacts(one)
    if (facts === undefined || one.id === undefined || facts.vaccineType !== asked.vaccineType) search.unreadable++
    else if (facts.nhsNumber !== asked.nhsNumber) search.foreign++
    else search.records.push({ remoteId: one.id, facts })
  }
  return search
}

// It tells with 200 that a type was left out; taken for an answer, that would read as: there is nothing.
function isNarrowed(issues: readonly { severity: string; code: string }[] | undefined): boolean {
  return (issues ?? []).some(({ severity, code }) => ['error', 'fatal'].includes(severity) || code === 'unauthorized')
}

// Nobody has judged it, so any element may have any shape.
function readFacts(resource: Immunization): ReturnType<typeof readImmunizationFacts> | undefined {
  try {
    const facts = readImmunizationFacts(resource)
    const { identifier, occurrenceDay, status } = facts
    const isPlaced = [identifier.system, identifier.value].every((text) => typeof text === 'string' && text !== '')
    return isPlaced && occurrenceDay !== '' && status === 'completed' ? facts : undefined
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

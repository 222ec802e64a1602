// Which of a patient's vaccinations count, and what comes next: from the records kept, or from those a caller hands in.
// It informs and does not decide, and says so in every answer.
import type { Immunization, OperationOutcome, Parameters, Patient, Reference } from 'fhir/r4.js'
import { permittedTypes, type Caller } from '../fhir/caller.js'
import { NHS_NUMBER_SYSTEM } from '../fhir/identifier-systems.js'
import type { Issue } from '../fhir/issue.js'
import { FhirError, toOperationOutcome } from '../fhir/operation-outcome.js'
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import { createCourses, type Courses } from '../programmes/course/assess-courses.js'
import type { CourseEvent, Person } from '../programmes/course/course.js'
import type { Programme } from '../programmes/programme.js'
import type { HistoryStore } from '../storage/history-store.js'
import { unlessDatabaseIsDown } from './history.js'
import type { ReadNote } from './read-audit.js'
import { readEvidence, type Evidence } from './status-evidence.js'
import { writeEvaluation, writeRecommendation } from './write-status.js'

export interface StatusQuestion {
  /** YYYY-MM-DD */
  at: string
  /** What the caller knows of the patient: PREGNANT, RISK_GROUP ... */
  flags: Person['flags']
}

/** What a caller hands in; all of it valid base R4. */
export interface GivenRecords {
  patient: Patient
  immunizations: readonly Immunization[]
}

export interface ImmunizationStatus {
  /**
   * Of the records kept, as far as the caller may read their vaccine types. A patient nobody knows and one of whom the
   * caller may read nothing are answered alike.
   * @throws FhirError 403 for a caller who may read no vaccine type, 422 for a history too long to be judged
   */
  ofKept(caller: Caller, nhsNumber: string, question: StatusQuestion): Promise<Parameters>
  /** Of what is handed in; nothing is looked up and nothing is kept. */
  ofGiven(given: GivenRecords, question: StatusQuestion): Parameters
}

export interface ImmunizationStatusDeps {
  store: Pick<HistoryStore, 'findRecords'>
  /** The set in force. */
  rules: { readonly version: string; readonly programmeFiles: readonly Programme[] }
  /** Told of every read, for the audit trail. */
  note?: (note: ReadNote) => void
}

/** Judged together, and each beside the others: a lifetime has about sixty. */
export const MOST_EVENTS = 500

export function createImmunizationStatus({
  store,
  rules,
  note = () => undefined
}: ImmunizationStatusDeps): ImmunizationStatus {
  const coursesInForce = createCoursesInForce()

  const answer = (
    evidence: Evidence,
    about: About,
    question: StatusQuestion,
    remarks: readonly Issue[]
  ): Parameters => {
    // Both from one set: another may come into force in between.
    const { version, programmeFiles } = rules
    const { at } = question
    const shown = coursesInForce(programmeFiles).assess(evidence.person, evidence.events, at)
    const isShown = (programme: Programme | undefined): boolean =>
      programme === undefined || about.vaccineTypes.includes(programme.vaccineType)
    const evaluations = shown.evaluations.filter(({ programme }) => isShown(programme))
    const forecasts = shown.forecasts.filter(({ programme }) => isShown(programme))
    const eventOf = new Map(evidence.events.map((event) => [event.id, event]))
    const recommendation = writeRecommendation(forecasts, about.patient, at)
    const outcome = toOperationOutcome([
      informsOnly(version),
      ...remarks,
      ...evidence.remarks,
      ...(recommendation === undefined ? [NO_PROGRAMME] : [])
    ])
    return toParameters({
      evaluation: evaluations.map((evaluation) =>
        writeEvaluation(evaluation, {
          patient: about.patient,
          event: about.referTo(evaluation.event),
          antigens: eventOf.get(evaluation.event)?.antigens ?? [],
          at
        })
      ),
      recommendation: recommendation === undefined ? [] : [recommendation],
      outcome
    })
  }

  return {
    ofKept: (caller, nhsNumber, question) =>
      unlessDatabaseIsDown(async () => {
        const vaccineTypes = permittedTypes(caller, 'R')
        if (vaccineTypes.length === 0) throw nothingPermitted()
        const { records } = await store.findRecords({
          vaccineTypes,
          patient: { nhsNumber },
          filters: [],
          survivorsOnly: true,
          order: [{ by: 'occurrence', descending: false }],
          limit: MOST_EVENTS + 1
        })
        const [first] = records
        note({
          actor: caller.client,
          type: 'immunization',
          interaction: 'search-type',
          ...(first === undefined ? {} : { patientKey: first.patientKey }),
          detail: { found: records.length, operation: 'immunization-status' }
        })
        if (records.length > MOST_EVENTS) throw tooLong()
        const read = records.map(({ recordId, body }) => ({ id: recordId, resource: JSON.parse(body) as Immunization }))
        const about: About = {
          vaccineTypes,
          patient: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: nhsNumber } },
          referTo: (id) => ({ reference: `Immunization/${id}` })
        }
        const remarks = [...narrowedTo(vaccineTypes), ...(records.length === 0 ? [NO_RECORDS] : [])]
        return answer(readEvidence(read, question.flags), about, question, remarks)
      }),
    ofGiven(given, question) {
      const read = given.immunizations.map((resource, index) => ({ id: String(index), resource }))
      const about: About = {
        vaccineTypes: ALL_TYPES,
        patient: referToPatient(given.patient),
        referTo: (id) => referToGiven(given.immunizations[Number(id)], Number(id))
      }
      return answer(readEvidence(read, question.flags, given.patient.birthDate), about, question, [])
    }
  }
}

interface About {
  vaccineTypes: readonly VaccineType[]
  patient: Reference
  referTo: (eventId: CourseEvent['id']) => Reference
}

const ALL_TYPES = Object.keys(VACCINE_TYPES) as VaccineType[]

/** Compiled once for each set that comes into force. */
export function createCoursesInForce(): (files: readonly Programme[]) => Courses {
  let compiled: { files: readonly Programme[]; courses: Courses } | undefined
  return (files) => {
    if (compiled?.files !== files) compiled = { files, courses: createCourses(files) }
    return compiled.courses
  }
}

function toParameters(parts: {
  evaluation: NonNullable<Parameters['parameter']>[number]['resource'][]
  recommendation: NonNullable<Parameters['parameter']>[number]['resource'][]
  outcome: OperationOutcome
}): Parameters {
  const named = (name: string, resources: readonly NonNullable<Parameters['parameter']>[number]['resource'][]) =>
    resources.flatMap((resource) => (resource === undefined ? [] : [{ name, resource }]))
  return {
    resourceType: 'Parameters',
    parameter: [
      ...named('evaluation', parts.evaluation),
      ...named('recommendation', parts.recommendation),
      ...named('outcome', [parts.outcome])
    ]
  }
}

function referToPatient({ id, identifier }: Patient): Reference {
  if (id !== undefined) return { reference: `Patient/${id}` }
  const [known] = identifier ?? []
  return known === undefined ? { display: 'the patient of the request' } : { type: 'Patient', identifier: known }
}

function referToGiven(resource: Immunization | undefined, index: number): Reference {
  if (resource?.id !== undefined) return { reference: `Immunization/${resource.id}` }
  const [known] = resource?.identifier ?? []
  return known === undefined
    ? { display: `immunization ${index + 1} of the request` }
    : { type: 'Immunization', identifier: known }
}

function informsOnly(version: string): Issue {
  return {
    severity: 'information',
    code: 'informational',
    layer: 'service',
    rule: 'status-informs-only',
    text: 'computed from programme files and the records at hand; it informs and does not decide: who vaccinates checks the patient, the record and the guidance in force',
    diagnostics: `programme rules ${version}`
  }
}

// Said whenever it could matter, whether or not anything was left out: silence would tell that nothing was.
function narrowedTo(vaccineTypes: readonly VaccineType[]): Issue[] {
  if (vaccineTypes.length === ALL_TYPES.length) return []
  const text = `only vaccine types that this client may read were looked at, so doses may be missing: ${vaccineTypes.join(', ')}`
  return [{ severity: 'warning', code: 'security', layer: 'service', rule: 'narrowed-to-permitted-types', text }]
}

const NO_RECORDS: Issue = {
  severity: 'information',
  code: 'not-found',
  layer: 'service',
  rule: 'status-no-records',
  text: 'there is no record of this patient that this client may read; that is no sign that nothing was given'
}

const NO_PROGRAMME: Issue = {
  severity: 'warning',
  code: 'business-rule',
  layer: 'service',
  rule: 'status-no-programme',
  text: 'no programme that this client may read is in force on this day, so there is no recommendation'
}

function nothingPermitted(): FhirError {
  const text =
    'this client may read no vaccine type (a permission such as FLU.R); ask the operator of the Hub to grant it'
  return new FhirError(403, [
    { severity: 'error', code: 'forbidden', layer: 'service', rule: 'permission-missing', text }
  ])
}

function tooLong(): FhirError {
  const text = `more than ${MOST_EVENTS} vaccinations are kept of this patient, too many to be one person's; ask the operator of the Hub to look`
  return new FhirError(422, [
    { severity: 'error', code: 'too-costly', layer: 'service', rule: 'status-too-many-events', text }
  ])
}

// $immunization-status and $immds-forecast of Patient: which vaccinations count and what comes next. POST keeps the NHS number
// out of URLs, and so out of the logs of every proxy on the way.
import type { OperationDefinitionParameter } from 'fhir/r4.js'
import { londonDayOf } from '../fhir/dates.js'
import type { ImmunizationStatus } from '../history/immunization-status.js'
import type { Preview } from '../ingest/preview.js'
import type { Programme } from '../programmes/programme.js'
import { sendFhir } from './answer.js'
import { FHIR_JSON } from './immunization-writes.js'
import { callerOf, FHIR_BASE, type Operation, type Route, type ServedResource } from './route.js'
import { readStatusRequest } from './status-request.js'

export interface PatientStatusDeps {
  status: ImmunizationStatus
  /** The set in force. */
  rules: { readonly programmeFiles: readonly Programme[] }
  preview: Pick<Preview, 'judgeByProfile'>
  now: () => Date
}

/** `base()`: absolute, as in https://hub.example/FHIR/R4. */
export function patientStatus(deps: PatientStatusDeps, base: () => string): Route[] {
  return [...routesOf(immunizationStatusOperation(base), false, deps), ...routesOf(IMMDS_FORECAST, true, deps)]
}

/** What /metadata says of Patient. */
export const PATIENT_RESOURCE: ServedResource = {
  type: 'Patient',
  documentation:
    'The Hub keeps no Patients. Operations tell which vaccinations of a patient count and what comes next; they inform and ' +
    'do not decide. POST them: an NHS number does not belong in a URL.',
  searchParam: []
}

function routesOf(operation: Operation, takesRecords: boolean, deps: PatientStatusDeps): Route[] {
  const handle: Route['handle'] = async (request, reply) => {
    const asked = readStatusRequest(request, {
      today: londonDayOf(deps.now()),
      flags: flagsOf(deps.rules.programmeFiles),
      takesRecords,
      judge: (resource, profile) => deps.preview.judgeByProfile(resource, profile)
    })
    const answer =
      'given' in asked
        ? deps.status.ofGiven(asked.given, asked.question)
        : await deps.status.ofKept(callerOf(request), asked.nhsNumber, asked.question)
    return sendFhir(request, reply.header('cache-control', 'no-store'), JSON.stringify(answer))
  }
  const common = {
    path: `${FHIR_BASE}/Patient/$${operation.name}`,
    access: 'system/Immunization.r',
    surface: 'fhir',
    resource: 'Patient',
    operation,
    handle
  } as const
  return [
    { ...common, method: 'GET' },
    { ...common, method: 'POST', accepts: [...FHIR_JSON, 'application/x-www-form-urlencoded'] }
  ]
}

function flagsOf(programmes: readonly Programme[]): Set<string> {
  const criteria = programmes.flatMap(({ cohorts = [] }) =>
    cohorts.flatMap(({ all = [], any = [] }) => [...all, ...any])
  )
  return new Set(criteria.flatMap(({ flag }) => flag ?? []))
}

const QUESTION: readonly OperationDefinitionParameter[] = [
  {
    name: 'assessmentDate',
    use: 'in',
    min: 0,
    max: '1',
    type: 'date',
    documentation: 'Day for which is asked; today when left out. What was given later is left out.'
  },
  {
    name: 'flag',
    use: 'in',
    min: 0,
    max: '*',
    type: 'code',
    documentation: 'What is true of the patient and stands in no record: PREGNANT, RISK_GROUP and others of the files.'
  },
  { name: 'flagAbsent', use: 'in', min: 0, max: '*', type: 'code', documentation: 'What is not true of the patient.' }
]

const ANSWER: readonly OperationDefinitionParameter[] = [
  {
    name: 'evaluation',
    use: 'out',
    min: 0,
    max: '*',
    type: 'ImmunizationEvaluation',
    documentation: 'Whether a dose counts, and why not; one for each course that it is a dose of.'
  },
  {
    name: 'recommendation',
    use: 'out',
    min: 0,
    max: '1',
    type: 'ImmunizationRecommendation',
    documentation: 'What comes next, one entry for each programme in force; left out when there is none.'
  },
  {
    name: 'outcome',
    use: 'out',
    min: 1,
    max: '1',
    type: 'OperationOutcome',
    documentation: 'That it informs and does not decide, the version of the rules, and what was missing.'
  }
]

const DOCUMENTATION =
  'Which vaccinations count and what comes next, by the programme files in force. It informs and does not decide.'

const identifier = (min: number): OperationDefinitionParameter => ({
  name: 'identifier',
  use: 'in',
  min,
  max: '1',
  type: 'Identifier',
  documentation: 'NHS number (https://fhir.nhs.uk/Id/nhs-number|...) of the patient whose records are looked up.'
})

function immunizationStatusOperation(base: () => string): Operation {
  return {
    name: 'immunization-status',
    // Known when the service listens.
    get definition() {
      return `${base()}/OperationDefinition/Patient-immunization-status`
    },
    documentation: DOCUMENTATION,
    affectsState: false,
    parameter: [identifier(1), ...QUESTION, ...ANSWER]
  }
}

const IMMDS_FORECAST: Operation = {
  name: 'immds-forecast',
  definition: 'http://hl7.org/fhir/us/immds/OperationDefinition/immds-forecast',
  documentation: `${DOCUMENTATION} Records that are handed in are judged alone: nothing is looked up and nothing is kept.`,
  affectsState: false,
  parameter: [
    identifier(0),
    { name: 'patient', use: 'in', min: 0, max: '1', type: 'Patient', documentation: 'Whose records are handed in.' },
    { name: 'immunization', use: 'in', min: 0, max: '*', type: 'Immunization', documentation: 'A record handed in.' },
    ...QUESTION,
    ...ANSWER
  ]
}

// What a search asks for, decided before anything is looked up. Pure.
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { RecordFilter } from '../storage/record-filter.js'
import { readResultParameters, RESULT_PARAMETERS, type ResultParameters } from './result-parameters.js'
import type { Demand, DemandContext } from './search-demand.js'
import { searchFault } from './search-fault.js'
import { namesOf, SEARCH_PARAMETERS, type SearchParameter } from './search-parameters.js'
import { splitAlternatives } from './search-value.js'

/** One name and value of a query string or form, decoded. */
export interface Parameter {
  name: string
  value: string
}

type Patient = Extract<Demand, { kind: 'patient' }>['patient']

/** `count`: matches on one page; 0 for the total alone. */
export interface SearchPlan extends Omit<ResultParameters, 'alternates'> {
  patient?: Patient
  filters: RecordFilter[]
  survivorsOnly: boolean
  /** Every record of an event is shown: each says what it is beside the others. */
  withRoles: boolean
  /** The parameters that were used, as sent, in the order sent: what the self link says. */
  used: Parameter[]
  /** Names that were ignored, because the caller asked for lenient handling. */
  ignored: string[]
}

export interface PlanOptions extends DemandContext {
  lenient: boolean
  /** Whose records, where a page link stands for what named the patient. */
  patientKey?: string
}

const MAX_PARAMETERS = 50
const MAX_ALTERNATIVES = 100
const MAX_VALUE_LENGTH = 8192

/**
 * Plans a search for one page from its start.
 * @throws FhirError 400 with every fault of the parameters at once
 */
export function planSearch(parameters: readonly Parameter[], options: PlanOptions): SearchPlan {
  const faults: Issue[] = []
  if (parameters.length > MAX_PARAMETERS)
    throw new FhirError(400, [
      searchFault('too-long', 'search-too-many-parameters', `a search has at most ${MAX_PARAMETERS} parameters`)
    ])
  const { known, ignored } = sortOut(parameters, options.lenient, faults)
  const { patient, filters } = readDemands(known, options, faults)
  const { alternates, ...result } = readResultParameters(known, faults)
  const who = options.patientKey === undefined ? patient : { patientKey: options.patientKey }
  const named = filters.some(namesRecords)
  if (faults.length === 0 && who === undefined && !named) faults.push(NOTHING_NAMED)
  if (faults.length > 0) throw new FhirError(400, faults)
  return {
    ...result,
    ...(who === undefined ? {} : { patient: who }),
    filters,
    // Whoever names a record wants that record; whoever names a patient wants each vaccination once.
    survivorsOnly: !named && !alternates,
    withRoles: alternates,
    used: known,
    ignored
  }
}

/** True for the parameters that name a patient: a page link has the patient's key instead. */
export function namesPatient(name: string): boolean {
  return name === 'patient.identifier' || name === 'patient' || name === 'patient:identifier'
}

const SERVED = [...SEARCH_PARAMETERS, ...RESULT_PARAMETERS].map(({ name }) => name)

const NOTHING_NAMED = searchFault(
  'too-costly',
  'search-too-wide',
  'a search names patient.identifier, patient, identifier ({system}|{value}) or _id; add one of them'
)

function namesRecords(filter: RecordFilter): boolean {
  if (filter.kind === 'record-id') return true
  return (
    filter.kind === 'identifier' && filter.anyOf.every(({ system, code }) => system !== undefined && code !== undefined)
  )
}

function sortOut(
  parameters: readonly Parameter[],
  lenient: boolean,
  faults: Issue[]
): { known: Parameter[]; ignored: string[] } {
  const known: Parameter[] = []
  const ignored: string[] = []
  for (const parameter of parameters) {
    const { name, value } = parameter
    const [base, modifier] = splitName(name)
    const served = SEARCH_PARAMETERS.find((one) => one.name === base)
    const modifiers: readonly string[] = served?.modifiers ?? []
    if (!SERVED.includes(base)) {
      if (lenient) ignored.push(name)
      else faults.push(unknownParameter(name))
    } else if (modifier !== undefined && !modifiers.includes(modifier)) faults.push(unknownModifier(base, served))
    else if (value === '') faults.push(searchFault('invalid', 'search-value-empty', 'has no value', base))
    else if (value.length > MAX_VALUE_LENGTH)
      faults.push(searchFault('too-long', 'search-value-long', `has more than ${MAX_VALUE_LENGTH} characters`, base))
    else known.push(parameter)
  }
  return { known, ignored }
}

function splitName(name: string): [base: string, modifier: string | undefined] {
  const colon = name.indexOf(':')
  return colon === -1 ? [name, undefined] : [name.slice(0, colon), name.slice(colon + 1)]
}

function unknownModifier(name: string, parameter: SearchParameter | undefined): Issue {
  const served = namesOf(parameter?.modifiers ?? [])
  const text = `has a modifier that is not served; ${served === '' ? 'it takes none' : `served are ${served}`}`
  return searchFault('not-supported', 'search-modifier-unknown', text, name)
}

// A name is repeated only where it looks like one: a value that slipped into its place must not come back.
function unknownParameter(name: string): Issue {
  const shown = /^[A-Za-z_-][A-Za-z_.:-]{0,63}$/.test(name) ? `"${name}"` : 'with such a name'
  return searchFault(
    'not-supported',
    'search-parameter-unknown',
    `there is no search parameter ${shown}; served are ${SERVED.join(', ')}. Prefer: handling=lenient ignores others`
  )
}

function readDemands(
  known: readonly Parameter[],
  context: DemandContext,
  faults: Issue[]
): { patient: Patient | undefined; filters: RecordFilter[] } {
  const filters: RecordFilter[] = []
  let patient: Patient | undefined
  for (const { name, value } of known) {
    const [base, modifier] = splitName(name)
    const parameter = SEARCH_PARAMETERS.find((served) => served.name === base)
    if (parameter === undefined) continue
    const alternatives = splitAlternatives(value)
    if (alternatives.length > MAX_ALTERNATIVES) {
      faults.push(searchFault('too-long', 'search-too-many-values', `has more than ${MAX_ALTERNATIVES} values`, base))
      continue
    }
    const demand = alternatives.includes('')
      ? 'has an empty value between commas'
      : demandWith(parameter, modifier, alternatives, context)
    if (typeof demand === 'string') faults.push(searchFault('value', 'search-value', demand, base))
    else if (demand.kind !== 'patient') filters.push(demand)
    else if (patient === undefined) patient = demand.patient
    else faults.push(searchFault('value', 'search-value', 'names more than one patient', base))
  }
  return { patient, filters }
}

function demandWith(
  parameter: SearchParameter,
  modifier: string | undefined,
  alternatives: readonly string[],
  context: DemandContext
): Demand | string {
  if (modifier === 'missing') return demandMissing(parameter, alternatives)
  const own = parameter.modifiers.find((served) => served === modifier)
  const demand = parameter.demand(alternatives, { ...context, ...(own === undefined ? {} : { modifier: own }) })
  if (modifier !== 'not' || typeof demand === 'string' || demand.kind === 'patient') return demand
  return { kind: 'not', filter: demand }
}

function demandMissing({ element }: SearchParameter, [value, ...others]: readonly string[]): Demand | string {
  if (others.length > 0 || (value !== 'true' && value !== 'false')) return 'must be true or false after :missing'
  const present = value === 'false'
  return element === undefined ? { kind: 'always', met: present } : { kind: 'present', element, present }
}

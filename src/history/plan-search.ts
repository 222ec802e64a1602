// What a search asks for, decided before anything is looked up. Pure.
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { RecordFilter, RecordOrder } from '../storage/history-query.js'
import { readResultParameters, RESULT_PARAMETERS } from './result-parameters.js'
import { searchFault } from './search-fault.js'
import { SEARCH_PARAMETERS } from './search-parameters.js'
import { splitAlternatives } from './search-value.js'

/** One name and value of a query string or form, decoded. */
export interface Parameter {
  name: string
  value: string
}

export interface SearchPlan {
  patient?: { nhsNumber: string } | { patientKey: string }
  filters: RecordFilter[]
  survivorsOnly: boolean
  order: RecordOrder
  /** Matches on one page; 0 for the total alone. */
  count: number
  withTotal: boolean
  /** The parameters that were used, as sent, in the order sent: what the self link says. */
  used: Parameter[]
  /** Names that were ignored, because the caller asked for lenient handling. */
  ignored: string[]
}

const MAX_PARAMETERS = 50
const MAX_ALTERNATIVES = 100
const MAX_VALUE_LENGTH = 8192

/**
 * Plans a search for one page from its start.
 * `patientKey`: whose records, where a page link stands for the NHS number.
 * @throws FhirError 400 with every fault of the parameters at once
 */
export function planSearch(
  parameters: readonly Parameter[],
  options: { lenient: boolean; patientKey?: string }
): SearchPlan {
  const faults: Issue[] = []
  if (parameters.length > MAX_PARAMETERS)
    throw new FhirError(400, [
      searchFault('too-long', 'search-too-many-parameters', `a search has at most ${MAX_PARAMETERS} parameters`)
    ])
  const { known, ignored } = sortOut(parameters, options.lenient, faults)
  const { patient, filters } = readDemands(known, faults)
  const result = readResultParameters(known, faults)
  const who = options.patientKey === undefined ? patient : { patientKey: options.patientKey }
  const named = filters.some(({ kind }) => kind === 'identifier' || kind === 'record-id')
  if (faults.length === 0 && who === undefined && !named) faults.push(NOTHING_NAMED)
  if (faults.length > 0) throw new FhirError(400, faults)
  return {
    ...(who === undefined ? {} : { patient: who }),
    filters,
    // Whoever names a record wants that record; whoever names a patient wants each vaccination once.
    survivorsOnly: !named && !result.alternates,
    order: result.order,
    count: result.count,
    withTotal: result.withTotal,
    used: known,
    ignored
  }
}

const SERVED = [...SEARCH_PARAMETERS, ...RESULT_PARAMETERS].map(({ name }) => name)

const NOTHING_NAMED = searchFault(
  'required',
  'search-too-wide',
  'a search names patient.identifier, identifier or _id; add one of them'
)

function sortOut(
  parameters: readonly Parameter[],
  lenient: boolean,
  faults: Issue[]
): { known: Parameter[]; ignored: string[] } {
  const known: Parameter[] = []
  const ignored: string[] = []
  for (const parameter of parameters) {
    const { name, value } = parameter
    const [base = '', modifier] = name.split(':', 2)
    if (SERVED.includes(name)) {
      if (value === '') faults.push(searchFault('invalid', 'search-value-empty', 'has no value', name))
      else if (value.length > MAX_VALUE_LENGTH)
        faults.push(searchFault('too-long', 'search-value-long', `has more than ${MAX_VALUE_LENGTH} characters`, name))
      else known.push(parameter)
    } else if (modifier !== undefined && SERVED.includes(base)) {
      faults.push(searchFault('not-supported', 'search-modifier-unknown', 'has a modifier; none is served', base))
    } else if (lenient) ignored.push(name)
    else faults.push(unknownParameter(name))
  }
  return { known, ignored }
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
  faults: Issue[]
): { patient: { nhsNumber: string } | undefined; filters: RecordFilter[] } {
  const filters: RecordFilter[] = []
  let patient: { nhsNumber: string } | undefined
  for (const { name, value } of known) {
    const parameter = SEARCH_PARAMETERS.find((served) => served.name === name)
    if (parameter === undefined) continue
    const alternatives = splitAlternatives(value)
    if (alternatives.length > MAX_ALTERNATIVES) {
      faults.push(searchFault('too-long', 'search-too-many-values', `has more than ${MAX_ALTERNATIVES} values`, name))
      continue
    }
    const demand = alternatives.includes('') ? 'has an empty value between commas' : parameter.demand(alternatives)
    if (typeof demand === 'string') faults.push(searchFault('value', 'search-value', demand, name))
    else if (demand.kind !== 'patient') filters.push(demand)
    else if (patient === undefined) patient = { nhsNumber: demand.nhsNumber }
    else faults.push(searchFault('value', 'search-value', 'names more than one patient', name))
  }
  return { patient, filters }
}

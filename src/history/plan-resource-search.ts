// What a search for a read-only resource asks for, decided before anything is looked up. Pure.
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { Parameter } from './plan-search.js'
import type { PatientDemand, ResourceParameter } from './resource-parameters.js'
import { DEFAULT_COUNT, MAX_COUNT, readCount } from './result-parameters.js'
import { searchFault } from './search-fault.js'
import { splitAlternatives } from './search-value.js'

export interface ResourcePlan<Filter> {
  patient?: { nhsNumber: string }
  filters: Filter[]
  descending: boolean
  /** Matches on one page; 0 for the total alone. */
  count: number
  withTotal: boolean
  /** As sent, in the order sent: what the self link says. */
  used: Parameter[]
  /** Names that were ignored, because the caller asked for lenient handling. */
  ignored: string[]
}

export interface ResourceSearchTable<Filter> {
  parameters: readonly ResourceParameter<Filter | PatientDemand>[]
  /** One of these must be named; undefined where everything may be listed. */
  needs?: readonly string[]
}

/** Parameters that shape the answer, the same for every read-only resource. */
export const SHAPING_PARAMETERS = ['_count', '_sort', '_total', '_summary'] as const

const MAX_PARAMETERS = 50
const MAX_ALTERNATIVES = 100
const MAX_VALUE_LENGTH = 8192

/**
 * `fromPage`: the parameters come from a page link, which holds the patient itself.
 * @throws FhirError 400 with every fault of the parameters at once
 */
export function planResourceSearch<Filter extends object>(
  parameters: readonly Parameter[],
  table: ResourceSearchTable<Filter>,
  options: { lenient: boolean; base: string; fromPage: boolean }
): ResourcePlan<Filter> {
  const faults: Issue[] = []
  if (parameters.length > MAX_PARAMETERS) faults.push(searchFault('too-long', 'search-too-many-parameters', TOO_MANY))
  const { known, ignored } = sortOut(parameters, table, options.lenient, faults)
  const { patient, filters } = readDemands(known, table, options.base, faults)
  const shape = readShape(known, faults)
  const { needs } = table
  const named = needs === undefined || options.fromPage || known.some(({ name }) => needs.includes(name))
  if (faults.length === 0 && !named)
    faults.push(searchFault('required', 'search-too-wide', `a search names ${needs.join(' or ')}; add one of them`))
  if (faults.length > 0) throw new FhirError(400, faults)
  return { ...(patient === undefined ? {} : { patient }), filters, ...shape, used: known, ignored }
}

const TOO_MANY = `a search has at most ${MAX_PARAMETERS} parameters`

function sortOut<Filter>(
  parameters: readonly Parameter[],
  table: ResourceSearchTable<Filter>,
  lenient: boolean,
  faults: Issue[]
): { known: Parameter[]; ignored: string[] } {
  const known: Parameter[] = []
  const ignored: string[] = []
  const served: string[] = [...table.parameters.map(({ name }) => name), ...SHAPING_PARAMETERS]
  for (const parameter of parameters) {
    const { name, value } = parameter
    const [base = '', modifier] = name.split(':', 2)
    if (!served.includes(base)) {
      if (lenient) ignored.push(name)
      else faults.push(unknownParameter(name, served))
    } else if (modifier !== undefined && table.parameters.find((one) => one.name === base)?.modifier !== modifier)
      faults.push(searchFault('not-supported', 'search-modifier-unknown', 'has a modifier that is not served', base))
    else if (value === '') faults.push(searchFault('invalid', 'search-value-empty', 'has no value', base))
    else if (value.length > MAX_VALUE_LENGTH)
      faults.push(searchFault('too-long', 'search-value-long', `has more than ${MAX_VALUE_LENGTH} characters`, base))
    else known.push(parameter)
  }
  return { known, ignored }
}

// A name is repeated only where it looks like one: a value that slipped into its place must not come back.
function unknownParameter(name: string, served: readonly string[]): Issue {
  const shown = /^[A-Za-z_-][A-Za-z_.:-]{0,63}$/.test(name) ? `"${name}"` : 'with such a name'
  const text = `there is no search parameter ${shown}; served are ${served.join(', ')}. Prefer: handling=lenient ignores others`
  return searchFault('not-supported', 'search-parameter-unknown', text)
}

function readDemands<Filter extends object>(
  known: readonly Parameter[],
  { parameters }: ResourceSearchTable<Filter>,
  base: string,
  faults: Issue[]
): { patient: { nhsNumber: string } | undefined; filters: Filter[] } {
  const filters: Filter[] = []
  let patient: { nhsNumber: string } | undefined
  for (const given of known) {
    const [name = '', modifier] = given.name.split(':', 2)
    const parameter = parameters.find((served) => served.name === name)
    if (parameter === undefined) continue
    const alternatives = splitAlternatives(given.value)
    if (alternatives.length > MAX_ALTERNATIVES) {
      faults.push(searchFault('too-long', 'search-too-many-values', `has more than ${MAX_ALTERNATIVES} values`, name))
      continue
    }
    const asked = { base, ...(modifier === undefined ? {} : { modifier }) }
    const demand = alternatives.includes('')
      ? 'has an empty value between commas'
      : parameter.demand(alternatives, asked)
    if (typeof demand === 'string') faults.push(searchFault('value', 'search-value', demand, name))
    else if (!isPatientDemand(demand)) filters.push(demand)
    else if (patient === undefined) patient = { nhsNumber: demand.nhsNumber }
    else faults.push(searchFault('value', 'search-value', 'names more than one patient', name))
  }
  return { patient, filters }
}

function isPatientDemand(demand: object): demand is PatientDemand {
  return 'kind' in demand && demand.kind === 'patient'
}

function readShape(
  known: readonly Parameter[],
  faults: Issue[]
): { descending: boolean; count: number; withTotal: boolean } {
  const read = <Value>(name: string, fallback: Value, form: string, value: (text: string) => Value | undefined) => {
    const given = known.filter((parameter) => parameter.name === name)
    if (given.length > 1) faults.push(searchFault('invalid', 'search-parameter-repeated', 'may be given once', name))
    if (given[0] === undefined) return fallback
    const found = value(given[0].value)
    if (found === undefined) faults.push(searchFault('value', 'search-value', `must be ${form}`, name))
    return found ?? fallback
  }
  const count = read('_count', DEFAULT_COUNT, 'a whole number', readCount)
  const totalOnly = read('_summary', false, 'count or false', (text) => choice(text, 'count', 'false'))
  return {
    count: totalOnly ? 0 : Math.min(count, MAX_COUNT),
    descending: read('_sort', true, '_lastUpdated or -_lastUpdated', (text) =>
      choice(text, '-_lastUpdated', '_lastUpdated')
    ),
    withTotal: read('_total', true, 'accurate, estimate or none', (text) =>
      text === 'estimate' ? true : choice(text, 'accurate', 'none')
    )
  }
}

function choice(text: string, yes: string, no: string): boolean | undefined {
  return text === yes ? true : text === no ? false : undefined
}

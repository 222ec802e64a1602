// Which elements of an Immunization are answered: `_summary` and `_elements`, on searches and on reads.
// http://hl7.org/fhir/R4/search.html#summary, checked 2026-11-22.
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import { subsetBody } from '../fhir/subset-body.js'
import { searchFault } from './search-fault.js'

/** A parameter as sent, decoded. */
export interface NamedValue {
  name: string
  value: string
}

/** `count`: no resources at all. */
export type AnswerShape = 'whole' | 'count' | 'true' | 'text' | 'data' | { elements: ReadonlySet<string> }

export const SHAPE_PARAMETERS = ['_summary', '_elements'] as const

/** Required by R4, or they change what the others mean: never left out. */
const ALWAYS = ['status', 'vaccineCode', 'patient', 'occurrence', 'isSubpotent', 'implicitRules', 'modifierExtension']

/** Marked as part of the summary, http://hl7.org/fhir/R4/immunization.html, beside those above. */
const SUMMARY = ['primarySource', 'performer', 'note']

/** All that R4 gives an Immunization. */
const ELEMENTS = new Set([
  ...[
    'id',
    'meta',
    'language',
    'text',
    'contained',
    'extension',
    'identifier',
    'statusReason',
    'encounter',
    'recorded'
  ],
  ...[
    'occurrenceDateTime',
    'occurrenceString',
    'reportOrigin',
    'location',
    'manufacturer',
    'lotNumber',
    'expirationDate'
  ],
  ...['site', 'route', 'doseQuantity', 'reasonCode', 'reasonReference', 'subpotentReason', 'education', 'reaction'],
  ...['programEligibility', 'fundingSource', 'protocolApplied'],
  ...ALWAYS,
  ...SUMMARY
])

/** Reads both parameters; faults are added to the list. */
export function readAnswerShape(parameters: readonly NamedValue[], faults: Issue[]): AnswerShape {
  const summaries = parameters.filter(({ name }) => name === '_summary')
  const lists = parameters.filter(({ name }) => name === '_elements')
  for (const given of [summaries, lists])
    if (given[1] !== undefined)
      faults.push(searchFault('invalid', 'search-parameter-repeated', 'may be given once', given[1].name))
  const summary = readSummary(summaries[0]?.value ?? 'false', faults)
  if (lists[0] === undefined || summary === 'count') return summary
  if (summary !== 'whole')
    faults.push(searchFault('invalid', 'summary-with-elements', 'is not given together with _elements', '_summary'))
  return { elements: readElements(lists[0].value, faults) }
}

/** The shape of a single resource. @throws FhirError 400 */
export function readSingleShape(parameters: readonly NamedValue[]): AnswerShape {
  const faults: Issue[] = []
  const shape = readAnswerShape(parameters, faults)
  if (shape === 'count')
    faults.push(searchFault('value', 'search-value', 'must not be count: there is one', '_summary'))
  if (faults.length > 0) throw new FhirError(400, faults)
  return shape
}

/** The part of a stored Immunization that was asked for. */
export function shapeBody(body: string, shape: AnswerShape): string {
  switch (shape) {
    case 'whole':
    case 'count':
      return body
    case 'true':
      return subsetBody(body, (element) => isAlways(element) || SUMMARY.includes(element))
    case 'text':
      return subsetBody(body, (element) => isAlways(element) || element === 'text')
    case 'data':
      return subsetBody(body, (element) => element !== 'text')
    default:
      return subsetBody(body, (element) => isAlways(element) || shape.elements.has(element))
  }
}

function readSummary(value: string, faults: Issue[]): Exclude<AnswerShape, object> {
  switch (value) {
    case 'false':
      return 'whole'
    case 'count':
    case 'true':
    case 'text':
    case 'data':
      return value
    default:
      faults.push(searchFault('value', 'search-value', 'must be true, text, data, count or false', '_summary'))
      return 'whole'
  }
}

function readElements(value: string, faults: Issue[]): Set<string> {
  const elements = value.split(',')
  if (elements.some((element) => !ELEMENTS.has(element)))
    faults.push(
      searchFault(
        'value',
        'search-value',
        'must be elements of Immunization, such as identifier,lotNumber',
        '_elements'
      )
    )
  return new Set(elements)
}

function isAlways(element: string): boolean {
  return ALWAYS.includes(/^occurrence(DateTime|String)$/.test(element) ? 'occurrence' : element)
}

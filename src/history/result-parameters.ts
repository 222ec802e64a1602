// The parameters that shape the answer of a search: page size, order, total, elements, what comes along, and whether
// alternates are shown.
import type { Issue } from '../fhir/issue.js'
import type { SortKey } from '../storage/history-query.js'
import { readAnswerShape, type AnswerShape, type NamedValue } from './answer-shape.js'
import { searchFault } from './search-fault.js'

export const RESULT_PARAMETERS = [
  { name: '_count', documentation: 'Matches on one page: 50 unless said, 200 at most; 0 for the total alone.' },
  {
    name: '_sort',
    documentation: 'date, _lastUpdated and _id, several with commas, each with - for descending; -date unless said.'
  },
  { name: '_total', documentation: 'accurate (unless said); estimate is accurate too; none leaves it out.' },
  { name: '_summary', documentation: 'true, text, data, false; count for the total alone.' },
  { name: '_elements', documentation: 'Elements to show; required and modifying ones always are.' },
  {
    name: '_include',
    documentation: 'Immunization:patient adds a Patient made of what the matches of the page say, tagged as composed.'
  },
  {
    name: '_revinclude',
    documentation: 'Provenance:target adds who sent the version that is shown, when and in which request.'
  },
  {
    name: '-hub.alternates',
    documentation:
      'true for every record of a patient; unless said, one record for each vaccination, where several suppliers reported it.'
  }
] as const

export const INCLUDES = ['Immunization:patient', 'Immunization:patient:Patient'] as const
export const REVERSE_INCLUDES = ['Provenance:target', 'Provenance:target:Immunization'] as const

export const DEFAULT_COUNT = 50
export const MAX_COUNT = 200

export interface ResultParameters {
  count: number
  order: SortKey[]
  withTotal: boolean
  shape: AnswerShape
  withPatients: boolean
  withProvenance: boolean
  alternates: boolean
}

const SORTS = new Map<string, SortKey['by']>([
  ['date', 'occurrence'],
  ['_lastUpdated', 'last-updated'],
  ['_id', 'record-id']
])

/** Reads them from the parameters of a search; faults are added to the list. */
export function readResultParameters(parameters: readonly NamedValue[], faults: Issue[]): ResultParameters {
  const read = <Value>(name: string, fallback: Value, values: (text: string) => Value | undefined, form: string) => {
    const given = parameters.filter((parameter) => parameter.name === name)
    if (given.length > 1) faults.push(searchFault('invalid', 'search-parameter-repeated', 'may be given once', name))
    if (given[0] === undefined) return fallback
    const value = values(given[0].value)
    if (value === undefined) faults.push(searchFault('value', 'search-value', `must be ${form}`, name))
    return value ?? fallback
  }
  const count = read('_count', DEFAULT_COUNT, readCount, 'a whole number')
  const shape = readAnswerShape(parameters, faults)
  return {
    count: shape === 'count' ? 0 : Math.min(count, MAX_COUNT),
    order: read('_sort', [{ by: 'occurrence', descending: true }], readSort, SORT_FORM),
    withTotal: read(
      '_total',
      true,
      choice({ accurate: true, estimate: true, none: false }),
      'accurate, estimate or none'
    ),
    shape,
    withPatients: readIncludes('_include', INCLUDES, parameters, faults),
    withProvenance: readIncludes('_revinclude', REVERSE_INCLUDES, parameters, faults),
    alternates: read('-hub.alternates', false, choice({ true: true, false: false }), 'true or false')
  }
}

/** A page size as sent; undefined for what is not a whole number. */
export function readCount(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

const SORT_FORM = `one or more of ${[...SORTS.keys()].join(', ')}, each once, with commas between and - before what descends`

function readSort(text: string): SortKey[] | undefined {
  const keys = text.split(',').map((word) => {
    const by = SORTS.get(word.replace(/^-/, ''))
    return by === undefined ? undefined : { by, descending: word.startsWith('-') }
  })
  const known = keys.filter((key) => key !== undefined)
  return known.length === keys.length && new Set(known.map(({ by }) => by)).size === keys.length ? known : undefined
}

// Asked for twice they come once.
function readIncludes(
  name: string,
  served: readonly string[],
  parameters: readonly NamedValue[],
  faults: Issue[]
): boolean {
  const given = parameters.filter((parameter) => parameter.name === name)
  if (given.some(({ value }) => !served.includes(value)))
    faults.push(searchFault('not-supported', 'include-unknown', `must be ${served[0] ?? ''}`, name))
  return given.length > 0
}

function choice<Value>(values: Record<string, Value>): (text: string) => Value | undefined {
  return (text) => (Object.hasOwn(values, text) ? values[text] : undefined)
}

// The parameters that shape the answer of a search: page size, order, total, and whether alternates are shown.
import type { Issue } from '../fhir/issue.js'
import type { RecordOrder } from '../storage/history-query.js'
import { searchFault } from './search-fault.js'

export const RESULT_PARAMETERS = [
  { name: '_count', documentation: 'Matches on one page: 50 unless said, 200 at most; 0 for the total alone.' },
  { name: '_sort', documentation: 'date, -date (unless said), _lastUpdated or -_lastUpdated.' },
  { name: '_total', documentation: 'accurate (unless said); estimate is accurate too; none leaves it out.' },
  { name: '_summary', documentation: 'count for the total alone; false.' },
  {
    name: '-hub.alternates',
    documentation:
      'true for every record of a patient; unless said, one record for each vaccination, where several suppliers reported it.'
  }
] as const

export const DEFAULT_COUNT = 50
export const MAX_COUNT = 200

export interface ResultParameters {
  count: number
  order: RecordOrder
  withTotal: boolean
  alternates: boolean
}

const ORDERS: Record<string, RecordOrder> = {
  date: { by: 'occurrence', descending: false },
  '-date': { by: 'occurrence', descending: true },
  _lastUpdated: { by: 'last-updated', descending: false },
  '-_lastUpdated': { by: 'last-updated', descending: true }
}

/** Reads them from the parameters of a search; faults are added to the list. */
export function readResultParameters(
  parameters: readonly { name: string; value: string }[],
  faults: Issue[]
): ResultParameters {
  const read = <Value>(name: string, fallback: Value, values: (text: string) => Value | undefined, form: string) => {
    const given = parameters.filter((parameter) => parameter.name === name)
    if (given.length > 1) faults.push(searchFault('invalid', 'search-parameter-repeated', 'may be given once', name))
    if (given[0] === undefined) return fallback
    const value = values(given[0].value)
    if (value === undefined) faults.push(searchFault('value', 'search-value', `must be ${form}`, name))
    return value ?? fallback
  }
  const count = read('_count', DEFAULT_COUNT, readCount, 'a whole number')
  const totalOnly = read('_summary', false, choice({ count: true, false: false }), 'count or false')
  return {
    count: totalOnly ? 0 : Math.min(count, MAX_COUNT),
    order: read(
      '_sort',
      { by: 'occurrence', descending: true },
      choice(ORDERS),
      `one of ${Object.keys(ORDERS).join(', ')}`
    ),
    withTotal: read(
      '_total',
      true,
      choice({ accurate: true, estimate: true, none: false }),
      'accurate, estimate or none'
    ),
    alternates: read('-hub.alternates', false, choice({ true: true, false: false }), 'true or false')
  }
}

/** A page size as sent; undefined for what is not a whole number. */
export function readCount(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function choice<Value>(values: Record<string, Value>): (text: string) => Value | undefined {
  return (text) => (Object.hasOwn(values, text) ? values[text] : undefined)
}

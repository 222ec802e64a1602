// Criteria that name one record: `identifier={system}|{value}`, as in If-None-Exist and in PUT Immunization?identifier=….
import type { Parameter } from '../history/plan-search.js'
import { parseToken, splitAlternatives } from '../history/search-value.js'
import type { RecordIdentifier } from '../ingest/intent.js'
import { doorFault } from './door-fault.js'

/** @throws FhirError 400 for anything but one identifier with system and value */
export function readIdentifierCriteria(parameters: readonly Parameter[]): RecordIdentifier {
  const [only, ...others] = parameters
  const alternatives = only?.name === 'identifier' && others.length === 0 ? splitAlternatives(only.value) : []
  const { system = '', code = '' } = alternatives.length === 1 ? parseToken(alternatives[0] ?? '') : {}
  if (system !== '' && code !== '') return { system, value: code }
  const text = 'a condition names one record by identifier={system}|{value}, both parts, and nothing else'
  throw doorFault(400, 'not-supported', 'condition-criteria', text)
}

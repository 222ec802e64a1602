// Conditions of writes: exactly one search parameter, identifier, with exactly one token. Whatever else a search takes
// is refused even where handling is lenient: a condition that is half understood would meet other records.
import type { Parameter } from '../history/plan-search.js'
import { parseToken, splitAlternatives } from '../history/search-value.js'
import type { IdentifierCriterion } from '../ingest/submission.js'
import { doorFault } from './door-fault.js'
import { parseParameters } from './parse-parameters.js'

/**
 * The value of If-None-Exist (or of Bundle.entry.request.ifNoneExist): `identifier=system|value`, percent-encoded
 * where needed; `?` or `Immunization?` before it does no harm.
 * @throws FhirError 400 that says what is taken
 */
export function parseIfNoneExist(text: string): IdentifierCriterion {
  return readIdentifierCriterion(parseParameters(text.trim().replace(/^(?:Immunization)?\?/, '')))
}

/** The same for the query of a conditional update or patch. @throws FhirError 400 that says what is taken */
export function readIdentifierCriterion(parameters: readonly Parameter[]): IdentifierCriterion {
  const [parameter] = parameters
  if (parameter === undefined || parameters.length !== 1) throw refused('name identifier once, and nothing else')
  if (parameter.name.startsWith('identifier:')) throw refused('identifier takes no modifier here')
  if (parameter.name !== 'identifier') throw refused('identifier is the only parameter that names a record')
  const tokens = splitAlternatives(parameter.value)
  if (tokens.length !== 1) throw refused('name one identifier, without alternatives; a comma in it is written \\,')
  const { system, code: value } = parseToken(parameter.value)
  if (value.trim() === '' || system === '') throw refused('name the value and its system')
  return system === undefined ? { value } : { system, value }
}

function refused(what: string): Error {
  const text = `the condition is not served: ${what}, as in identifier=https://supplier.example/id%7C8d0b7c0a`
  return doorFault(400, 'not-supported', 'condition-parameters', text)
}

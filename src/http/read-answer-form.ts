// How the answer shall look: Accept, `_format` and `_pretty`, http://hl7.org/fhir/R4/http.html#parameters.
import type { Parameter } from '../history/plan-search.js'
import { doorFault } from './door-fault.js'
import { answerTypeByAccept, answerTypeByFormat } from './media-type.js'
import type { AnswerForm } from './route.js'

const GENERAL = new Set(['_format', '_pretty'])

/** The parameters that are left for the interaction. */
export function withoutGeneral(parameters: readonly Parameter[]): readonly Parameter[] {
  return parameters.some(({ name }) => GENERAL.has(name))
    ? parameters.filter(({ name }) => !GENERAL.has(name))
    : parameters
}

/** @throws FhirError 406 for a form that is not served, 400 for a faulty `_pretty` or one that is said twice */
export function readAnswerForm(accept: string | undefined, parameters: readonly Parameter[]): AnswerForm {
  for (const name of GENERAL)
    if (parameters.filter((parameter) => parameter.name === name).length > 1)
      throw doorFault(400, 'invalid', 'search-parameter-repeated', `${name} may be given once`)
  const format = parameters.find(({ name }) => name === '_format')?.value
  const pretty = parameters.find(({ name }) => name === '_pretty')?.value ?? 'false'
  if (pretty !== 'true' && pretty !== 'false')
    throw doorFault(400, 'value', 'pretty-value', '_pretty must be true or false')
  return {
    type: format === undefined ? answerTypeByAccept(accept) : answerTypeByFormat(format),
    pretty: pretty === 'true'
  }
}

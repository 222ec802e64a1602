// What an operation is asked by a Parameters resource, whatever the operation.
import type { IssueCode } from '../fhir/issue.js'

/** One parameter; `value` is the resource or value[x], whichever stands there. */
export interface Given {
  name: string
  value: unknown
}

export function isParameters(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'resourceType' in value && value.resourceType === 'Parameters'
}

/** The parameters in the order sent. Throws what `refuse` makes of a body that has not the shape of Parameters. */
export function readOperationParameters(
  value: unknown,
  refuse: (code: Extract<IssueCode, 'structure'>, text: string) => Error
): Given[] {
  const parameters = isParameters(value) && 'parameter' in value ? value.parameter : []
  if (!Array.isArray(parameters)) throw refuse('structure', 'Parameters.parameter must be an array')
  return parameters.map((parameter: unknown) => {
    if (typeof parameter !== 'object' || parameter === null || !('name' in parameter))
      throw refuse('structure', 'every Parameters.parameter needs a name')
    return { name: String(parameter.name), value: valueOf(parameter, refuse) }
  })
}

// Clients disagree on the type of a value (code, uri, canonical, string): the name tells what is meant.
function valueOf(parameter: object, refuse: (code: 'structure', text: string) => Error): unknown {
  for (const [key, value] of Object.entries(parameter)) if (key === 'resource' || key.startsWith('value')) return value
  throw refuse('structure', 'a Parameters.parameter has neither resource nor value[x]')
}

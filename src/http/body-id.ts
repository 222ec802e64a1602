// An update names its record twice: in the URL and in the body.
import type { Issue } from '../fhir/issue.js'

/** What is wrong with the id in the body of an update. What is not an object at all is left to the judges, who say more. */
export function checkBodyId(value: unknown, recordId: unknown): Issue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const id = bodyIdOf(value)
  if (id !== undefined && id === recordId) return undefined
  const text = id === undefined ? 'id is required in an update' : 'id differs from the id in the URL'
  return {
    severity: 'error',
    code: id === undefined ? 'required' : 'value',
    layer: 'base',
    rule: 'update-id',
    text: `Immunization.${text}; send the id of the record that is updated`,
    expression: ['Immunization.id']
  }
}

export function bodyIdOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
}

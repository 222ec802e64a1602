// Judges what is answered by the base definitions of R4 that the Hub has itself.
import { loadRules } from '../../src/rules.js'

const { validator } = await loadRules()

/** Rule ids of the errors; of a type that has no definition here, none. */
export function rules(resource: unknown): string[] {
  return validator
    .validate(resource)
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .map(({ rule, text }) => `${rule}: ${text}`)
}

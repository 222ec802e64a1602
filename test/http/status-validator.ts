// Judges what is answered by the base definitions of R4 that the Hub has itself.
import { loadRules } from '../../src/rules.js'

const { validator } = await loadRules()

/** The errors, as rule id and text. */
export function rules(resource: unknown): string[] {
  return validator
    .validate(resource)
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .map(({ rule, text }) => `${rule}: ${text}`)
}

import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { enough, nothing } from '../ground.js'

export const doseNumberInRange: Check<NoParams, CheckScope> = {
  description: 'The dose number, where it is a number, is 1 to 9.',
  rules: ['dose-number-out-of-range'],
  appliesTo: 'every-status',
  params: NO_PARAMS,
  look:
    () =>
    ({ facts }) =>
      facts.doseNumber === undefined
        ? nothing('the dose number: none was sent, or a text')
        : enough('the dose number against 1 to 9'),
  compile:
    () =>
    ({ facts, paths }) => {
      const { doseNumber } = facts
      if (doseNumber === undefined || (doseNumber >= 1 && doseNumber <= 9)) return undefined
      return {
        rule: 'dose-number-out-of-range',
        code: 'value',
        expression: [paths.doseNumber],
        text: 'the dose number must be 1 to 9; send doseNumberString with a text such as "Dose sequence not recorded" when it is not known'
      }
    }
}

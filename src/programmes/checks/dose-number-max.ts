import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { enough, tooLittle } from '../ground.js'

export const doseNumberMax: Check<NoParams> = {
  description: "The dose number is not above the programme's highest (maxDoseNumber).",
  rules: ['dose-number-above-maximum'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    (_params, { programme }) =>
    ({ facts }) =>
      facts.doseNumber === undefined
        ? tooLittle('the dose number: none was sent, or a text')
        : enough(`the dose number against ${programme.maxDoseNumber ?? 'no highest'}`),
  compile:
    (_params, { programme }) =>
    ({ facts, paths }) => {
      const { maxDoseNumber } = programme
      // Below 1 or above 9 is the matter of doseNumberInRange.
      if (maxDoseNumber === undefined || facts.doseNumber === undefined || facts.doseNumber > 9) return undefined
      if (facts.doseNumber <= maxDoseNumber) return undefined
      return {
        rule: 'dose-number-above-maximum',
        code: 'business-rule',
        expression: [paths.doseNumber],
        text: `the highest dose number of "${programme.title}" is ${maxDoseNumber}; correct the dose number`
      }
    }
}

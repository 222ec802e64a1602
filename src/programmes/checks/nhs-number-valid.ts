import { isNhsNumber } from '../../fhir/nhs-number.js'
import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { enough, nothing } from '../ground.js'

export const nhsNumberValid: Check<NoParams, CheckScope> = {
  description: 'The NHS number, where there is one, has ten digits and a right check digit (Modulus 11).',
  rules: ['nhs-number-invalid'],
  appliesTo: 'every-status',
  params: NO_PARAMS,
  look:
    () =>
    ({ facts }) =>
      facts.nhsNumber === undefined
        ? nothing('the NHS number: none was sent')
        : enough('the ten digits of the NHS number and their check digit'),
  compile:
    () =>
    ({ facts, paths }) => {
      if (facts.nhsNumber === undefined || isNhsNumber(facts.nhsNumber)) return undefined
      return {
        rule: 'nhs-number-invalid',
        code: 'value',
        expression: [paths.nhsNumber],
        text: 'the NHS number must be ten digits without spaces, the last a right check digit; check it with the patient, or leave the identifier out when it is not known'
      }
    }
}

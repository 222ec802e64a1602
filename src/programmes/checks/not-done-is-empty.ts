import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'

export const notDoneIsEmpty: Check<NoParams, CheckScope> = {
  description: 'A vaccination that was not done carries no batch, dose or product.',
  rules: ['not-done-with-dose-details'],
  appliesTo: 'every-status',
  params: NO_PARAMS,
  compile:
    () =>
    ({ facts }) => {
      if (facts.status !== 'not-done') return undefined
      const expression = [
        ...(facts.productCode === undefined ? [] : ['Immunization.vaccineCode']),
        ...(facts.lotNumber === undefined ? [] : ['Immunization.lotNumber']),
        ...(facts.doseQuantity === undefined ? [] : ['Immunization.doseQuantity'])
      ]
      if (expression.length === 0) return undefined
      return {
        rule: 'not-done-with-dose-details',
        code: 'value',
        expression,
        text: 'status is not-done, yet details of a given dose are there; leave them out, or correct the status if the vaccine was given'
      }
    }
}

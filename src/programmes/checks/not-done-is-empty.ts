import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { enough, nothing } from '../ground.js'

export const notDoneIsEmpty: Check<NoParams, CheckScope> = {
  description: 'A vaccination that was not done carries no batch, dose or product.',
  rules: ['not-done-with-dose-details'],
  appliesTo: 'every-status',
  params: NO_PARAMS,
  look:
    () =>
    ({ facts }) =>
      facts.status === 'not-done'
        ? enough('product, batch and dose quantity, which should not be there')
        : nothing('the status: it is not not-done'),
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

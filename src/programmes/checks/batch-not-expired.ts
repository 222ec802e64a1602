import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { isAfter, parseDayRange } from '../day-range.js'
import { inOrder, nothing, tooLittle } from '../ground.js'

export const batchNotExpired: Check<NoParams, CheckScope> = {
  description: 'The batch had not expired on the day of vaccination; the expiry day itself is allowed.',
  rules: ['batch-expired'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    () =>
    ({ facts, occurrence }) => {
      if (facts.expirationDate === undefined) return nothing('expirationDate: none was sent')
      const expiry = parseDayRange(facts.expirationDate)
      if (expiry === undefined) return tooLittle('expirationDate, which cannot be read')
      return inOrder(occurrence, expiry, 'occurrenceDateTime against expirationDate')
    },
  compile:
    () =>
    ({ facts, occurrence }) => {
      const expiry = facts.expirationDate === undefined ? undefined : parseDayRange(facts.expirationDate)
      if (expiry === undefined || isAfter(occurrence, expiry.last) !== 'yes') return undefined
      return {
        rule: 'batch-expired',
        code: 'business-rule',
        expression: ['Immunization.expirationDate', 'Immunization.occurrence.ofType(dateTime)'],
        text: 'the batch expired before the day of vaccination; correct the date that is wrong, or send isSubpotent true when an expired dose was really given'
      }
    }
}

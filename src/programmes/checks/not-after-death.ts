import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { addAge, parseAge } from '../age.js'
import { isBefore, parseDayRange } from '../day-range.js'

const ONE_DAY = parseAge('P1D')

export const notAfterDeath: Check<NoParams, CheckScope> = {
  description: 'The vaccination is not after the day of death; the day of death itself is allowed.',
  rules: ['occurrence-after-death'],
  appliesTo: 'given',
  params: NO_PARAMS,
  compile:
    () =>
    ({ facts, occurrence, paths }) => {
      const death = facts.deceasedDate === undefined ? undefined : parseDayRange(facts.deceasedDate)
      if (death === undefined || isBefore(occurrence, addAge(death.last, ONE_DAY)) !== 'no') return undefined
      return {
        rule: 'occurrence-after-death',
        code: 'value',
        expression: ['Immunization.occurrence.ofType(dateTime)', `${paths.patient}.deceased.ofType(dateTime)`],
        text: 'occurrenceDateTime is after the date of death of the patient; correct the one that is wrong, or the patient'
      }
    }
}

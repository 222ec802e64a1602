import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { isAfter, parseDayRange } from '../day-range.js'

export const notAfterDeath: Check<NoParams, CheckScope> = {
  description: 'The vaccination is not after the day of death; the day of death itself is allowed.',
  rules: ['occurrence-after-death'],
  appliesTo: 'given',
  params: NO_PARAMS,
  compile:
    () =>
    ({ facts, occurrence, paths }) => {
      const death = facts.deceasedDate === undefined ? undefined : parseDayRange(facts.deceasedDate)
      if (death === undefined || isAfter(occurrence, death.last) !== 'yes') return undefined
      return {
        rule: 'occurrence-after-death',
        code: 'value',
        expression: ['Immunization.occurrence.ofType(dateTime)', `${paths.patient}.deceased.ofType(dateTime)`],
        text: 'occurrenceDateTime is after the date of death of the patient; correct the one that is wrong, or the patient'
      }
    }
}

import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { isAfter, parseDayRange } from '../day-range.js'
import { inOrder, nothing, tooLittle } from '../ground.js'

export const notAfterDeath: Check<NoParams, CheckScope> = {
  description: 'The vaccination is not after the day of death; the day of death itself is allowed.',
  rules: ['occurrence-after-death'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    () =>
    ({ facts, occurrence }) => {
      if (facts.deceasedDate === undefined) return nothing('the date of death: none was sent')
      const death = parseDayRange(facts.deceasedDate)
      if (death === undefined) return tooLittle('the date of death, which cannot be read')
      return inOrder(occurrence, death, 'occurrenceDateTime against the date of death')
    },
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

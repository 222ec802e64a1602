import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { isBefore } from '../day-range.js'
import { inOrder, NO_BIRTH_DATE } from '../ground.js'

export const notBeforeBirth: Check<NoParams, CheckScope> = {
  description: 'The vaccination is not before the day of birth; the day of birth itself is allowed.',
  rules: ['occurrence-before-birth'],
  appliesTo: 'every-status',
  params: NO_PARAMS,
  look:
    () =>
    ({ birth, occurrence }) =>
      birth === undefined ? NO_BIRTH_DATE : inOrder(birth, occurrence, 'occurrenceDateTime against birthDate'),
  compile:
    () =>
    ({ occurrence, birth, paths }) => {
      if (birth === undefined || isBefore(occurrence, birth.first) !== 'yes') return undefined
      return {
        rule: 'occurrence-before-birth',
        code: 'value',
        expression: ['Immunization.occurrence.ofType(dateTime)', `${paths.patient}.birthDate`],
        text: 'occurrenceDateTime is before the birthDate of the patient; correct the one that is wrong'
      }
    }
}

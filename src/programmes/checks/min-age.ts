import { AGE_PARAMS, compileAgeLimits, compileAgeLook, withNote, type AgeParams } from '../age-limit.js'
import { reachedAge } from '../age.js'
import type { Check } from '../check.js'

export const minAge: Check<AgeParams> = {
  description: 'The patient has reached the least age for the dose.',
  rules: ['below-minimum-age'],
  appliesTo: 'given',
  params: AGE_PARAMS,
  look: (params, { programme }) => compileAgeLook(params, programme, 'minAge'),
  compile: (params, { programme }) => {
    const limitsOf = compileAgeLimits(params, programme, 'minAge')
    return (subject) => {
      const { birth, occurrence, paths } = subject
      const limits = limitsOf(subject)
      if (birth === undefined || limits.length === 0) return undefined
      if (limits.some((age) => reachedAge(birth, age, occurrence) !== 'no')) return undefined
      return {
        rule: 'below-minimum-age',
        code: 'business-rule',
        expression: ['Immunization.occurrence.ofType(dateTime)', `${paths.patient}.birthDate`],
        text: withNote(
          `the patient is younger than "${programme.title}" allows for this dose; check both dates`,
          params.note
        )
      }
    }
  }
}

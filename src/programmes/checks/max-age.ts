import { AGE_PARAMS, compileAgeLimits, compileAgeLook, withNote, type AgeParams } from '../age-limit.js'
import { reachedAge } from '../age.js'
import type { Check } from '../check.js'

export const maxAge: Check<AgeParams> = {
  description: 'The patient has not yet reached the age from which the dose is too late.',
  rules: ['above-maximum-age'],
  appliesTo: 'given',
  params: AGE_PARAMS,
  look: (params, { programme }) => compileAgeLook(params, programme, 'maxAge'),
  compile: (params, { programme }) => {
    const limitsOf = compileAgeLimits(params, programme, 'maxAge')
    return (subject) => {
      const { birth, occurrence, paths } = subject
      const limits = limitsOf(subject)
      if (birth === undefined || limits.length === 0) return undefined
      if (limits.some((age) => reachedAge(birth, age, occurrence) !== 'yes')) return undefined
      return {
        rule: 'above-maximum-age',
        code: 'business-rule',
        expression: ['Immunization.occurrence.ofType(dateTime)', `${paths.patient}.birthDate`],
        text: withNote(
          `the patient is older than "${programme.title}" allows for this dose; check both dates`,
          params.note
        )
      }
    }
  }
}

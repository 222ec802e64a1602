import { AGE_PARAMS, compileAgeLimits, compileAgeLook, withNote, type AgeParams } from '../age-limit.js'
import { describeAge, reachedAge } from '../age.js'
import type { Check } from '../check.js'

export const recommendedAge: Check<AgeParams> = {
  description: 'The dose was not given before the age at which the schedule recommends it.',
  rules: ['before-recommended-age'],
  appliesTo: 'given',
  params: AGE_PARAMS,
  look: (params, { programme }) => compileAgeLook(params, programme, 'recommendedAge'),
  compile: (params, { programme }) => {
    const limitsOf = compileAgeLimits(params, programme, 'recommendedAge')
    return (subject) => {
      const { birth, occurrence, paths } = subject
      const limits = limitsOf(subject)
      const [first] = limits
      if (birth === undefined || first === undefined) return undefined
      if (limits.some((age) => reachedAge(birth, age, occurrence) !== 'no')) return undefined
      return {
        rule: 'before-recommended-age',
        code: 'business-rule',
        expression: ['Immunization.occurrence.ofType(dateTime)', `${paths.patient}.birthDate`],
        text: withNote(
          `"${programme.title}" recommends this dose from ${limits.map(describeAge).join(' or ')}; check both dates`,
          params.note
        )
      }
    }
  }
}

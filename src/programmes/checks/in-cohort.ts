import type { Check } from '../check.js'
import { compileAudience } from '../cohort.js'
import { enough, tooLittle } from '../ground.js'

interface InCohortParams {
  unknown?: 'pass' | 'report'
}

export const inCohort: Check<InCohortParams> = {
  description: 'The patient belongs to a group the programme is offered to.',
  rules: ['outside-cohort', 'cohort-unknown'],
  appliesTo: 'given',
  params: {
    type: 'object',
    additionalProperties: false,
    properties: {
      unknown: {
        description: 'When nobody can tell from what was sent: pass (say nothing, the default) or report.',
        enum: ['pass', 'report']
      }
    }
  },
  look: (_params, { programme }) => {
    const cohorts = programme.cohorts ?? []
    const audience = compileAudience(cohorts)
    const saw = `birthDate and day of vaccination against the groups: ${cohorts.map(({ label }) => label).join('; ')}`
    return (subject) =>
      audience(subject) === 'unknown' ? tooLittle(`${saw} (not all of it is in an Immunization)`) : enough(saw)
  },
  compile: (params, { programme }) => {
    const audience = compileAudience(programme.cohorts ?? [])
    return (subject) => {
      const membership = audience(subject)
      if (membership === 'in' || (membership === 'unknown' && params.unknown !== 'report')) return undefined
      const expression = ['Immunization.occurrence.ofType(dateTime)', `${subject.paths.patient}.birthDate`]
      if (membership === 'unknown') {
        const text = `whether "${programme.title}" is offered to this patient cannot be told from what was sent`
        return { rule: 'cohort-unknown', code: 'business-rule', expression, text }
      }
      return {
        rule: 'outside-cohort',
        code: 'business-rule',
        expression,
        text: `on the day of vaccination "${programme.title}" was not offered to this patient; check both dates, nothing to do if they are right`
      }
    }
  }
}

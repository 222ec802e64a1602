import type { Check } from '../check.js'
import { compileHadDose, lookForEarlierDose, ONCE_PARAMS, type OnceParams } from '../earlier-dose.js'

export const oncePerLifetime: Check<OnceParams> = {
  description: 'No dose was ever given before, save to those who may have it again.',
  rules: ['already-vaccinated'],
  appliesTo: 'given',
  params: ONCE_PARAMS,
  look: (_params, { programme }) => lookForEarlierDose(programme, 'ever'),
  compile: (params, { programme }) => {
    const hadDose = compileHadDose(params, programme, { from: '0000-01-01' })
    return (subject) => {
      if (!hadDose(subject)) return undefined
      return {
        rule: 'already-vaccinated',
        code: 'business-rule',
        expression: ['Immunization.occurrence.ofType(dateTime)'],
        text: `"${programme.title}" is one dose in a lifetime and an earlier one is on record; check whether this is a second dose or a second report`
      }
    }
  }
}

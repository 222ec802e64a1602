import type { Check } from '../check.js'
import { compileHadDose, lookForEarlierDose, ONCE_PARAMS, type OnceParams } from '../earlier-dose.js'

export const oncePerSeason: Check<OnceParams> = {
  description: 'No dose was given earlier in the same season, save to those who need two.',
  rules: ['already-vaccinated-this-season'],
  appliesTo: 'given',
  params: ONCE_PARAMS,
  look: (_params, { programme }) => lookForEarlierDose(programme, 'in this season'),
  compile: (params, { programme }) => {
    const hadDose = compileHadDose(params, programme, programme.season ?? programme.effective)
    return (subject) => {
      if (!hadDose(subject)) return undefined
      return {
        rule: 'already-vaccinated-this-season',
        code: 'business-rule',
        expression: ['Immunization.occurrence.ofType(dateTime)'],
        text: `"${programme.title}" is one dose and an earlier one is on record; check whether this is a second dose or a second report`
      }
    }
  }
}

import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { isWithin } from '../day-range.js'

export const withinSeason: Check<NoParams> = {
  description: 'The day of vaccination is in the season of the programme.',
  rules: ['outside-season'],
  appliesTo: 'given',
  params: NO_PARAMS,
  compile:
    (_params, { programme }) =>
    ({ occurrence }) => {
      const { season, title } = programme
      if (season === undefined || isWithin(occurrence, season) !== 'no') return undefined
      const end = season.to === undefined ? '' : ` to ${season.to}`
      return {
        rule: 'outside-season',
        code: 'business-rule',
        expression: ['Immunization.occurrence.ofType(dateTime)'],
        text: `the season of "${title}" is ${season.from}${end}; check the date, nothing to do if it is right`
      }
    }
}

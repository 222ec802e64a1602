import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { describePeriod, isWithin } from '../day-range.js'
import { enough, nothing, tooLittle } from '../ground.js'

export const withinSeason: Check<NoParams> = {
  description: 'The day of vaccination is in the season of the programme.',
  rules: ['outside-season'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    (_params, { programme: { season } }) =>
    ({ occurrence }) => {
      if (season === undefined) return nothing('the season, which the file has not')
      const saw = `the day of vaccination against the season, ${describePeriod(season)}`
      return isWithin(occurrence, season) === 'unknown'
        ? tooLittle(`${saw}; a partial date leaves it open`)
        : enough(saw)
    },
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

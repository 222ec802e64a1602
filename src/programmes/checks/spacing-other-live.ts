import { daysBetween } from '../../fhir/dates.js'
import type { Check } from '../check.js'
import { isExactDay } from '../day-range.js'

interface SpacingParams {
  days: number
  antigens: string[]
}

export const spacingOtherLive: Check<SpacingParams> = {
  description: 'Another live injected vaccine was given on the same day or long enough before or after.',
  rules: ['live-vaccines-too-close'],
  appliesTo: 'given',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['days', 'antigens'],
    properties: {
      days: { description: 'Least days between the two, unless on the same day.', type: 'integer', minimum: 1 },
      antigens: {
        description: 'Target diseases of the other live vaccines.',
        type: 'array',
        minItems: 1,
        items: { type: 'string', format: 'snomed-concept' }
      }
    }
  },
  compile: ({ days, antigens }, { programme }) => {
    const others = new Set(antigens)
    const own = new Set(programme.targetDiseases)
    return ({ history, occurrence }) => {
      if (!isExactDay(occurrence)) return undefined
      const tooClose = history.some((event) => {
        const apart = Math.abs(daysBetween(event.day, occurrence.first))
        // An event that shares a disease is another dose of the same: the matter of minInterval.
        const isOther = event.antigens.some((code) => others.has(code)) && !event.antigens.some((code) => own.has(code))
        return isOther && apart > 0 && apart < days
      })
      if (!tooClose) return undefined
      return {
        rule: 'live-vaccines-too-close',
        code: 'business-rule',
        expression: ['Immunization.occurrence.ofType(dateTime)'],
        text: `another live vaccine was given less than ${days} days apart; check the date, and whether the later one counts`
      }
    }
  }
}

import { daysBetween } from '../../fhir/dates.js'
import type { Check } from '../check.js'
import { isExactDay } from '../day-range.js'
import { enough, NO_EXACT_DAY, nothing } from '../ground.js'

interface SpacingParams {
  days: number
  antigens?: string[]
}

/** Diseases of the live vaccines that are injected: measles, mumps, rubella, varicella, yellow fever. */
export const LIVE_ANTIGENS = ['14189004', '36989005', '36653000', '38907003', '16541001']

export const spacingOtherLive: Check<SpacingParams> = {
  description: 'Another live injected vaccine was given on the same day or long enough before or after.',
  rules: ['live-vaccines-too-close'],
  appliesTo: 'given',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['days'],
    properties: {
      days: { description: 'Least days between the two, unless on the same day.', type: 'integer', minimum: 1 },
      antigens: {
        description:
          'Target diseases of the other live vaccines; without it measles, mumps, rubella, varicella, yellow fever.',
        type: 'array',
        minItems: 1,
        items: { type: 'string', format: 'snomed-concept' }
      }
    }
  },
  look:
    ({ days }) =>
    ({ history, occurrence }) => {
      if (!isExactDay(occurrence)) return NO_EXACT_DAY
      return history.length === 0
        ? nothing('other vaccinations: none is known')
        : enough(`the days between this and other live vaccines against ${days}`)
    },
  compile: ({ days, antigens = LIVE_ANTIGENS }, { programme }) => {
    const others = new Set(antigens)
    const own = new Set(programme.targetDiseases)
    return ({ history, occurrence }) => {
      if (!isExactDay(occurrence)) return undefined
      const tooClose = history.some((event) => {
        // An event that shares a disease is another dose of the same: the matter of minInterval.
        const isOther = event.antigens.some((code) => others.has(code)) && !event.antigens.some((code) => own.has(code))
        if (!isOther) return false
        const apart = Math.abs(daysBetween(event.day, occurrence.first))
        return apart > 0 && apart < days
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

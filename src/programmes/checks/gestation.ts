import type { Check } from '../check.js'
import { enough, tooLittle } from '../ground.js'

interface GestationParams {
  minDays: number
  implausibleMinDays?: number
  implausibleMaxDays?: number
}

export const gestation: Check<GestationParams> = {
  description:
    'Where the days of pregnancy are known (an Immunization does not carry them): not before the week of the programme, and a plausible number.',
  rules: ['gestation-too-early', 'gestation-implausible'],
  appliesTo: 'given',
  params: {
    type: 'object',
    additionalProperties: false,
    required: ['minDays'],
    properties: {
      minDays: { description: 'Least days of pregnancy: 196 are 28 weeks.', type: 'integer', minimum: 1 },
      implausibleMinDays: {
        description: 'Fewer days than these are taken for a typing slip.',
        type: 'integer',
        minimum: 1
      },
      implausibleMaxDays: {
        description: 'More days than these are taken for a typing slip.',
        type: 'integer',
        minimum: 1
      }
    }
  },
  look:
    ({ minDays }) =>
    ({ gestationDays }) =>
      gestationDays === undefined
        ? tooLittle('the days of pregnancy, which an Immunization does not carry')
        : enough(`the days of pregnancy against ${minDays}`),
  compile:
    (params, { programme }) =>
    ({ gestationDays }) => {
      if (gestationDays === undefined) return undefined
      const expression = ['Immunization.occurrence.ofType(dateTime)']
      if (gestationDays < (params.implausibleMinDays ?? 0) || gestationDays > (params.implausibleMaxDays ?? Infinity)) {
        const text = 'the days of pregnancy on the day of vaccination are not plausible; check both dates'
        return { rule: 'gestation-implausible', code: 'business-rule', expression, text }
      }
      if (gestationDays >= params.minDays) return undefined
      return {
        rule: 'gestation-too-early',
        code: 'business-rule',
        expression,
        text: `"${programme.title}" is offered from ${Math.floor(params.minDays / 7)} weeks of pregnancy; check both dates, nothing to do if they are right`
      }
    }
}

import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { enough, nothing, tooLittle } from '../ground.js'

export const procedureMatchesDisease: Check<NoParams> = {
  description: 'A vaccination procedure that is known belongs to the target diseases sent.',
  rules: ['procedure-of-other-disease'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    (_params, { codes }) =>
    ({ facts }) => {
      if (facts.procedureCodes.length === 0) return nothing('the vaccination procedure: none is coded')
      return facts.procedureCodes.some((code) => codes.typesOfProcedure(code) !== undefined)
        ? enough('the diseases the vaccination procedure is known for against the target diseases')
        : tooLittle('the vaccination procedure, which is in no table of the Hub')
    },
  compile:
    (_params, { programme, codes }) =>
    ({ facts }) => {
      const known = facts.procedureCodes.flatMap((code) => codes.typesOfProcedure(code) ?? [])
      if (known.length === 0 || known.some((types) => types.has(programme.vaccineType))) return undefined
      const names = [...new Set(known.flatMap((types) => [...types]))].join(', ')
      return {
        rule: 'procedure-of-other-disease',
        code: 'business-rule',
        expression: ['Immunization.extension', 'Immunization.protocolApplied[0].targetDisease'],
        text: `the target diseases say ${programme.vaccineType}, but the vaccination procedure is known for ${names}; correct the one that is wrong`
      }
    }
}

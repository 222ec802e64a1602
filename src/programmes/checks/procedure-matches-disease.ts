import { NO_PARAMS, type Check, type NoParams } from '../check.js'

export const procedureMatchesDisease: Check<NoParams> = {
  description: 'A vaccination procedure that is known belongs to the target diseases sent.',
  rules: ['procedure-of-other-disease'],
  appliesTo: 'given',
  params: NO_PARAMS,
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

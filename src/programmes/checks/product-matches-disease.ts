import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { enough, nothing, tooLittle } from '../ground.js'

export const productMatchesDisease: Check<NoParams, CheckScope> = {
  description: 'A product that is known protects against the target diseases sent.',
  rules: ['product-of-other-disease'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    (_params, { codes }) =>
    ({ facts }) => {
      if (facts.productCode === undefined) return nothing('the product: none is coded')
      return facts.vaccineType === undefined || codes.typesOfProduct(facts.productCode) === undefined
        ? tooLittle('the product or the target diseases, which are in no table of the Hub')
        : enough('the diseases the product is known for against the target diseases')
    },
  compile:
    (_params, { codes }) =>
    ({ facts }) => {
      if (facts.productCode === undefined || facts.vaccineType === undefined) return undefined
      const types = codes.typesOfProduct(facts.productCode)
      if (types === undefined || types.has(facts.vaccineType)) return undefined
      return {
        rule: 'product-of-other-disease',
        code: 'business-rule',
        expression: ['Immunization.vaccineCode', 'Immunization.protocolApplied[0].targetDisease'],
        text: `the target diseases say ${facts.vaccineType}, but the product is known as ${[...types].join(', ')}; correct the one that is wrong`
      }
    }
}

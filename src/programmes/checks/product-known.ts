import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { isWithin } from '../day-range.js'
import { enough, nothing } from '../ground.js'

export const productKnown: Check<NoParams> = {
  description: 'The product, where one is coded, is a product of this programme on the day of vaccination.',
  rules: ['unknown-product'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look:
    (_params, { programme, codes }) =>
    ({ facts }) => {
      if (facts.productCode === undefined) return nothing('the product: none is coded')
      const isOther = codes.typesOfProduct(facts.productCode)?.has(programme.vaccineType) === false
      return isOther
        ? nothing('the product, which is of other diseases: productMatchesDisease speaks of it')
        : enough(`the product against the ${programme.products.length} of the programme`)
    },
  compile: (_params, { programme, codes }) => {
    const products = new Map(programme.products.map((product) => [product.code, product]))
    return ({ facts, occurrence }) => {
      if (facts.productCode === undefined) return undefined
      const product = products.get(facts.productCode)
      const period = { from: product?.from ?? '0000-01-01', ...(product?.to === undefined ? {} : { to: product.to }) }
      if (product !== undefined && isWithin(occurrence, period) !== 'no') return undefined
      // A product known for other diseases only is the matter of productMatchesDisease.
      const types = codes.typesOfProduct(facts.productCode)
      if (types !== undefined && !types.has(programme.vaccineType)) return undefined
      return {
        rule: 'unknown-product',
        code: 'business-rule',
        expression: ['Immunization.vaccineCode'],
        text: `the product is not among those of "${programme.title}" on the day of vaccination; check the code, nothing to do if it is right`
      }
    }
  }
}

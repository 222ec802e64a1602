import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { enough, nothing, tooLittle } from '../ground.js'

export const routeSuitsProduct: Check<NoParams> = {
  description: 'The product can be given by the route sent.',
  rules: ['route-unsuited-to-product'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look: (_params, { programme }) => {
    const products = new Map(programme.products.map((product) => [product.code, product]))
    return ({ facts }) => {
      if (facts.productCode === undefined || facts.routeCode === undefined)
        return nothing('product and route: one of them is not coded')
      const routes = products.get(facts.productCode)?.routes
      return routes === undefined
        ? tooLittle('the product, of which the file has no routes')
        : enough(`the route against those of the product (SNOMED CT ${routes.join(' or ')})`)
    }
  },
  compile: (_params, { programme }) => {
    const products = new Map(programme.products.map((product) => [product.code, product]))
    return ({ facts }) => {
      if (facts.productCode === undefined || facts.routeCode === undefined) return undefined
      const product = products.get(facts.productCode)
      if (product?.routes === undefined || product.routes.includes(facts.routeCode)) return undefined
      return {
        rule: 'route-unsuited-to-product',
        code: 'value',
        expression: ['Immunization.route', 'Immunization.vaccineCode'],
        text: `"${product.display}" is not given by this route (expected SNOMED CT ${product.routes.join(' or ')}); correct route or vaccineCode`,
        restsOn: product.certainty
      }
    }
  }
}

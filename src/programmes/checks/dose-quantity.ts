import type { ImmunizationFacts } from '../../fhir/immunization.js'
import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import { enough, nothing, tooLittle } from '../ground.js'

// Half a nasal dose (one nostril) is 0.5 of the whole and must pass.
const LEAST_SHARE = 0.4
const GREATEST_SHARE = 2
const MILLILITRE_CODES: ReadonlySet<string> = new Set(['ml', 'mL', '258773002'])
const MILLILITRE_TEXT = /^\s*(ml|millilit(re|er)s?)\s*$/i

export const doseQuantity: Check<NoParams> = {
  description: 'The dose quantity, where it is in millilitres, is between 0.4 and 2 times the volume of the product.',
  rules: ['dose-quantity-unusual'],
  appliesTo: 'given',
  params: NO_PARAMS,
  look: (_params, { programme }) => {
    const volumes = new Map(programme.products.map((product) => [product.code, product.doseMl]))
    return ({ facts }) => {
      if (facts.doseQuantity === undefined) return nothing('the dose quantity: none was sent')
      if (!isInMillilitres(facts.doseQuantity)) return tooLittle('the dose quantity, which is not in millilitres')
      const volume = facts.productCode === undefined ? undefined : volumes.get(facts.productCode)
      return volume === undefined
        ? tooLittle('the product, whose volume is not known')
        : enough(`the dose quantity against ${volume} ml`)
    }
  },
  compile: (_params, { programme }) => {
    const volumes = new Map(programme.products.map((product) => [product.code, product.doseMl]))
    return ({ facts }) => {
      const volume = facts.productCode === undefined ? undefined : volumes.get(facts.productCode)
      if (volume === undefined || facts.doseQuantity === undefined || !isInMillilitres(facts.doseQuantity))
        return undefined
      const share = facts.doseQuantity.value / volume
      if (share >= LEAST_SHARE && share <= GREATEST_SHARE) return undefined
      return {
        rule: 'dose-quantity-unusual',
        code: 'value',
        expression: ['Immunization.doseQuantity'],
        text: `a dose of this product is ${volume} ml, what was sent is far from it; check value and unit`
      }
    }
  }
}

// Suppliers also send the unit "pre-filled disposable injection": a count, which cannot be compared.
function isInMillilitres(quantity: NonNullable<ImmunizationFacts['doseQuantity']>): boolean {
  if (quantity.code !== undefined) return MILLILITRE_CODES.has(quantity.code)
  return quantity.unit !== undefined && MILLILITRE_TEXT.test(quantity.unit)
}

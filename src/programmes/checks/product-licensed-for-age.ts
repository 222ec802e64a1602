import { describeAge, parseAge, reachedAge, type Age } from '../age.js'
import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import type { Certainty, ProgrammeProduct } from '../programme.js'

interface Licence {
  from?: Age
  before?: Age
  certainty: Certainty
}

export const productLicensedForAge: Check<NoParams> = {
  description: 'The patient has an age for which the product is licensed.',
  rules: ['age-outside-licence'],
  appliesTo: 'given',
  params: NO_PARAMS,
  compile: (_params, { programme }) => {
    const licences = new Map(
      programme.products.flatMap((product) => (product.code ? [[product.code, licenceOf(product)]] : []))
    )
    return ({ facts, birth, occurrence, paths }) => {
      const licence = facts.productCode === undefined ? undefined : licences.get(facts.productCode)
      if (licence === undefined || birth === undefined) return undefined
      const tooYoung = licence.from !== undefined && reachedAge(birth, licence.from, occurrence) === 'no'
      const tooOld = licence.before !== undefined && reachedAge(birth, licence.before, occurrence) === 'yes'
      if (!tooYoung && !tooOld) return undefined
      return {
        rule: 'age-outside-licence',
        code: 'business-rule',
        expression: ['Immunization.vaccineCode', `${paths.patient}.birthDate`],
        text: `the product is licensed ${describeLicence(licence)}; check product, birthDate and day of vaccination`,
        restsOn: licence.certainty
      }
    }
  }
}

function licenceOf(product: ProgrammeProduct): Licence {
  return {
    ...(product.licensedMinAge === undefined ? {} : { from: parseAge(product.licensedMinAge) }),
    ...(product.licensedMaxAgeBefore === undefined ? {} : { before: parseAge(product.licensedMaxAgeBefore) }),
    certainty: product.licenceCertainty ?? product.certainty
  }
}

function describeLicence({ from, before }: Licence): string {
  const parts = [
    ...(from === undefined ? [] : [`from ${describeAge(from)}`]),
    ...(before === undefined ? [] : [`until before ${describeAge(before)}`])
  ]
  return parts.join(' ')
}

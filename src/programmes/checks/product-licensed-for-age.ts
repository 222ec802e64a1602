import { describeAge, parseAge, reachedAge, type Age } from '../age.js'
import { NO_PARAMS, type Check, type NoParams } from '../check.js'
import type { Certainty, Programme, ProgrammeProduct } from '../programme.js'
import { enough, NO_BIRTH_DATE, nothing, tooLittle } from '../ground.js'

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
  look: (_params, { programme }) => {
    const licences = licencesOf(programme)
    return ({ facts, birth, occurrence }) => {
      if (facts.productCode === undefined) return nothing('the product: none is coded')
      const licence = licences.get(facts.productCode)
      if (licence === undefined || (licence.from ?? licence.before) === undefined)
        return nothing('the product, of which the file has no licence ages')
      if (birth === undefined) return NO_BIRTH_DATE
      const saw = `the age on the day of vaccination against the licence, ${describeLicence(licence)}`
      const isOpen = [licence.from, licence.before].some(
        (age) => age !== undefined && reachedAge(birth, age, occurrence) === 'unknown'
      )
      return isOpen ? tooLittle(`${saw}; a partial date leaves it open`) : enough(saw)
    }
  },
  compile: (_params, { programme }) => {
    const licences = licencesOf(programme)
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

function licencesOf({ products }: Programme): ReadonlyMap<string, Licence> {
  return new Map(products.flatMap((product) => (product.code ? [[product.code, licenceOf(product)]] : [])))
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

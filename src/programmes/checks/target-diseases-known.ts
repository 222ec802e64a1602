import { nearestVaccineType, VACCINE_TYPES } from '../../fhir/vaccine-types.js'
import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { enough } from '../ground.js'

export const targetDiseasesKnown: Check<NoParams, CheckScope> = {
  description: 'The target diseases are exactly those of one of the 19 NHS vaccine types.',
  rules: ['target-diseases-unknown'],
  appliesTo: 'every-status',
  params: NO_PARAMS,
  look: () => () => enough('the target diseases against those of the NHS vaccine types'),
  compile:
    () =>
    ({ facts }) => {
      if (facts.vaccineType !== undefined) return undefined
      return {
        rule: 'target-diseases-unknown',
        code: 'code-invalid',
        expression: ['Immunization.protocolApplied[0].targetDisease'],
        text: `the target diseases must be exactly the SNOMED CT codes of one NHS vaccine type; ${advise(facts.targetDiseases)}`
      }
    }
}

function advise(targetDiseases: readonly string[]): string {
  if (targetDiseases.length === 0) return 'none was found: send every disease the vaccine protects against'
  const nearest = nearestVaccineType(targetDiseases)
  if (nearest === undefined)
    return `none of those sent is known; known types are ${Object.keys(VACCINE_TYPES).join(', ')}`
  return `the nearest known set is ${nearest}: ${VACCINE_TYPES[nearest].join(', ')}`
}

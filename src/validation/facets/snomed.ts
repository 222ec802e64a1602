// A Coding of SNOMED CT or dm+d: the code must have the form of an identifier. Membership needs a terminology server, the
// form does not. A post-coordinated expression is no identifier and is left alone. A warning: no profile demands it.
import type { Check } from '../check.js'
import { BASE_R4 } from '../definitions/element-tree.js'
import { isObject } from '../definitions/structure-definition.js'
import { DMD_SYSTEM, SNOMED_SYSTEM } from '../../fhir/identifier-systems.js'
import { below, report } from '../run.js'
import { isSnomedConceptId } from '../../fhir/snomed.js'

export function buildSnomedForm(): Check {
  return {
    passes(value, _owner, run) {
      if (!isWellFormed(value)) run.hasRemarks = true
      return true
    },
    explain(value, _owner, place, run) {
      if (isWellFormed(value)) return
      const what = 'is not a SNOMED CT identifier (6 to 18 digits, check digit last); look for a digit lost or swapped'
      report(run, BASE_R4, 'snomed-form', below(place, 'code'), what)
    }
  }
}

function isWellFormed(value: unknown): boolean {
  if (!isObject(value)) return true
  const { system, code } = value
  if (typeof code !== 'string' || (system !== SNOMED_SYSTEM && system !== DMD_SYSTEM)) return true
  return isExpression(code) || isSnomedConceptId(code)
}

function isExpression(code: string): boolean {
  return /[ :+|={]/.test(code)
}

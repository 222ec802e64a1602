// The system and code of a Coding, the system of an Identifier: asked once for each object, after its members.
import { BASE_R4 } from '../definitions/element-tree.js'
import { isSnomedConceptId } from '../../fhir/snomed.js'
import { DMD_SYSTEM, SNOMED_SYSTEM } from '../../fhir/identifier-systems.js'
import { below, report } from '../run.js'
import { isAbsoluteUri, reportRelative } from './absolute-uri.js'
import type { InvariantCheck } from './invariant.js'

/** `system` is an absolute URI: a relative one means something else to every reader. */
export function buildAbsoluteSystem(): InvariantCheck {
  return {
    passes: ({ system }) => isRightSystem(system),
    explain({ system }, place, run) {
      if (!isRightSystem(system)) reportRelative(below(place, 'system'), run)
    }
  }
}

/**
 * A code of SNOMED CT or dm+d has the form of an identifier. Membership needs a terminology server, the form does not.
 * A post-coordinated expression is no identifier and is left alone. A warning: no profile demands it.
 */
export function buildSnomedForm(): InvariantCheck {
  return {
    passes({ system, code }, run) {
      if (!isRightCode(system, code)) run.hasRemarks = true
      return true
    },
    explain({ system, code }, place, run) {
      if (isRightCode(system, code)) return
      const what = 'is not a SNOMED CT identifier (6 to 18 digits, check digit last); look for a digit lost or swapped'
      report(run, BASE_R4, 'snomed-form', below(place, 'code'), what)
    }
  }
}

// What is no text is left to the rules of its type.
function isRightSystem(system: unknown): boolean {
  return typeof system !== 'string' || isAbsoluteUri(system) || system.trim() === ''
}

function isRightCode(system: unknown, code: unknown): boolean {
  if (typeof code !== 'string' || (system !== SNOMED_SYSTEM && system !== DMD_SYSTEM)) return true
  return isSnomedConceptId(code) || isExpression(code)
}

function isExpression(code: string): boolean {
  return /[ :+|={]/.test(code)
}

// Systems are absolute URIs: a relative one means something else to every reader.
// http://hl7.org/fhir/R4/terminologies.html#system, http://hl7.org/fhir/R4/datatypes.html#Identifier
import type { Check } from '../check.js'
import { BASE_R4 } from '../definitions/element-tree.js'
import { isObject } from '../definitions/structure-definition.js'
import { below, type Place, report, type Run } from '../run.js'

/** `system` of a Coding or Identifier. What is no text is left to the rules of its type. */
export function buildAbsoluteSystem(): Check {
  const isRight = (value: unknown): boolean => {
    const system = isObject(value) ? value['system'] : undefined
    return typeof system !== 'string' || isAbsoluteUri(system) || system.trim() === ''
  }
  return {
    passes: isRight,
    explain(value, _owner, place, run) {
      if (!isRight(value)) reportRelative(below(place, 'system'), run)
    }
  }
}

export function reportRelative(at: Place, run: Run): void {
  report(run, BASE_R4, 'absolute-uri', at, 'must be an absolute URI, for example https://… or urn:oid:…')
}

/** Begins with a scheme. */
export function isAbsoluteUri(text: string): boolean {
  return text.startsWith('http:') || text.startsWith('https:') || /^[A-Za-z][A-Za-z0-9+.-]{0,30}:/.test(text)
}

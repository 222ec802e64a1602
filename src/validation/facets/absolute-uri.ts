// Systems and the urls of extensions are absolute URIs.
// http://hl7.org/fhir/R4/terminologies.html#system, http://hl7.org/fhir/R4/datatypes.html#Identifier
import { BASE_R4 } from '../definitions/element-tree.js'
import { type Place, report, type Run } from '../run.js'

export function reportRelative(at: Place, run: Run): void {
  report(run, BASE_R4, 'absolute-uri', at, 'must be an absolute URI, for example https://… or urn:oid:…')
}

/** Begins with a scheme. */
export function isAbsoluteUri(text: string): boolean {
  return text.startsWith('http:') || text.startsWith('https:') || /^[A-Za-z][A-Za-z0-9+.-]{0,30}:/.test(text)
}

// Invariants of every DomainResource: what contained resources may be, and the narrative.
import { isObject, type JsonObject } from '../definitions/structure-definition.js'
import { below, itemOf, type Place, type Run } from '../run.js'
import type { NativeInvariants } from './native-invariant.js'
import { objectsOf } from './read.js'

export const CONTAINED_INVARIANTS: NativeInvariants = {
  'dom-2': {
    expressions: ['contained.contained.empty()'],
    remedy: 'a contained resource may not contain others; put them all side by side',
    holds: (resource) => objectsOf(resource['contained']).every((contained) => contained['contained'] === undefined),
    explain: (resource, place) => placesOf(resource, place, (contained) => contained['contained'] !== undefined)
  },
  // The official expression throws in fhirpath.js (as() on a collection) and prints ids; this is its meaning: every
  // contained resource is named by a reference or URI of the whole, or refers to its container itself.
  'dom-3': {
    expressions: [
      "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | %resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()",
      "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | %resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(uri) = '#').exists()).not()).trace('unmatched', id).empty()"
    ],
    remedy: 'nothing refers to this contained resource; refer to it as #id, or remove it',
    holds: (resource, run) =>
      run.inContained || objectsOf(resource['contained']).every((contained) => isUsed(contained, run)),
    explain: (resource, place, run) => placesOf(resource, place, (contained) => !isUsed(contained, run))
  },
  'dom-4': {
    expressions: ['contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()'],
    remedy: 'a contained resource has no versionId and no lastUpdated; remove them',
    holds: (resource) => objectsOf(resource['contained']).every((contained) => !hasVersion(contained)),
    explain: (resource, place) => placesOf(resource, place, hasVersion)
  },
  'dom-5': {
    expressions: ['contained.meta.security.empty()'],
    remedy: 'a contained resource has no security label; label the whole instead',
    holds: (resource) => objectsOf(resource['contained']).every((contained) => !hasMeta(contained, 'security')),
    explain: (resource, place) => placesOf(resource, place, (contained) => hasMeta(contained, 'security'))
  },
  // A recommendation: NHS services show it as information, and contained resources have no narrative of their own.
  'dom-6': {
    expressions: ['text.`div`.exists()', 'text.div.exists()'],
    remedy: 'a narrative in text.div is recommended for people who read the record',
    severity: 'information',
    holds: (resource, run) => run.inContained || (isObject(resource['text']) && resource['text']['div'] !== undefined)
  }
}

function isUsed(contained: JsonObject, run: Run): boolean {
  const { id } = contained
  if (typeof id === 'string' && run.localTargets?.has(id) === true) return true
  return run.tiedContained?.has(contained) === true
}

function hasVersion(contained: JsonObject): boolean {
  return hasMeta(contained, 'versionId') || hasMeta(contained, 'lastUpdated')
}

function hasMeta(contained: JsonObject, name: string): boolean {
  return isObject(contained['meta']) && contained['meta'][name] !== undefined
}

function placesOf(resource: JsonObject, place: Place, isAtFault: (contained: JsonObject) => boolean): Place[] {
  const list = below(place, 'contained')
  const contained: unknown[] = Array.isArray(resource['contained']) ? resource['contained'] : []
  return contained.flatMap((one, index) => (isObject(one) && isAtFault(one) ? [itemOf(list, index)] : []))
}

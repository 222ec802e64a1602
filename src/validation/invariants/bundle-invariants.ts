// Invariants of Bundle. http://hl7.org/fhir/R4/bundle.html#invs
import { isObject, type JsonObject } from '../definitions/structure-definition.js'
import type { NativeInvariants } from './native-invariant.js'
import { has, objectsOf } from './read.js'

const REQUEST_TYPES = ['batch', 'transaction', 'history']
const RESPONSE_TYPES = ['batch-response', 'transaction-response', 'history']

export const BUNDLE_INVARIANTS: NativeInvariants = {
  'bdl-1': {
    expressions: ["total.empty() or (type = 'searchset') or (type = 'history')"],
    remedy: 'only a searchset or history has a total; remove it',
    holds: (bundle) => !has(bundle, 'total') || isOfType(bundle, ['searchset', 'history'])
  },
  'bdl-2': {
    expressions: ["entry.search.empty() or (type = 'searchset')"],
    remedy: 'only a searchset has entry.search; remove it',
    holds: (bundle) => isOfType(bundle, ['searchset']) || entriesOf(bundle).every((entry) => !has(entry, 'search'))
  },
  'bdl-3': {
    expressions: [
      "entry.all(request.exists() = (%resource.type = 'batch' or %resource.type = 'transaction' or %resource.type = 'history'))"
    ],
    remedy: 'every entry of a batch, transaction or history has a request, and no other entry has one',
    holds: (bundle) => entriesOf(bundle).every((entry) => has(entry, 'request') === isOfType(bundle, REQUEST_TYPES))
  },
  'bdl-4': {
    expressions: [
      "entry.all(response.exists() = (%resource.type = 'batch-response' or %resource.type = 'transaction-response' or %resource.type = 'history'))"
    ],
    remedy: 'every entry of a response or history has a response, and no other entry has one',
    holds: (bundle) => entriesOf(bundle).every((entry) => has(entry, 'response') === isOfType(bundle, RESPONSE_TYPES))
  },
  'bdl-5': {
    expressions: ['resource.exists() or request.exists() or response.exists()'],
    remedy: 'an entry needs a resource, a request or a response',
    holds: (entry) => has(entry, 'resource') || has(entry, 'request') || has(entry, 'response')
  },
  'bdl-7': {
    expressions: [
      "(type = 'history') or entry.where(fullUrl.exists()).select(fullUrl&resource.meta.versionId).isDistinct()"
    ],
    remedy: 'no two entries have the same fullUrl and version',
    holds(bundle) {
      if (isOfType(bundle, ['history'])) return true
      const keys = entriesOf(bundle)
        .filter((entry) => has(entry, 'fullUrl'))
        .map(keyOf)
      return new Set(keys).size === keys.length
    }
  },
  'bdl-8': {
    expressions: ["fullUrl.contains('/_history/').not()"],
    remedy: 'fullUrl names no version; remove /_history/',
    holds: ({ fullUrl }) => typeof fullUrl !== 'string' || !fullUrl.includes('/_history/')
  },
  'bdl-9': {
    expressions: ["type = 'document' implies (identifier.system.exists() and identifier.value.exists())"],
    remedy: 'a document has an identifier with system and value',
    holds(bundle) {
      const { identifier } = bundle
      if (!isOfType(bundle, ['document'])) return true
      return isObject(identifier) && has(identifier, 'system') && has(identifier, 'value')
    }
  },
  'bdl-10': {
    expressions: ["type = 'document' implies (timestamp.hasValue())"],
    remedy: 'a document has a timestamp',
    holds: (bundle) => !isOfType(bundle, ['document']) || typeof bundle['timestamp'] === 'string'
  },
  'bdl-11': {
    expressions: ["type = 'document' implies entry.first().resource.is(Composition)"],
    remedy: 'the first entry of a document is a Composition',
    holds: (bundle) => !isOfType(bundle, ['document']) || firstType(bundle) === 'Composition'
  },
  'bdl-12': {
    expressions: ["type = 'message' implies entry.first().resource.is(MessageHeader)"],
    remedy: 'the first entry of a message is a MessageHeader',
    holds: (bundle) => !isOfType(bundle, ['message']) || firstType(bundle) === 'MessageHeader'
  }
}

function isOfType(bundle: JsonObject, types: readonly string[]): boolean {
  return types.includes(String(bundle['type']))
}

function entriesOf(bundle: JsonObject): JsonObject[] {
  return objectsOf(bundle['entry'])
}

function firstType(bundle: JsonObject): unknown {
  const resource = entriesOf(bundle)[0]?.['resource']
  return isObject(resource) ? resource['resourceType'] : undefined
}

function keyOf({ fullUrl, resource }: JsonObject): string {
  const meta = isObject(resource) ? resource['meta'] : undefined
  const versionId = isObject(meta) ? meta['versionId'] : undefined
  return JSON.stringify([fullUrl, versionId])
}

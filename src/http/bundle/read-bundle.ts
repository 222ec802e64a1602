// A Bundle as it was sent, taken apart: entries with their resources as text. http://hl7.org/fhir/R4/http.html#transaction
import type { Issue } from '../../fhir/issue.js'
import { itemTexts } from '../../fhir/json-parts.js'
import { FhirError } from '../../fhir/operation-outcome.js'
import { findMembers, type ParsedJson } from '../../fhir/parse-json.js'
import { doorFault } from '../door-fault.js'

export interface BundleRequest {
  type: 'batch' | 'transaction'
  /** As received. */
  text: string
  entries: readonly BundleEntry[]
}

export interface BundleEntry {
  /** From 0, as in Bundle.entry[0]. */
  index: number
  fullUrl?: string
  request: EntryRequest
  /** Undefined where there is none, or none that is an object. */
  resource?: ParsedJson
  /** What is wrong with the entry itself; the request may not be read then. */
  faults: Issue[]
}

export interface EntryRequest {
  method: string
  url: string
  ifMatch?: string
  ifNoneExist?: string
  ifNoneMatch?: string
  ifModifiedSince?: string
}

export const MAX_ENTRIES = 200
const BUNDLE_DEFINITION = 'http://hl7.org/fhir/StructureDefinition/Bundle'

/**
 * `judge` says what a profile says of a resource. Of a faulty entry only that entry is refused, if it is one at all.
 * @throws FhirError 400 for what is no batch or transaction, 413 for too many entries
 */
export function readBundle(
  { text, value, members }: ParsedJson,
  judge: (value: unknown, profile: string) => Issue[]
): BundleRequest {
  const bundle = value as { resourceType?: unknown; type?: unknown; entry?: unknown } | null
  const type = typeof bundle === 'object' && bundle?.resourceType === 'Bundle' ? bundle.type : undefined
  if (type !== 'batch' && type !== 'transaction')
    throw doorFault(400, 'invalid', 'bundle-type', 'the base URL takes a Bundle of type batch or transaction')
  const items: unknown[] = Array.isArray(bundle?.entry) ? bundle.entry : []
  if (items.length > MAX_ENTRIES) {
    const much = `a Bundle has at most ${MAX_ENTRIES} entries here; nothing was stored, send it in parts`
    throw doorFault(413, 'too-costly', 'bundle-too-many-entries', much)
  }
  const span = members.get('entry')
  const texts = Array.isArray(bundle?.entry) && span ? itemTexts(text.slice(span.valueStart, span.end)) : []
  const shell = { ...bundle, ...(bundle?.entry === items ? { entry: items.map(withoutResource) } : {}) }
  const faults = judge(shell, BUNDLE_DEFINITION).filter(({ severity }) => severity === 'error' || severity === 'fatal')
  const isShapeless = items.some((item) => !isObject(item)) || faults.some((fault) => entryOf(fault) === undefined)
  if (isShapeless) throw new FhirError(400, faults)
  return {
    type,
    text,
    entries: items.map((item, index) => {
      const own = faults.filter((fault) => entryOf(fault) === index)
      return readEntry(index, item, texts[index] ?? '', own)
    })
  }
}

function entryOf({ expression }: Issue): number | undefined {
  const index = /^Bundle\.entry\[(\d+)\]/.exec(expression?.[0] ?? '')?.[1]
  return index === undefined ? undefined : Number(index)
}

// The resources are judged by themselves. An entry without a request is that entry's fault, not (bdl-3) the Bundle's.
function withoutResource(item: unknown): unknown {
  if (!isObject(item)) return item
  const { request = { method: 'GET', url: 'Immunization' } } = item
  const rest = Object.entries(item).filter(([name]) => name !== 'resource')
  return { ...Object.fromEntries(rest), request }
}

function readEntry(index: number, item: unknown, text: string, faults: Issue[]): BundleEntry {
  const entry = isObject(item) ? item : {}
  const span = isObject(item) ? findMembers(text).get('resource') : undefined
  const { fullUrl, request, resource } = entry
  if (isObject(item) && request === undefined) faults.push(requestMissing(index))
  return {
    index,
    request: faults.length === 0 ? (request as EntryRequest) : { method: '', url: '' },
    faults,
    ...(typeof fullUrl === 'string' ? { fullUrl } : {}),
    ...(isObject(resource) && span ? { resource: parsed(text.slice(span.valueStart, span.end), resource) } : {})
  }
}

function parsed(text: string, value: object): ParsedJson {
  return { text, value, members: findMembers(text) }
}

function requestMissing(index: number): Issue {
  return {
    severity: 'error',
    code: 'required',
    layer: 'base',
    rule: 'bundle-entry-request',
    text: 'every entry of a batch or transaction says what to do with it: request.method and request.url',
    expression: [`Bundle.entry[${index}].request`]
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

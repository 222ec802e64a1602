// Requests that nobody should send: methods, paths, queries, headers and bodies at random, most of them near to valid
// ones, so that they come past the first check.
import fc, { type Arbitrary } from 'fast-check'
import type { Request } from '../conformance/send.js'
import { baseResource } from '../conformance/bodies.js'
import { startVariables } from '../conformance/variables.js'

export interface FuzzTarget {
  /** The FHIR base. */
  base: string
  token: string
  /** Ids of records that are there. */
  ids: readonly string[]
}

const TRAPS = [
  '',
  '%00',
  '%',
  '%zz',
  '%ff',
  '..',
  '%2e%2e%2f',
  "'",
  '"',
  '|',
  ',',
  '\\',
  '$',
  '__proto__',
  'constructor',
  'null',
  '-1',
  '99999999999999999999',
  '1e999',
  'https://fhir.nhs.uk/Id/nhs-number|9990013675',
  'ge2026-10-10',
  '2026-02-30',
  '2026-10-10T10:15:00+01:00',
  'W/"1"',
  '*',
  'true',
  'completed',
  'Immunization:patient',
  'a'.repeat(3000),
  '\u{1F489}'
]
const PARAMETERS = [
  ...['_id', 'identifier', 'patient.identifier', 'patient:identifier', 'date', 'status', 'status:not', 'vaccine-code'],
  ...['target-disease', 'lot-number', 'location', 'performer', '_lastUpdated', '_profile', '_count', '_sort', '_total'],
  ...['_summary', '_elements', '_include', '_revinclude', '_format', '_pretty', '_since', '_at', '_cursor', 'mode'],
  ...['profile', '-hub.alternates', 'status:missing', 'date:banana']
]
const HEADERS = [
  ...['accept', 'accept-encoding', 'content-type', 'content-encoding', 'if-match', 'if-none-match', 'e-tag', 'prefer'],
  ...['if-modified-since', 'if-none-exist', 'x-request-id', 'x-correlation-id', 'idempotency-key', 'x-forwarded-host'],
  ...['authorization', 'cookie', 'expect', 'range', 'forwarded', 'x-http-method-override']
]
const HEADER_VALUES = [
  ...['application/fhir+json', 'application/json', 'application/json-patch+json', 'application/x-www-form-urlencoded'],
  ...['text/html', 'application/fhir+json;fhirVersion=5.0', 'application/fhir+json; charset=utf-16', '*/*;q=0', 'gzip'],
  ...['br', 'zstd', 'W/"1"', '"1", "2"', '*', 'return=minimal', 'return=OperationOutcome, handling=lenient'],
  ...['respond-async', 'identifier=a|b', 'Sun, 22 Nov 2026 10:00:00 GMT', 'Bearer x.y.z', 'bytes=0-1', ';;==,,']
]

export function requestsTo({ base, token, ids }: FuzzTarget): Arbitrary<Request> {
  const { pathname } = new URL(base)
  return fc
    .record({
      method: oneOf(['GET', 'GET', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']),
      path: pathsBelow(pathname, ids),
      query: fc.array(fc.tuple(fc.oneof(oneOf(PARAMETERS), words()), fc.oneof(oneOf(TRAPS), words())), {
        maxLength: 4
      }),
      headers: fc.array(fc.tuple(oneOf(HEADERS), fc.oneof(oneOf(HEADER_VALUES), headerValues())), { maxLength: 3 }),
      encodes: fc.boolean(),
      body: fc.option(bodiesLike(base), { nil: undefined })
    })
    .map(({ method, path, query, headers, encodes, body }) => {
      const pairs = query.map(([name, value]) => (encodes ? `${quote(name)}=${quote(value)}` : `${name}=${value}`))
      return {
        method,
        target: onWire(pairs.length === 0 ? path : `${path}?${pairs.join('&')}`),
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
          ...Object.fromEntries(headers.filter(([name]) => name !== 'expect' || body === undefined))
        },
        ...(body === undefined ? {} : { body })
      }
    })
}

function pathsBelow(base: string, ids: readonly string[]): Arbitrary<string> {
  const segment = fc.oneof(
    oneOf([...ids, 'Immunization', '_history', '_search', '$validate', '1', '2', 'metadata', 'Task', 'Provenance']),
    oneOf(TRAPS),
    words()
  )
  const known = oneOf(['', '/Immunization', '/Immunization/_search', '/Immunization/$validate', '/metadata'])
  const record = fc.tuple(oneOf(ids), oneOf(['', '/_history', '/_history/1', '/_history/9', '/$validate']))
  const anywhere = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`)
  return fc.oneof(
    known.map((path) => `${base}${path}`),
    record.map(([id, rest]) => `${base}/Immunization/${id}${rest}`),
    anywhere.map((path) => `${base}${path}`),
    anywhere.map((path) => `/ops${path}`),
    anywhere
  )
}

/** Valid records with something wrong, Bundles and patches of them, other JSON, and bytes. */
function bodiesLike(base: string): Arbitrary<Buffer> {
  const valid = JSON.stringify(baseResource('flu', startVariables(base, {})))
  const mutated = fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.nat(), fc.boolean()).map(([value, at, removes]) => {
    const resource = JSON.parse(valid) as Record<string, unknown>
    mutate(resource, at, removes ? undefined : value)
    return JSON.stringify(resource)
  })
  const entry = fc.tuple(mutated, oneOf(['POST', 'PUT', 'GET', 'DELETE', 'PATCH', 'X']), oneOf(TRAPS))
  const bundle = fc
    .tuple(oneOf(['batch', 'transaction', 'searchset', 'x']), fc.array(entry, { maxLength: 3 }))
    .map(([type, entries]) => {
      const parts = entries.map(([text, method, url]) => {
        const request = { method, url: url.length < 9 ? `Immunization${url}` : url }
        return `{"resource":${text},"request":${JSON.stringify(request)}}`
      })
      return `{"resourceType":"Bundle","type":"${type}","entry":[${parts.join(',')}]}`
    })
  const patch = fc
    .array(fc.record({ op: oneOf(['add', 'remove', 'replace', 'test', 'copy', 'x']), path: oneOf(POINTERS) }))
    .map((operations) => JSON.stringify(operations))
  const cut = fc.tuple(mutated, fc.nat(), fc.string()).map(([text, at, inserted]) => {
    const middle = at % text.length
    return `${text.slice(0, middle)}${inserted}${text.slice(middle + (at % 7))}`
  })
  const texts = fc.oneof(mutated, mutated, bundle, patch, cut, fc.json())
  const flipped = fc.tuple(mutated, fc.nat(), fc.nat({ max: 255 })).map(([text, at, byte]) => {
    const bytes = Buffer.from(text)
    bytes[at % bytes.length] = byte
    return bytes
  })
  return fc.oneof(
    texts.map((text) => Buffer.from(text)),
    flipped,
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  )
}

const POINTERS = [
  '',
  '/',
  '/lotNumber',
  '/id',
  '/meta/versionId',
  '/contained/0',
  '/note/-',
  '/__proto__/x',
  'x',
  '/~2'
]

/** Changes the nth value, counted over the whole tree; undefined takes it out. */
function mutate(root: object, nth: number, value: unknown): void {
  const places: [parent: Record<string, unknown>, name: string][] = []
  const walk = (parent: object): void => {
    for (const [name, child] of Object.entries(parent)) {
      places.push([parent as Record<string, unknown>, name])
      if (typeof child === 'object' && child !== null) walk(child as object)
    }
  }
  walk(root)
  const [parent, name] = places[nth % places.length] ?? []
  if (parent === undefined || name === undefined) return
  if (value === undefined) Reflect.deleteProperty(parent, name)
  else parent[name] = value
}

function words(): Arbitrary<string> {
  return fc.string({ unit: 'grapheme', maxLength: 12 })
}

function headerValues(): Arbitrary<string> {
  return fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength: 30
  })
}

function oneOf<Value>(values: readonly Value[]): Arbitrary<Value> {
  return fc.constantFrom(...values)
}

function quote(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

// What Node's client does not put on the wire: the raw rows of the conformance suite do.
function onWire(target: string): string {
  return target.toWellFormed().replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character))
}

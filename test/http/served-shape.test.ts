// What is served is R4: required elements, codes of required value sets, and the JSON rules, written out by hand from
// http://hl7.org/fhir/R4 (linkage, task, provenance, auditevent, operationdefinition, searchparameter), checked 2026-11-22.
import t from 'tap'
import type { Test } from 'tap'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { matchesOf, openServedHub, postDoubtfulPair, postLinkedPair } from './served-calls.js'

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/
const REFERENCE = /^Immunization\/[0-9a-f-]{36}(?:\/_history\/[1-9]\d*)?$/

/** Paths that must be there, each with what a value looks like. */
const SHAPES: Record<string, Record<string, RegExp>> = {
  Linkage: { 'item.type': /^(?:source|alternate|historical)$/, 'item.resource.reference': REFERENCE },
  Task: {
    status: /^(?:requested|completed)$/,
    intent: /^order$/,
    'input.type.text': /./,
    'code.coding.code': /^\S+$/,
    authoredOn: INSTANT,
    lastModified: INSTANT
  },
  Provenance: {
    'target.reference': REFERENCE,
    recorded: INSTANT,
    'agent.who.identifier.value': /./,
    'entity.role': /^(?:derivation|revision|quotation|source|removal)$/,
    'entity.what.identifier.value': /./,
    'activity.coding.code': /^\S+$/
  },
  AuditEvent: {
    'type.code': /^\S+$/,
    recorded: INSTANT,
    action: /^[CRUDE]$/,
    outcome: /^(?:0|4|8|12)$/,
    'agent.requestor': /^(?:true|false)$/,
    'source.observer.identifier.value': /./
  },
  OperationDefinition: {
    url: /^https:\/\//,
    name: /^[A-Z]\w{0,254}$/,
    status: /^active$/,
    kind: /^operation$/,
    code: /^\S+$/,
    system: /^(?:true|false)$/,
    type: /^(?:true|false)$/,
    instance: /^(?:true|false)$/,
    'parameter.name': /^\w+$/,
    'parameter.use': /^(?:in|out)$/,
    'parameter.min': /^\d$/,
    'parameter.max': /^(?:\d|\*)$/
  },
  SearchParameter: {
    url: /^https:\/\//,
    name: /^[A-Z]\w{0,254}$/,
    status: /^active$/,
    description: /./,
    code: /^\S+$/,
    base: /^[A-Z]\w+$/,
    type: /^(?:number|date|string|token|reference|composite|quantity|uri|special)$/
  }
}

const hub = await openServedHub(t)
const { first } = await postLinkedPair(hub)
await postDoubtfulPair(hub)
const deleted = await hub.post(fluByPharmacy({ nhsNumber: '9990016410' }), 'pharmacy')
await hub.ask('DELETE', `/Immunization/${deleted}`, { client: 'pharmacy' })
await hub.get(`/Immunization/${first}`)
await hub.flushReads()

const QUERIES: Record<string, string> = {
  Linkage: `?item=${first}`,
  Provenance: `?target=${first},${deleted}`,
  Task: '?_count=50',
  AuditEvent: '?_count=100',
  OperationDefinition: '',
  SearchParameter: ''
}

for (const [type, shape] of Object.entries(SHAPES))
  t.test(`${type} is as R4 wants it`, async (t) => {
    const found = matchesOf(await hub.get(`/${type}${QUERIES[type] ?? ''}`))
    t.ok(found.length > 0)
    for (const resource of found) {
      t.equal(resource.resourceType, type)
      t.match(resource.id, /^[A-Za-z0-9.-]{1,64}$/)
      checkJson(t, resource, type)
      for (const [path, form] of Object.entries(shape)) {
        const values = valuesAt(resource, path.split('.'))
        t.ok(values.length > 0, `${type}.${path} is there`)
        for (const value of values) t.match(String(value), form, `${type}.${path}`)
      }
      if (resource.resourceType === 'Linkage') t.ok(resource.item.length >= 2, 'lnk-1')
      if (resource.resourceType === 'AuditEvent')
        for (const entity of resource.entity ?? []) t.notOk(entity.name !== undefined && entity.query, 'sev-1')
    }
  })

/** JSON of FHIR has no null, no empty string, list or object; http://hl7.org/fhir/R4/json.html */
function checkJson(t: Test, value: unknown, path: string): void {
  t.not(value, null, path)
  if (typeof value === 'string') t.ok(value.trim() !== '', `${path} says something`)
  if (typeof value !== 'object' || value === null) return
  t.ok(Object.keys(value).length > 0, `${path} is not empty`)
  for (const [key, part] of Object.entries(value)) checkJson(t, part, `${path}.${key}`)
}

function valuesAt(value: unknown, [name, ...rest]: string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((one) => valuesAt(one, name === undefined ? [] : [name, ...rest]))
  if (name === undefined) return [value]
  const part = (value as Record<string, unknown> | undefined)?.[name]
  return part === undefined ? [] : valuesAt(part, rest)
}

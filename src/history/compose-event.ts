// One Immunization made of the records of an event: each element as the record says it that knows it best, byte for byte.
// What the others say otherwise is told beside it.
import { agreesOn, chooseGiver, orderForComposing } from '../dedup/compose-event.js'
import { counts, type EventRecord } from '../dedup/survivor.js'
import { COMPOSED } from '../fhir/composed-tag.js'
import { canonicalElement } from '../fhir/content-hash.js'
import { parseJsonNode, type JsonMember } from '../fhir/json-node.js'
import type { EventMember } from '../storage/event-members.js'
import { createContainedParts, type ContainedParts } from './contained-parts.js'

export interface ComposedEvent {
  /** The Immunization as JSON text. It has no id: it is stored nowhere. */
  resource: string
  /** Elements shown from each record that gave one, as FHIRPath. */
  shown: { member: EventMember; paths: string[] }[]
  differences: { path: string; shown: EventMember; others: EventMember[] }[]
}

/** A record with its elements by name: an element and what stands beside it (`_lotNumber`) together. */
interface Part extends EventRecord {
  member: EventMember
  elements: ReadonlyMap<string, readonly JsonMember[]>
  values: Readonly<Record<string, unknown>>
}

/** Of the record that the view starts from alone: they change what its other elements mean. */
const OF_BASE_ALONE = ['status', 'implicitRules', 'language', 'modifierExtension', 'patient']
/** Written anew, or left out: a narrative tells of one record. */
const NOT_TAKEN = ['resourceType', 'id', 'meta', 'text', 'contained']
/** Every record has its own. */
const OF_EACH = 'identifier'

/** `members`: one at least. Where one counts, those that do not are left out. */
export function composeEvent(members: readonly EventMember[]): ComposedEvent {
  const survivor = members.find(({ role }) => role === 'source')
  const parts = orderForComposing(members.map(toPart), survivor?.recordId)
  const counting = parts.some(counts) ? parts.filter(counts) : parts
  const [base] = counting
  if (base === undefined) throw new Error('an event without a record was to be composed')
  const contained = createContainedParts(counting.map(({ member }) => member.body))
  const lot = chooseGiver('lotNumber', giversOf('lotNumber', counting), base)
  const paths = new Map<Part, string[]>()
  const differences: ComposedEvent['differences'] = []
  const texts: string[] = []

  for (const name of new Set(counting.flatMap(({ elements }) => [...elements.keys()]))) {
    if (name === OF_EACH) continue
    const givers = OF_BASE_ALONE.includes(name) ? [base] : giversOf(name, counting)
    const giver = chooseGiver(name, givers, base, lot)
    if (giver?.elements.has(name) !== true) continue
    const path = `Immunization.${name}`
    paths.set(giver, [...(paths.get(giver) ?? []), path])
    texts.push(contained.take(counting.indexOf(giver), giver.elements.get(name) ?? []))
    const others = giversOf(name, counting).filter((other) => !says(other, giver, name))
    if (others.length > 0) differences.push({ path, shown: giver.member, others: others.map(({ member }) => member) })
  }
  return {
    resource: write(counting, identifiersOf(counting, paths), texts, contained),
    shown: counting.flatMap((part) => {
      const given = paths.get(part)
      return given === undefined ? [] : [{ member: part.member, paths: given }]
    }),
    differences
  }
}

function toPart(member: EventMember): Part {
  const node = parseJsonNode(member.body)
  const elements = new Map<string, JsonMember[]>()
  for (const one of node.kind === 'object' ? node.members : []) {
    const name = one.name.replace(/^_/, '').replace(/^occurrence(DateTime|String)$/, 'occurrence')
    if (!NOT_TAKEN.includes(name)) elements.set(name, [...(elements.get(name) ?? []), one])
  }
  const { recordId, patientKey, fingerprint } = member
  return {
    ...{ recordId, patientKey, fingerprint, deleted: false, member, elements },
    values: JSON.parse(member.body) as Record<string, unknown>
  }
}

function giversOf(name: string, parts: readonly Part[]): Part[] {
  return parts.filter(({ elements }) => elements.has(name))
}

function says(other: Part, giver: Part, name: string): boolean {
  if (other === giver) return true
  return agreesOn(name, other.fingerprint, giver.fingerprint) ?? valueOf(other, name) === valueOf(giver, name)
}

function valueOf({ elements, values }: Part, name: string): string {
  const said = (elements.get(name) ?? []).map((one) => [one.name, resolveContained(values[one.name], values)])
  return canonicalElement(Object.fromEntries(said))
}

// `#Pat1` and `#patient` mean the same when the same stands behind them.
function resolveContained(value: unknown, resource: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(value)) return value.map((item) => resolveContained(item, resource))
  if (typeof value !== 'object' || value === null) return value
  const { reference } = value as { reference?: unknown }
  const list = Array.isArray(resource['contained']) ? (resource['contained'] as { id?: unknown }[]) : []
  const behind = list.find(({ id }) => typeof id === 'string' && reference === `#${id}`)
  const whole: object = behind === undefined ? value : { ...value, reference: { ...behind, id: undefined } }
  const within = behind === undefined ? resource : {}
  return Object.fromEntries(
    Object.entries(whole).flatMap(([key, item]) => (item === undefined ? [] : [[key, resolveContained(item, within)]]))
  )
}

function identifiersOf(parts: readonly Part[], paths: Map<Part, string[]>): string {
  const lists = parts.flatMap((part) => part.elements.get(OF_EACH)?.map(({ value }) => ({ part, value })) ?? [])
  const items = lists.flatMap(({ part, value }) =>
    value.kind === 'array' ? value.items.map(({ text }) => ({ part, text })) : []
  )
  items.forEach(({ part }, index) => {
    paths.set(part, [...(paths.get(part) ?? []), `Immunization.${OF_EACH}[${index}]`])
  })
  return `"${OF_EACH}":[${items.map(({ text }) => text).join(',')}]`
}

function write(
  parts: readonly Part[],
  identifiers: string,
  texts: readonly string[],
  contained: ContainedParts
): string {
  const security = parts.flatMap(
    ({ values }) => (values['meta'] as { security?: object[] } | undefined)?.security ?? []
  )
  const labels = [...new Map(security.map((label) => [canonicalElement(label), label])).values()]
  const lastUpdated = new Date(Math.max(...parts.map(({ member }) => member.lastUpdated.getTime()))).toISOString()
  // A label of one record protects what was made of it.
  const meta = { lastUpdated, ...(labels.length === 0 ? {} : { security: labels }), tag: [COMPOSED] }
  const beside = contained.texts()
  return `{${[
    '"resourceType":"Immunization"',
    `"meta":${JSON.stringify(meta)}`,
    ...(beside.length === 0 ? [] : [`"contained":[${beside.join(',')}]`]),
    identifiers,
    ...texts
  ].join(',')}}`
}

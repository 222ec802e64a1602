// Demands on a record as SQL conditions over `record` and `version`, its current version. Nothing of a query stands in
// the text: values are parameters, and what becomes text is chosen here from a closed list.
import { type Bind, instantIn } from './instant-range.js'
import type { CodeToken, DateRange, OptionalElement, RecordFilter } from './record-filter.js'

export function conditionOf(filter: RecordFilter, bind: Bind): string {
  switch (filter.kind) {
    case 'identifier':
      return either(filter.anyOf.map((token) => hasIdentifier(token, bind)))
    case 'record-id':
      return `record.record_id = any (${bind(filter.anyOf)}::uuid[])`
    case 'status':
      return `record.status = any (${bind(filter.anyOf)})`
    case 'vaccine-type':
      return `record.vaccine_type = any (${bind(filter.anyOf)})`
    case 'occurrence':
      return either(filter.anyOf.map((range) => occurrenceIn(range, bind)))
    case 'last-updated':
      return either(filter.anyOf.map((range) => instantIn('record.last_updated', range, bind)))
    case 'coding':
      return either(filter.anyOf.map((token) => hasCoding(filter.element, token, bind)))
    case 'reference-identifier':
      return either(filter.anyOf.map((token) => refersToIdentified(filter.element, token, bind)))
    case 'reference':
      return either(
        filter.anyOf.map((text) => bodyHas(`${REFERENCES[filter.element]}.reference`, '@ == $t', { t: text }, bind))
      )
    case 'lot-number':
      return either(filter.anyOf.map((text) => hasLotNumber(filter.match, text, bind)))
    case 'profile':
      return either(
        filter.anyOf.map((url) =>
          bodyHas('$.meta.profile[*]', '@ == $u || @ starts with $v', { u: url, v: `${url}|` }, bind)
        )
      )
    case 'present':
      return `${filter.present ? '' : 'not '}${isPresent(filter.element)}`
    case 'not':
      return `(${conditionOf(filter.filter, bind)}) is not true`
    case 'always':
      return String(filter.met)
  }
}

function either(conditions: readonly string[]): string {
  return `(${conditions.join(' or ')})`
}

function hasIdentifier({ system, code }: CodeToken, bind: Bind): string {
  // Every identifier that is kept has a system.
  if (system === null) return 'false'
  const demands = [
    ...(system === undefined ? [] : [`record.identifier_system = ${bind(system)}`]),
    ...(code === undefined ? [] : [`record.identifier_value = ${bind(code)}`])
  ]
  return `(${demands.join(' and ')})`
}

// Both the value searched for and the occurrence are spans.
function occurrenceIn({ prefix, from, until }: DateRange, bind: Bind): string {
  const low = (): string => `${bind(from)}::timestamptz`
  const high = (): string => `${bind(until)}::timestamptz`
  const start = 'record.occurrence_from'
  const end = 'record.occurrence_until'
  switch (prefix) {
    case 'eq':
      return `(${start} >= ${low()} and ${start} < ${high()} and ${end} <= ${high()})`
    case 'ne':
      return `not (${start} >= ${low()} and ${start} < ${high()} and ${end} <= ${high()})`
    case 'gt':
      return `${end} > ${high()}`
    case 'lt':
      return `${start} < ${low()}`
    case 'ge':
      return `(${start} >= ${low()} or ${end} > ${high()})`
    case 'le':
      return `(${start} < ${low()} or ${end} <= ${high()})`
    case 'sa':
      return `${start} >= ${high()}`
    case 'eb':
      return `${end} <= ${low()}`
    case 'ap':
      return `(${start} < ${high()} and ${end} > ${low()})`
  }
}

const CODINGS = {
  vaccineCode: '$.vaccineCode.coding[*]',
  targetDisease: '$.protocolApplied[*].targetDisease[*].coding[*]'
} as const

function hasCoding(element: keyof typeof CODINGS, token: CodeToken, bind: Bind): string {
  return bodyHas(CODINGS[element], testOf(token, 'code'), { system: token.system, code: token.code }, bind)
}

const REFERENCES = { location: '$.location', performer: '$.performer[*].actor' } as const

// A reference to a contained resource is "#" and its id: jsonpath cannot join the two, SQL can.
function refersToIdentified(element: keyof typeof REFERENCES, token: CodeToken, bind: Bind): string {
  const values = { system: token.system, code: token.code }
  const test = testOf(token, 'value')
  const inContained = `${bind(`$.identifier[*] ? (${test})`)}::jsonpath, ${bind(JSON.stringify(values))}::jsonb`
  return `(${bodyHas(`${REFERENCES[element]}.identifier`, test, values, bind)} or exists (
         select
           from jsonb_path_query(version.body::jsonb, '${REFERENCES[element]}') reference
           join jsonb_path_query(version.body::jsonb, '$.contained[*]') contained
             on reference ->> 'reference' = '#' || (contained ->> 'id')
          where jsonb_path_exists(contained, ${inContained})
       ))`
}

function testOf({ system, code }: CodeToken, name: 'code' | 'value'): string {
  return [
    system === undefined ? [] : [system === null ? '!exists(@.system)' : '@.system == $system'],
    code === undefined ? [] : [`@.${name} == $code`]
  ]
    .flat()
    .join(' && ')
}

function bodyHas(path: string, test: string, values: object, bind: Bind): string {
  return `jsonb_path_exists(version.body::jsonb, ${bind(`${path} ? (${test})`)}::jsonpath, ${bind(JSON.stringify(values))}::jsonb)`
}

function hasLotNumber(match: 'start' | 'part' | 'exact', text: string, bind: Bind): string {
  if (match === 'exact') return `record.lot_number = ${bind(text)}`
  const found = `strpos(lower(record.lot_number), lower(${bind(text)}))`
  return match === 'start' ? `${found} = 1` : `${found} > 0`
}

const PRESENCE: Record<Exclude<OptionalElement, 'lotNumber'>, string> = {
  location: '$.location',
  performer: '$.performer[*].actor',
  profile: '$.meta.profile[*]'
}

function isPresent(element: OptionalElement): string {
  if (element === 'lotNumber') return '(record.lot_number is not null)'
  return `jsonb_path_exists(version.body::jsonb, '${PRESENCE[element]}')`
}

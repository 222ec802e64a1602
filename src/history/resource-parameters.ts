// Search parameters of the resources that are served read-only: their form, and the readers that several of them share.
import { NHS_NUMBER_SYSTEM } from '../fhir/identifier-systems.js'
import { isNhsNumber } from '../fhir/nhs-number.js'
import type { DateRange } from '../storage/record-filter.js'
import type { ResourceFilter } from '../storage/resource-query.js'
import { RECORD_ID } from './search-demand.js'
import { DATE_PREFIXES, parseDateRange, parseToken } from './search-value.js'

/** Whose resources: asked before anything else, and kept out of page links. */
export interface PatientDemand {
  kind: 'patient'
  nhsNumber: string
}

export interface ResourceParameter<Filter> {
  name: string
  type: 'token' | 'date' | 'reference' | 'uri'
  /** Canonical URL of the FHIR R4 definition; undefined for one of the Hub's own. */
  definition?: string
  /** FHIRPath of what one of the Hub's own looks at. */
  expression?: string
  documentation: string
  /** The only modifier that may follow. */
  modifier?: string
  /** Alternatives as sent, escapes included. Gives a sentence about what is wrong; never repeats the value. */
  demand(alternatives: readonly string[], asked: { base: string; modifier?: string }): Filter | string
}

export type FilterParameter = ResourceParameter<ResourceFilter | PatientDemand>

/** Without `ap`: that is asked of vaccinations, not of the Hub's own entries. */
const PREFIXES = DATE_PREFIXES.filter((prefix) => prefix !== 'ap')
const DEFINITIONS = 'http://hl7.org/fhir/SearchParameter/'

/** `form`: what an id of this resource looks like; others are looked for and not found. */
export function idParameter(form: RegExp): FilterParameter {
  return {
    name: '_id',
    type: 'token',
    definition: `${DEFINITIONS}Resource-id`,
    documentation: 'Logical id.',
    demand: (alternatives) => ({ kind: 'any-of', name: '_id', anyOf: alternatives.filter((id) => form.test(id)) })
  }
}

export function instantParameter(name: string, definition: string, documentation: string): FilterParameter {
  return {
    name,
    type: 'date',
    definition: DEFINITIONS + definition,
    documentation: `${documentation}; prefixes ${PREFIXES.join(', ')}.`,
    demand(alternatives) {
      const ranges = alternatives.map((text) => parseDateRange(text))
      const known = ranges.filter((range): range is DateRange => range !== undefined)
      if (known.length === ranges.length) return { kind: 'instant', name, anyOf: known }
      return `must be a date such as 2026, 2026-10, 2026-10-01 or 2026-10-01T09:30:00%2B01:00, after one of the prefixes ${PREFIXES.join(', ')} or none`
    }
  }
}

export function lastUpdatedParameter(documentation: string): FilterParameter {
  return instantParameter('_lastUpdated', 'Resource-lastUpdated', documentation)
}

/** Codes of a closed list, with or without their system. */
export function codeParameter(
  name: string,
  definition: string,
  { system, codes }: { system: string; codes: readonly string[] }
): FilterParameter {
  return {
    name,
    type: 'token',
    definition: DEFINITIONS + definition,
    documentation: `${codes.join(', ')}.`,
    demand(alternatives) {
      const tokens = alternatives.map(parseToken)
      if (tokens.some((token) => (token.system ?? system) !== system || !codes.includes(token.code)))
        return `must be one of ${codes.join(', ')}`
      return { kind: 'any-of', name, anyOf: tokens.map(({ code }) => code) }
    }
  }
}

/** `versions`: whether one version of a record may be named, as `record/version`. */
export function recordParameter(
  name: string,
  definition: string,
  documentation: string,
  versions: 'any' | 'named'
): FilterParameter {
  return {
    name,
    type: 'reference',
    definition: DEFINITIONS + definition,
    documentation: `${documentation}: Immunization/{id}, {id}, or an absolute URL of this service${versions === 'named' ? '; with /_history/{version} for one version' : ''}.`,
    demand(alternatives, { base }) {
      const records = alternatives.map((text) => parseRecord(parseToken(text).code, base))
      const known = records.filter((record) => record !== undefined)
      if (known.length < records.length || (versions === 'any' && known.some(({ version }) => version !== undefined)))
        return `must refer to an Immunization: Immunization/{id}${versions === 'named' ? ' or Immunization/{id}/_history/{version}' : ''}`
      return { kind: 'any-of', name, anyOf: known.flatMap(({ id, version }) => toTarget(id, version)) }
    }
  }
}

/** History of one patient. */
export const PATIENT_PARAMETER: FilterParameter = {
  name: 'patient.identifier',
  type: 'token',
  documentation: `Those of one patient: ${NHS_NUMBER_SYSTEM}|{NHS number}. One value.`,
  demand(alternatives) {
    if (alternatives.length > 1) return 'names more than one patient; search for one patient at a time'
    const { system, code } = parseToken(alternatives[0] ?? '')
    if (system !== NHS_NUMBER_SYSTEM) return `must have the form ${NHS_NUMBER_SYSTEM}|{NHS number}`
    if (!isNhsNumber(code)) return 'is not an NHS number: ten digits without spaces, the last one a check digit'
    return { kind: 'patient', nhsNumber: code }
  }
}

// An id that no record can have is a reference that leads nowhere, not a fault.
function toTarget(id: string, version: string | undefined): string[] {
  if (!RECORD_ID.test(id)) return []
  return [version === undefined ? id : `${id}/${version}`]
}

function parseRecord(text: string, base: string): { id: string; version?: string } | undefined {
  const relative = text.startsWith(`${base}/`) ? text.slice(base.length + 1) : text
  const found = /^(?:Immunization\/)?([A-Za-z0-9.-]{1,64})(?:\/_history\/([1-9]\d{0,8}))?$/.exec(relative)
  if (found === null || (found[2] !== undefined && !relative.startsWith('Immunization/'))) return undefined
  return { id: found[1] ?? '', ...(found[2] === undefined ? {} : { version: found[2] }) }
}

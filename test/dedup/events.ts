// Records to compare, built the way the service builds them: from an Immunization's facts and the real data files.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { parseDedupRules } from '../../src/dedup/dedup-rules.js'
import { fingerprintOf, type EventFingerprint, type FingerprintContext } from '../../src/dedup/fingerprint.js'
import { parseProductAncestry } from '../../src/dedup/product-ancestry.js'
import type { EventRecord } from '../../src/dedup/survivor.js'
import { parseFhirDateTime } from '../../src/fhir/dates.js'
import type { ImmunizationFacts } from '../../src/fhir/immunization.js'
import { findVaccineType, VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'

export const rules = parseDedupRules('dedup-1.1.0.yaml', readYaml('profiles/dedup/dedup-1.1.0.yaml'))
export const ancestry = parseProductAncestry(
  'product-ancestry.yaml',
  readYaml('profiles/terminology/product-ancestry.yaml')
)

export function readYaml(path: string): unknown {
  return parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))
}

/** Systems that report. */
export const PHARMACY = 'https://pharmacy.example/vaccination'
export const SCHOOL = 'https://school.example/vaccination'
export const EMIS = 'https://emis.example/YGJ'
export const TPP = 'https://tpp.example/YGA'

export const FLU_AMP = '45175511000001104'
export const FLU_NASAL = '43208811000001106'
export const FLU_GENERIC = '1181000221105'

export interface EventSpec {
  system?: string
  id?: string
  type?: VaccineType
  /** Instead of the diseases of `type`. */
  diseases?: readonly string[]
  on?: string
  primary?: boolean
  product?: string
  lot?: string
  dose?: number
  ods?: string
  status?: ImmunizationFacts['status']
  route?: string
  site?: string
  ml?: number
  expires?: string
  verified?: boolean
  submitterOds?: string
}

let sequence = 0

/** Facts of a primary, verified FLU record on 6 October 2026 from a pharmacy; undefined leaves a field out. */
export function factsOf(spec: EventSpec): ImmunizationFacts {
  const on = spec.on ?? '2026-10-06'
  const date = parseFhirDateTime(on)
  const targetDiseases = [...(spec.diseases ?? VACCINE_TYPES[spec.type ?? 'FLU'])].sort()
  const optional = {
    vaccineType: findVaccineType(targetDiseases),
    productCode: spec.product,
    lotNumber: spec.lot,
    doseNumber: spec.dose,
    performerOds: spec.ods,
    routeCode: spec.route,
    siteCode: spec.site,
    expirationDate: spec.expires,
    doseQuantity: spec.ml === undefined ? undefined : { value: spec.ml, unit: 'ml' }
  }
  return {
    identifier: { system: spec.system ?? PHARMACY, value: spec.id ?? `event-${++sequence}` },
    status: spec.status ?? 'completed',
    isNhsNumberVerified: spec.verified ?? true,
    targetDiseases,
    procedureCodes: [],
    occurrence: on,
    occurrenceDay: date?.londonDay ?? '',
    occurrenceFrom: date?.from ?? new Date(Number.NaN),
    occurrencePrecision: date?.precision ?? 'day',
    primarySource: spec.primary ?? true,
    isSubpotent: false,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  }
}

/** The fingerprint as it comes back from the database: through JSON. */
export function event(spec: EventSpec = {}): EventFingerprint {
  return JSON.parse(JSON.stringify(fingerprintOf(factsOf(spec), contextOf(spec)))) as EventFingerprint
}

export function contextOf(spec: EventSpec): FingerprintContext {
  const context: FingerprintContext = { ancestry, rules, nhsNumberVerified: spec.verified ?? true }
  if (spec.submitterOds !== undefined) context.submitterOds = spec.submitterOds
  return context
}

export function record(recordId: string, spec: EventSpec = {}, stored: Partial<EventRecord> = {}): EventRecord {
  return { recordId, patientKey: 'patient-1', deleted: false, fingerprint: event(spec), ...stored }
}

/** Hands out g1, g2, ... */
export function groupIds(prefix = 'g'): () => string {
  let count = 0
  return () => `${prefix}${++count}`
}

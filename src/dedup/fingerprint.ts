// What deduplication looks at in one record: normalised once, stored as JSON beside it, compared later.
import type { ImmunizationFacts } from '../fhir/immunization.js'
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import { windowOf, type DedupRules } from './dedup-rules.js'
import { normaliseLot, type Lot } from './lot.js'
import type { ListedLevel, ProductAncestry } from './product-ancestry.js'

/** `unlisted`: a code the product file does not know, so nobody can say what it is a kind of. */
export type ProductLevel = ListedLevel | 'unlisted' | 'absent'

export interface FingerprintProduct {
  level: ProductLevel
  code?: string
  /** `code` is of another code system than SNOMED CT (dm+d) and written `system|code`. */
  isForeign?: true
  ancestors: string[]
  /** Volume of one full dose of the product. */
  doseMl?: number
}

/** Plain JSON: survives being written and read unchanged. Absent fields are left out, never null or empty. */
export interface EventFingerprint {
  /** Version of the rules it was normalised by. */
  rulesVersion: string
  identifier: { system: string; value: string }
  status: ImmunizationFacts['status']
  /** SNOMED CT codes of the target diseases, sorted, each once. */
  antigens: string[]
  vaccineType?: VaccineType
  /** First and last London day (YYYY-MM-DD) the occurrence stands for: the same day unless the date is partial. */
  day: string
  lastDay: string
  /** Midnight counts as a day without a time: systems that hold dates only write it so. */
  precision: ImmunizationFacts['occurrencePrecision']
  /** The instant in UTC, to the minute, where a time was given. */
  minute?: string
  product: FingerprintProduct
  lot?: Lot
  doseNumber?: number
  /** ODS code of the performing organisation. */
  organisation?: string
  primarySource: boolean
  /** The submitting system belongs to the organisation that vaccinated. */
  ownSite: boolean
  nhsNumberVerified: boolean
  /** Labelled as test data. */
  isTest?: true
  routeCode?: string
  siteCode?: string
  quantityMl?: number
  /** How many of expiry date, site, route and dose quantity are there: 0 to 4. */
  details: number
}

export interface FingerprintContext {
  ancestry: ProductAncestry
  rules: DedupRules
  /** The patient's NHS number was traced, not only typed. */
  nhsNumberVerified: boolean
  /** ODS code of the organisation that owns the submitting system, where it is known. */
  submitterOds?: string
}

/**
 * The fingerprint of a record that has passed validation.
 * @throws RangeError without a date of occurrence: two records without one would seem to be of one day
 */
export function fingerprintOf(facts: ImmunizationFacts, context: FingerprintContext): EventFingerprint {
  if (facts.occurrenceDay === '')
    throw new RangeError('a record without a readable occurrenceDateTime has no fingerprint')
  const { rules } = context
  const organisation = normaliseOrganisation(facts.performerOds, rules)
  const optional = {
    vaccineType: facts.vaccineType,
    lot: normaliseLot(facts.lotNumber, rules.lots),
    doseNumber: (facts.doseNumber ?? 0) >= 1 ? facts.doseNumber : undefined,
    organisation,
    isTest: facts.isTest,
    routeCode: facts.routeCode,
    siteCode: facts.siteCode,
    quantityMl: readMillilitres(facts.doseQuantity)
  }
  return {
    rulesVersion: rules.version,
    identifier: { system: facts.identifier.system, value: facts.identifier.value },
    status: facts.status,
    antigens: [...new Set(facts.targetDiseases)].sort(),
    ...readDays(facts),
    product: describeProduct(facts, context.ancestry),
    primarySource: facts.primarySource,
    ownSite: organisation !== undefined && organisation === normaliseOrganisation(context.submitterOds, rules),
    nhsNumberVerified: context.nhsNumberVerified,
    details: [facts.expirationDate, facts.siteCode, facts.routeCode, facts.doseQuantity].filter(
      (detail) => detail !== undefined
    ).length,
    ...(Object.fromEntries(Object.entries(optional).filter(([, field]) => field !== undefined)) as Partial<{
      [K in keyof typeof optional]: NonNullable<(typeof optional)[K]>
    }>)
  }
}

/**
 * London days, both included, between which the full dates of all possible partners of a record lie.
 * A stored partial date is kept under its first day and may lie before; such a record is never merged, at most reviewed.
 */
export function candidateDays(
  fingerprint: Pick<EventFingerprint, 'day' | 'lastDay' | 'antigens' | 'vaccineType'>,
  rules: DedupRules
): { from: string; to: string } {
  const days = widestWindow(fingerprint, rules)
  return { from: shiftDay(fingerprint.day, -days), to: shiftDay(fingerprint.lastDay, days) }
}

function widestWindow(
  { vaccineType, antigens }: Pick<EventFingerprint, 'antigens' | 'vaccineType'>,
  rules: DedupRules
): number {
  let days = Math.max(windowOf(vaccineType, rules).windowDays, rules.windows.default.windowDays)
  for (const type of Object.keys(rules.windows.byVaccineType) as VaccineType[])
    if (VACCINE_TYPES[type].some((code) => antigens.includes(code)))
      days = Math.max(days, windowOf(type, rules).windowDays)
  return days
}

/** First and last London day that the occurrence stands for, and how exactly it was told. */
export function readDays(facts: ImmunizationFacts): Pick<EventFingerprint, 'day' | 'lastDay' | 'precision' | 'minute'> {
  const day = facts.occurrenceDay
  switch (facts.occurrencePrecision) {
    case 'time': {
      const isMidnight = /T00:00:00(\.0+)?(Z|[+-])/.test(facts.occurrence)
      if (isMidnight) return { day, lastDay: day, precision: 'day' }
      return { day, lastDay: day, precision: 'time', minute: facts.occurrenceFrom.toISOString().slice(0, 16) }
    }
    case 'day':
      return { day, lastDay: day, precision: 'day' }
    case 'month':
      return { day, lastDay: lastDayOfMonth(day), precision: 'month' }
    case 'year':
      return { day, lastDay: `${day.slice(0, 4)}-12-31`, precision: 'year' }
  }
}

function lastDayOfMonth(firstDay: string): string {
  const end = new Date(`${firstDay}T00:00:00Z`)
  end.setUTCMonth(end.getUTCMonth() + 1, 0)
  return end.toISOString().slice(0, 10)
}

function describeProduct(
  { productCode: code, foreignProduct }: ImmunizationFacts,
  ancestry: ProductAncestry
): FingerprintProduct {
  if (code === undefined)
    return foreignProduct === undefined
      ? { level: 'absent', ancestors: [] }
      : { level: 'unlisted', code: foreignProduct, isForeign: true, ancestors: [] }
  const known = ancestry.get(code)
  return known === undefined ? { level: 'unlisted', code, ancestors: [] } : { code, ...known }
}

function normaliseOrganisation(code: string | undefined, rules: DedupRules): string | undefined {
  const text = (code ?? '').trim().toUpperCase()
  return text === '' || rules.organisations.placeholders.includes(text) ? undefined : text
}

// 258773002 is the SNOMED CT unit; UCUM writes ml or mL. Other units (a syringe) say nothing about the volume.
function readMillilitres(quantity: ImmunizationFacts['doseQuantity']): number | undefined {
  if (quantity === undefined) return undefined
  const unit = quantity.code ?? quantity.unit ?? ''
  return unit === '258773002' || /^(ml|millilit(re|er)s?)$/i.test(unit) ? quantity.value : undefined
}

export function shiftDay(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

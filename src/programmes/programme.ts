// What a programme file says, as read from YAML: profiles/programmes/<id>/<version>.yaml. Its schema is programme-schema.ts.
import type { IssueSeverity } from '../fhir/issue.js'
import type { VaccineType } from '../fhir/vaccine-types.js'

/** H: read in the named source. M: read in test data, a prototype or a secondary page. L: recalled, to be confirmed. */
export type Certainty = 'H' | 'M' | 'L'

/** The closed list of checks, one file each in checks/. */
export const CHECK_NAMES = [
  'notFuture',
  'notBeforeBirth',
  'notAfterDeath',
  'nhsNumberValid',
  'targetDiseasesKnown',
  'doseNumberInRange',
  'notDoneIsEmpty',
  'batchPresent',
  'batchNotExpired',
  'productKnown',
  'productMatchesDisease',
  'procedureMatchesDisease',
  'productLicensedForAge',
  'routeSuitsProduct',
  'siteSuitsRoute',
  'doseQuantity',
  'doseNumberMax',
  'minAge',
  'maxAge',
  'recommendedAge',
  'minInterval',
  'spacingOtherLive',
  'withinSeason',
  'inCohort',
  'oncePerSeason',
  'oncePerLifetime',
  'gestation'
] as const
export type CheckName = (typeof CHECK_NAMES)[number]

export interface ProgrammePeriod {
  from: string
  to?: string
  certainty?: Certainty
}

/** Who is meant: every key of a criterion must hold. */
export interface Criterion {
  ageAtLeast?: string
  ageBelow?: string
  /** Day on which the ages are taken; without it the day of vaccination. */
  asOf?: string
  bornOnOrAfter?: string
  bornOnOrBefore?: string
  schoolYearFrom?: number
  schoolYearTo?: number
  /** A fact an Immunization does not carry, such as PREGNANT: cannot tell unless it is handed in. */
  flag?: string
}

export interface Cohort {
  id: string
  label: string
  period?: ProgrammePeriod
  settings?: string[]
  all?: Criterion[]
  any?: Criterion[]
  certainty?: Certainty
}

export interface ProgrammeProduct {
  code?: string
  display: string
  from?: string
  to?: string
  licensedMinAge?: string
  licensedMaxAgeBefore?: string
  routes?: string[]
  sites?: string[]
  doseMl?: number
  /** Of code, routes and volume. */
  certainty: Certainty
  /** Of the licence ages, when it is not the same. */
  licenceCertainty?: Certainty
}

export interface ProgrammeProcedure {
  code: string
  display: string
  dose?: number
  route?: string
  certainty: Certainty
}

export interface ProgrammeDose {
  number: number
  cohort?: string
  minAge?: string
  recommendedAge?: string
  maxAge?: string
  minIntervalFromPrevious?: string
  recommendedInterval?: string
}

export interface ProgrammeCheck {
  check: CheckName
  severity: Exclude<IssueSeverity, 'fatal'>
  /** Name of the reason with which a supplier turns the error into a warning. */
  overridableBy?: string
  /** Checked against the schema of the check itself. */
  params?: Record<string, unknown>
  from?: string
  to?: string
  source?: string
  certainty?: Certainty
}

export interface ProgrammeSource {
  id: string
  title: string
  url?: string
  read: string
}

export interface Programme {
  /** Name of the file it was read from; not written in the file. */
  file: string
  id: string
  version: string
  /** A draft is judged in shadow, a retired file not at all. */
  status: 'draft' | 'active' | 'retired'
  title: string
  vaccineType: VaccineType
  targetDiseases: string[]
  effective: ProgrammePeriod
  season?: ProgrammePeriod
  settings?: string[]
  procedures?: ProgrammeProcedure[]
  products: ProgrammeProduct[]
  doses: ProgrammeDose[]
  maxDoseNumber?: number
  /** Vaccine types whose doses are doses of this course as well. */
  alsoCounts?: VaccineType[]
  cohorts?: Cohort[]
  dedup?: { windowDays?: number; oncePerSeason?: boolean }
  checks: ProgrammeCheck[]
  sources: ProgrammeSource[]
}

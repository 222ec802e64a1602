// The fields of a programme file and how a sentence names them. The compiler asks for every field there is.
import type {
  Cohort,
  Criterion,
  Programme,
  ProgrammeCheck,
  ProgrammeDose,
  ProgrammeProcedure,
  ProgrammeProduct,
  ProgrammeSource
} from './programme.js'
import {
  ageWords,
  bodyWords,
  CERTAINTY_WORDS,
  criterionWords,
  paramsWords,
  periodWords,
  valueWords
} from './programme-words.js'

/** How one field is said; undefined for what is compared elsewhere or names the item. */
export type FieldWords<Item> = {
  [Key in keyof Required<Item>]: { name: string; say: (value: NonNullable<Item[Key]>) => string } | undefined
}

const plain = (name: string) => ({ name, say: valueWords })
const age = (name: string) => ({ name, say: ageWords })
const period = (name: string) => ({ name, say: periodWords })
const certainty = (name: string) => ({ name, say: (value: keyof typeof CERTAINTY_WORDS) => CERTAINTY_WORDS[value] })
const body = (name: string) => ({ name, say: (codes: string[]) => codes.map(bodyWords).join(', ') })
const criteria = (name: string) => ({ name, say: (value: Criterion[]) => value.map(criterionWords).join('; ') })

export const PROGRAMME_FIELDS: FieldWords<Programme> = {
  file: undefined,
  id: plain('id'),
  version: plain('version'),
  status: plain('status'),
  title: plain('title'),
  vaccineType: plain('vaccine type'),
  targetDiseases: plain('list of target diseases'),
  effective: period('period of validity'),
  season: period('season'),
  settings: plain('list of settings'),
  maxDoseNumber: plain('highest dose number'),
  alsoCounts: plain('list of other vaccine types that count'),
  dedup: {
    name: 'setting for duplicates',
    say: ({ windowDays, oncePerSeason }) =>
      [
        ...(windowDays === undefined ? [] : [`window ${windowDays} days`]),
        ...(oncePerSeason === undefined ? [] : [`once per season ${valueWords(oncePerSeason)}`])
      ].join(', ')
  },
  procedures: undefined,
  products: undefined,
  doses: undefined,
  cohorts: undefined,
  checks: undefined,
  sources: undefined
}

export const PRODUCT_FIELDS: FieldWords<ProgrammeProduct> = {
  code: plain('code'),
  display: plain('name'),
  from: plain('first day of use'),
  to: plain('last day of use'),
  licensedMinAge: age('least licensed age'),
  licensedMaxAgeBefore: age('age at which the licence ends'),
  routes: body('list of routes'),
  sites: body('list of sites'),
  doseMl: { name: 'volume', say: (value) => `${value} ml` },
  certainty: certainty('certainty'),
  licenceCertainty: certainty('certainty of the licence ages')
}

export const PROCEDURE_FIELDS: FieldWords<ProgrammeProcedure> = {
  code: undefined,
  display: plain('name'),
  dose: plain('dose number'),
  route: { name: 'route', say: bodyWords },
  certainty: certainty('certainty')
}

export const DOSE_FIELDS: FieldWords<ProgrammeDose> = {
  number: undefined,
  cohort: undefined,
  minAge: age('least age'),
  recommendedAge: age('recommended age'),
  maxAge: age('age from which it is too late'),
  minIntervalFromPrevious: age('least interval since the dose before'),
  recommendedInterval: age('recommended interval')
}

export const COHORT_FIELDS: FieldWords<Cohort> = {
  id: undefined,
  label: plain('label'),
  period: period('period'),
  settings: plain('list of settings'),
  all: criteria('condition'),
  any: criteria('choice of conditions'),
  certainty: certainty('certainty')
}

export const CHECK_FIELDS: FieldWords<ProgrammeCheck> = {
  check: undefined,
  severity: plain('severity'),
  overridableBy: plain('reason that makes it a warning'),
  params: { name: 'list of settings', say: paramsWords },
  from: plain('first day'),
  to: plain('last day'),
  source: plain('source'),
  certainty: certainty('certainty')
}

export const SOURCE_FIELDS: FieldWords<ProgrammeSource> = {
  id: undefined,
  title: plain('title'),
  url: plain('address'),
  read: plain('day of reading')
}

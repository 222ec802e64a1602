// One plausible vaccination of every NHS vaccine type: who gets it, when, and with what.
import type { VaccineType } from '../../src/fhir/vaccine-types.js'

/** Groups of synthetic patients by the days on which they were born; a patient keeps the group for life. */
export const LIFE_STAGES = {
  older: { from: '1938-01-01', to: '1950-12-31' },
  sixties: { from: '1961-01-01', to: '1961-06-30' },
  mother: { from: '1988-01-01', to: '2000-12-31' },
  pupil: { from: '2011-09-01', to: '2013-08-31' },
  toddler: { from: '2023-01-01', to: '2023-05-31' },
  yearling: { from: '2024-01-01', to: '2024-05-31' },
  infant: { from: '2026-05-01', to: '2026-07-31' }
} as const
export type LifeStage = keyof typeof LIFE_STAGES

export interface SyntheticVaccine {
  stage: LifeStage
  /** First and last day of vaccination, or of the patient's age in days. */
  days: readonly [string, string] | readonly [number, number]
  procedure: string
  product: string
  route: string
  site?: string
  doseMl: number
  doseNumber: number
}

const ARM = { route: '78421000', site: '368208006' } as const
const THIGH = { route: '78421000', site: '61396006' } as const
const TERM = ['2026-09-07', '2026-11-20'] as const

export const SYNTHETIC_VACCINES: Readonly<Record<VaccineType, SyntheticVaccine>> = {
  FLU: {
    stage: 'older',
    days: ['2026-10-01', '2026-11-20'],
    procedure: '985151000000100',
    product: '43207411000001105',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  COVID: {
    stage: 'older',
    days: ['2026-04-13', '2026-06-30'],
    procedure: '1362591000000103',
    product: '43111411000001101',
    ...ARM,
    doseMl: 0.3,
    doseNumber: 1
  },
  RSV: {
    stage: 'older',
    days: ['2026-04-01', '2026-11-20'],
    procedure: '1303503001',
    product: '42605811000001109',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  SHINGLES: {
    stage: 'sixties',
    days: ['2026-07-01', '2026-11-20'],
    procedure: '722215002',
    product: '39655511000001105',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  PNEUMOCOCCAL: {
    stage: 'sixties',
    days: ['2026-07-01', '2026-11-20'],
    procedure: '247631000000101',
    product: '40600011000001101',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  PERTUSSIS: {
    stage: 'mother',
    days: ['2026-01-05', '2026-11-20'],
    procedure: '956951000000104',
    product: '42707511000001109',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  HPV: {
    stage: 'pupil',
    days: TERM,
    procedure: '761841000',
    product: '33493111000001108',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  MENACWY: {
    stage: 'pupil',
    days: TERM,
    procedure: '871874000',
    product: '39779611000001104',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  '3IN1': {
    stage: 'pupil',
    days: TERM,
    procedure: '414619005',
    product: '7374511000001107',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 5
  },
  MMR: {
    stage: 'pupil',
    days: TERM,
    procedure: '38598009',
    product: '34925111000001104',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  MMRV: {
    stage: 'toddler',
    days: ['2026-10-05', '2026-11-20'],
    procedure: '432636005',
    product: '45480711000001107',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  '4IN1': {
    stage: 'toddler',
    days: ['2026-10-05', '2026-11-20'],
    procedure: '868273007',
    product: '26267211000001100',
    ...ARM,
    doseMl: 0.5,
    doseNumber: 1
  },
  HIB: {
    stage: 'yearling',
    days: [366, 395],
    procedure: '712833000',
    product: '9903711000001109',
    ...THIGH,
    doseMl: 0.5,
    doseNumber: 1
  },
  HIBMENC: {
    stage: 'yearling',
    days: [366, 395],
    procedure: '428975001',
    product: '9903711000001109',
    ...THIGH,
    doseMl: 0.5,
    doseNumber: 1
  },
  '6IN1': {
    stage: 'infant',
    days: [56, 63],
    procedure: '1082441000000108',
    product: '34765811000001105',
    ...THIGH,
    doseMl: 0.5,
    doseNumber: 1
  },
  MENB: {
    stage: 'infant',
    days: [56, 63],
    procedure: '720539004',
    product: '23584211000001109',
    ...THIGH,
    doseMl: 0.5,
    doseNumber: 1
  },
  ROTAVIRUS: {
    stage: 'infant',
    days: [56, 63],
    procedure: '868631000000102',
    product: '34609911000001106',
    route: '26643006',
    doseMl: 1.5,
    doseNumber: 1
  },
  HEPB: {
    stage: 'infant',
    days: [0, 1],
    procedure: '170370000',
    product: '10752011000001102',
    ...THIGH,
    doseMl: 0.5,
    doseNumber: 1
  },
  BCG: {
    stage: 'infant',
    days: [28, 40],
    procedure: '42284007',
    product: '37240111000001101',
    route: '372464004',
    site: '368208006',
    doseMl: 0.05,
    doseNumber: 1
  }
}

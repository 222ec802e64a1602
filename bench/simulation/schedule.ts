// Who is offered what in England, as far as this simulation needs it: deduplication reference, section 3.
import type { VaccineType } from '../../src/fhir/vaccine-types.js'

export type Place = 'practice' | 'school' | 'pharmacy' | 'hospital' | 'maternity'

export interface Offer {
  type: VaccineType
  dose: number
  /** Age at which it is given, and how many days later it may become. */
  atDays: number
  lateDays: number
  place: Place
  /** Share of those offered it who have it. */
  uptake: number
  /** Births to whom it is offered, both days included. */
  bornFrom?: string
  bornTo?: string
}

const YEAR = 365.25
const inYears = (years: number): number => Math.round(years * YEAR)
const MMRV_FROM = '2025-01-01'

/** Given once at an age. The first weeks follow each other at 28 days, the shortest valid interval. */
export const ROUTINE: readonly Offer[] = [
  { type: '6IN1', dose: 1, atDays: 56, lateDays: 6, place: 'practice', uptake: 0.93 },
  { type: '6IN1', dose: 2, atDays: 84, lateDays: 9, place: 'practice', uptake: 0.92 },
  { type: '6IN1', dose: 3, atDays: 112, lateDays: 14, place: 'practice', uptake: 0.91 },
  { type: 'MENB', dose: 1, atDays: 56, lateDays: 6, place: 'practice', uptake: 0.92, bornFrom: '2015-07-01' },
  { type: 'MENB', dose: 2, atDays: 84, lateDays: 9, place: 'practice', uptake: 0.91, bornFrom: '2015-07-01' },
  { type: 'MENB', dose: 3, atDays: 366, lateDays: 40, place: 'practice', uptake: 0.88, bornFrom: '2015-07-01' },
  { type: 'ROTAVIRUS', dose: 1, atDays: 56, lateDays: 6, place: 'practice', uptake: 0.9, bornFrom: '2013-05-01' },
  { type: 'ROTAVIRUS', dose: 2, atDays: 84, lateDays: 9, place: 'practice', uptake: 0.88, bornFrom: '2013-05-01' },
  { type: 'PNEUMOCOCCAL', dose: 1, atDays: 112, lateDays: 14, place: 'practice', uptake: 0.92, bornFrom: '2006-09-01' },
  { type: 'PNEUMOCOCCAL', dose: 2, atDays: 366, lateDays: 40, place: 'practice', uptake: 0.89, bornFrom: '2005-09-01' },
  { type: 'HIBMENC', dose: 1, atDays: 366, lateDays: 40, place: 'practice', uptake: 0.89, bornTo: '2024-06-30' },
  { type: 'MMR', dose: 1, atDays: 366, lateDays: 60, place: 'practice', uptake: 0.89, bornTo: '2024-12-31' },
  { type: 'MMRV', dose: 1, atDays: 366, lateDays: 60, place: 'practice', uptake: 0.89, bornFrom: MMRV_FROM },
  { type: 'MMR', dose: 2, atDays: 1218, lateDays: 120, place: 'practice', uptake: 0.84, bornTo: '2022-08-31' },
  { type: 'MMRV', dose: 1, atDays: 1218, lateDays: 90, place: 'practice', uptake: 0.84, bornFrom: '2022-09-01' },
  { type: '4IN1', dose: 1, atDays: 1218, lateDays: 120, place: 'practice', uptake: 0.83 },
  { type: 'HPV', dose: 1, atDays: inYears(12.3), lateDays: 300, place: 'school', uptake: 0.72, bornFrom: '1995-09-01' },
  { type: '3IN1', dose: 5, atDays: inYears(14), lateDays: 300, place: 'school', uptake: 0.7 },
  {
    type: 'MENACWY',
    dose: 1,
    atDays: inYears(14),
    lateDays: 300,
    place: 'school',
    uptake: 0.7,
    bornFrom: '1999-09-01'
  },
  { type: 'PNEUMOCOCCAL', dose: 1, atDays: inYears(65), lateDays: 500, place: 'practice', uptake: 0.7 },
  { type: 'SHINGLES', dose: 1, atDays: inYears(70), lateDays: 300, place: 'practice', uptake: 0.6 },
  { type: 'SHINGLES', dose: 2, atDays: inYears(71), lateDays: 300, place: 'practice', uptake: 0.5 },
  { type: 'RSV', dose: 1, atDays: inYears(75), lateDays: 400, place: 'practice', uptake: 0.6, bornFrom: '1949-09-01' },
  // Babies of mothers with hepatitis B; one in a hundred here, many more than in life.
  { type: 'HEPB', dose: 1, atDays: 0, lateDays: 1, place: 'hospital', uptake: 0.01 },
  { type: 'HEPB', dose: 2, atDays: 28, lateDays: 4, place: 'practice', uptake: 0.01 },
  { type: 'BCG', dose: 1, atDays: 28, lateDays: 20, place: 'hospital', uptake: 0.05 }
]

/** Share of an age that has the flu vaccine in a season, and where; COVID seasons take the older half of it. */
export function fluHabit(ageYears: number): { uptake: number; place: Place } {
  if (ageYears < 2) return { uptake: 0.03, place: 'practice' }
  if (ageYears < 4) return { uptake: 0.42, place: 'practice' }
  if (ageYears < 16) return { uptake: 0.52, place: 'school' }
  if (ageYears < 65) return { uptake: 0.14, place: 'pharmacy' }
  return { uptake: 0.76, place: ageYears % 3 === 0 ? 'pharmacy' : 'practice' }
}

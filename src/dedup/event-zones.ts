// Where the records lie that one may be compared with: by vaccine type, and by day. Pure.
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import { pairWindow, sharesAntigen } from './compare-fields.js'
import type { DedupRules } from './dedup-rules.js'
import { shiftDay, type EventFingerprint } from './fingerprint.js'

export interface Zone {
  vaccineType: VaccineType
  /** London days, YYYY-MM-DD, both included. */
  from: string
  to: string
}

export type Placed = Pick<EventFingerprint, 'day' | 'lastDay' | 'vaccineType' | 'antigens'>

/**
 * One zone for each vaccine type that shares a disease, wide enough for every pair of the two types, and by so many days
 * more. A stored partial date is kept under its first day, which may lie before the zone.
 */
export function zonesOf(print: Placed, rules: DedupRules, moreDays = 0): Zone[] {
  return kinOf(print).map((vaccineType) => {
    const days = pairWindow(print, { vaccineType }, rules).windowDays + moreDays
    return { vaccineType, from: shiftDay(print.day, -days), to: shiftDay(print.lastDay, days) }
  })
}

const ALL = Object.entries(VACCINE_TYPES) as [VaccineType, readonly string[]][]
const KIN = new Map(ALL.map(([type, antigens]) => [type, findKin(antigens)]))

function kinOf({ vaccineType, antigens }: Placed): readonly VaccineType[] {
  return (vaccineType === undefined ? undefined : KIN.get(vaccineType)) ?? findKin(antigens)
}

function findKin(antigens: readonly string[]): VaccineType[] {
  return ALL.flatMap(([type, others]) =>
    sharesAntigen({ antigens: [...antigens] }, { antigens: [...others] }) ? [type] : []
  )
}

// Patients with many records, for measuring what one more costs.
import { fingerprintOf, shiftDay, type EventFingerprint } from '../../src/dedup/fingerprint.js'
import { readImmunizationFacts } from '../../src/fhir/immunization.js'
import type { VaccineType } from '../../src/fhir/vaccine-types.js'
import type { Rules } from '../../src/rules.js'
import type { Immunization } from 'fhir/r4.js'
import {
  createRandom,
  SYNTHETIC_SUPPLIERS,
  syntheticImmunization,
  type SyntheticPatient
} from '../../test/support/synthetic.js'

/** As in the deduplication reference, section 2.11: five vaccines, 26 years, days at random. */
const TYPES: readonly VaccineType[] = ['FLU', 'MMR', 'HPV', 'MENB', 'PNEUMOCOCCAL']
const FIRST_DAY = '2000-10-01'
const DAYS = 26 * 365

export type Spread = 'over 26 years' | 'on one day'

export interface Case {
  spread: Spread
  size: number
}

const SIZES = [20, 60, 200, 1000, 5000]
export const CASES: readonly Case[] = [
  ...SIZES.map((size) => ({ spread: 'over 26 years' as const, size })),
  ...SIZES.map((size) => ({ spread: 'on one day' as const, size }))
]

/** The n-th record of a patient. */
export function recordOf(n: number, spread: Spread, patient: SyntheticPatient): Immunization {
  const random = createRandom(n + 7)
  const type = spread === 'on one day' ? 'FLU' : TYPES[Math.floor(random() * TYPES.length)]!
  const day = spread === 'on one day' ? '2026-10-06' : shiftDay(FIRST_DAY, Math.floor(random() * DAYS))
  const resource = syntheticImmunization({ n, vaccineType: type, patient })
  const { system } = SYNTHETIC_SUPPLIERS[n % SYNTHETIC_SUPPLIERS.length]!
  return {
    ...resource,
    identifier: [{ system, value: `bench-${n}` }],
    occurrenceDateTime: `${day}T10:00:00+00:00`,
    recorded: '2026-11-01T10:00:00+00:00',
    expirationDate: '2027-12-31',
    lotNumber: `L${1000 + Math.floor(random() * 9000)}`,
    primarySource: random() < 0.6
  }
}

export function fingerprintFor(resource: Immunization, { dedup, ancestry }: Rules): EventFingerprint {
  const facts = readImmunizationFacts(resource)
  return fingerprintOf(facts, { ancestry, rules: dedup, nhsNumberVerified: facts.isNhsNumberVerified })
}

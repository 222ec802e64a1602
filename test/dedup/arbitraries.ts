// Records that often collide: few days, lots, organisations and products, and many gaps.
import fc from 'fast-check'
import type { Test } from 'tap'
import type { EventFingerprint } from '../../src/dedup/fingerprint.js'
import type { EventRecord } from '../../src/dedup/survivor.js'
import {
  EMIS,
  event,
  FLU_AMP,
  FLU_GENERIC,
  FLU_NASAL,
  PHARMACY,
  record,
  SCHOOL,
  TPP,
  type EventSpec
} from './events.js'

const maybe = <T>(values: readonly T[]): fc.Arbitrary<T | undefined> =>
  fc.option(fc.constantFrom(...values), { nil: undefined })

const aDay = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('2026-10-06', '2026-10-06T09:00:00+01:00', '2026-10-07') },
  { weight: 2, arbitrary: fc.constantFrom('2026-10-08', '2026-10-12', '2026-11-02', '2026-11-05') },
  { weight: 1, arbitrary: fc.constantFrom('2026', '2026-10') }
)

export const aSpec: fc.Arbitrary<EventSpec> = fc
  .record({
    system: fc.constantFrom(PHARMACY, SCHOOL, EMIS, TPP, 'https://hospital.example'),
    type: fc.constantFrom('FLU', 'FLU', 'FLU', '6IN1', 'HEPB', '4IN1', 'HIB'),
    on: aDay,
    primary: fc.boolean(),
    product: maybe([FLU_AMP, FLU_GENERIC, FLU_NASAL, '836377006', '999999011000001104']),
    lot: maybe(['AB1203', 'AB12O3', 'AB1204', 'ZX9999', 'unknown']),
    dose: maybe([1, 2]),
    ods: maybe(['FX111', 'FX222', 'X99999']),
    route: maybe(['78421000', '46713006']),
    site: maybe(['368208006', '368209003']),
    ml: maybe([0.1, 0.2, 0.5]),
    expires: maybe(['2027-06-30']),
    status: fc.constantFrom('completed', 'completed', 'completed', 'completed', 'not-done'),
    verified: fc.constantFrom(true, true, true, true, true, false)
  })
  .map((spec) => Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)))

export const aFingerprint: fc.Arbitrary<EventFingerprint> = aSpec.map((spec) => event(spec))

/** Records that mostly agree, so that stars, conflicts and reviews really occur. */
const aLikelyCopy = fc
  .record({
    system: fc.constantFrom(PHARMACY, SCHOOL, EMIS, TPP, 'https://hospital.example', 'https://occupational.example'),
    type: fc.constantFrom('FLU', 'FLU', 'FLU', '6IN1', 'HEPB', 'HIB'),
    on: fc.constantFrom('2026-10-06', '2026-10-06', '2026-10-06T09:00:00+01:00', '2026-10-07', '2026-10-08'),
    primary: fc.constantFrom(true, false, false),
    lot: maybe(['AB1203', 'AB1203', 'AB12O3', 'ZX9999']),
    dose: maybe([1, 1, 2]),
    ods: maybe(['FX111', 'FX222']),
    expires: maybe(['2027-06-30'])
  })
  .map((spec): EventSpec => Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)))

export interface PatientLife {
  records: EventRecord[]
  decisions: { recordA: string; recordB: string; outcome: 'same' | 'distinct' }[]
}

/** Up to nine records of a patient, a few of them deleted, with at most three decisions of reviewers. */
export const aPatientLife: fc.Arbitrary<PatientLife> = fc
  .array(
    fc.record({ spec: fc.oneof(aLikelyCopy, aLikelyCopy, aSpec), deleted: fc.constantFrom(false, false, false, true) }),
    {
      minLength: 1,
      maxLength: 9
    }
  )
  .chain((entries) => {
    const records = entries.map(({ spec, deleted }, index) =>
      record(`r${index}`, { ...spec, id: `id-${index}` }, { deleted })
    )
    const anId = fc.constantFrom(...records.map(({ recordId }) => recordId))
    const aDecision = fc
      .record({ recordA: anId, recordB: anId, outcome: fc.constantFrom('same' as const, 'distinct' as const) })
      .filter(({ recordA, recordB }) => recordA < recordB)
    const decisions: fc.Arbitrary<PatientLife['decisions']> =
      records.length < 2
        ? fc.constant([])
        : fc.uniqueArray(aDecision, { maxLength: 3, selector: ({ recordA, recordB }) => `${recordA} ${recordB}` })
    return fc.record({ records: fc.constant(records), decisions })
  })

export function specWithout(spec: EventSpec, field: keyof EventSpec): EventSpec {
  return Object.fromEntries(Object.entries(spec).filter(([name]) => name !== field))
}

/** One test for a property: fast-check shrinks what fails and prints its seed. */
export function holds<Ts extends [unknown, ...unknown[]]>(
  t: Test,
  name: string,
  property: fc.IPropertyWithHooks<Ts>,
  numRuns: number
): void {
  t.test(name, (t) => {
    t.doesNotThrow(() => {
      fc.assert(property, { numRuns })
    })
    t.end()
  })
}

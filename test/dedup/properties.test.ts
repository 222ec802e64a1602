// What must hold of any two records, whatever they say. Symmetry, order and idempotence of groups: regroup.test.ts.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Immunization } from 'fhir/r4.js'
import t from 'tap'
import { compareEvents } from '../../src/dedup/compare-events.js'
import { fingerprintOf, type EventFingerprint } from '../../src/dedup/fingerprint.js'
import { readImmunizationFacts } from '../../src/fhir/immunization.js'
import { ADVERSARIAL_PAIRS, toImmunization } from './adversarial-pairs.js'
import { aSpec, holds } from './arbitraries.js'
import { ancestry, event, rules } from './events.js'

holds(
  t,
  'comparing is reflexive: a vaccination told twice never contradicts itself and is never distinct',
  fc.property(aSpec, (spec) => {
    const one = event({ ...spec, status: 'completed', on: '2026-10-06', id: 'one' })
    for (const system of [one.identifier.system, 'https://elsewhere.example']) {
      const verdict = compareEvents(one, { ...one, identifier: { system, value: 'two' } }, rules)
      assert.notEqual(verdict.outcome, 'distinct')
      assert.deepEqual(verdict.conflicts, [])
    }
  }),
  2000
)

const aPair = fc.constantFrom(...ADVERSARIAL_PAIRS)

holds(
  t,
  'the pairs that are made to mislead are judged the same from either side, through storage and back',
  fc.property(aPair, ({ a, b, expect }) => {
    const [one, two] = [fingerprint(toImmunization(a, 'one')), fingerprint(toImmunization(b, 'two'))]
    assert.equal(compareEvents(two, one, rules).outcome, expect)
    const stored = JSON.parse(JSON.stringify(one)) as EventFingerprint
    assert.deepEqual(compareEvents(stored, two, rules), compareEvents(one, two, rules))
  }),
  500
)

/** Parts of an Immunization that say nothing about which jab it was. */
const anIrrelevance: fc.Arbitrary<Partial<Immunization>> = fc.record(
  {
    id: fc.constantFrom('a', 'b'),
    meta: fc.record({ versionId: fc.string(), tag: fc.constant([{ code: 'x' }]) }),
    extension: fc.array(fc.record({ url: fc.webUrl(), valueString: fc.string({ minLength: 1 }) }), { minLength: 1 }),
    note: fc.array(fc.record({ text: fc.string({ minLength: 1 }) })),
    recorded: fc.constantFrom('2026-10-06', '2026-12-24T10:00:00Z'),
    reasonCode: fc.array(fc.record({ text: fc.string() })),
    fundingSource: fc.record({ text: fc.string() }),
    manufacturer: fc.record({ display: fc.string() }),
    reportOrigin: fc.record({ text: fc.string() }),
    language: fc.constantFrom('en', 'cy')
  },
  { requiredKeys: [] }
)

holds(
  t,
  'an irrelevant extension, note, origin or reason never changes the outcome',
  fc.property(aPair, anIrrelevance, anIrrelevance, ({ a, b }, forA, forB) => {
    const [one, two] = [toImmunization(a, 'one'), toImmunization(b, 'two')]
    assert.deepEqual(
      compareEvents(fingerprint({ ...one, ...forA }), fingerprint({ ...two, ...forB }), rules),
      compareEvents(fingerprint(one), fingerprint(two), rules)
    )
  }),
  1000
)

const MISSING = ['lot', 'dose', 'ods', 'route', 'site', 'ml', 'snomed', 'cvx', 'text'] as const

holds(
  t,
  'of the pairs that are made to mislead, telling more never turns distinct into same unless it agrees',
  fc.property(aPair, fc.subarray([...MISSING], { minLength: 1 }), ({ a, b }, fields) => {
    const bare = { ...a }
    for (const field of fields) Reflect.deleteProperty(bare, field)
    const before = compareEvents(fingerprint(toImmunization(bare, 'one')), fingerprint(toImmunization(b, 'two')), rules)
    const after = compareEvents(fingerprint(toImmunization(a, 'one')), fingerprint(toImmunization(b, 'two')), rules)
    if (before.outcome !== 'distinct' || after.outcome !== 'same') return
    assert.ok(fields.some((field) => a[field] !== undefined && b[field] !== undefined))
    assert.deepEqual(after.conflicts, [])
  }),
  2000
)

function fingerprint(resource: Immunization): EventFingerprint {
  const facts = readImmunizationFacts(resource)
  return fingerprintOf(facts, { ancestry, rules, nhsNumberVerified: facts.isNhsNumberVerified })
}

import t from 'tap'
import { compareEvents } from '../../src/dedup/compare-events.js'
import { fingerprintOf, type EventFingerprint } from '../../src/dedup/fingerprint.js'
import { readImmunizationFacts } from '../../src/fhir/immunization.js'
import { ADVERSARIAL_PAIRS, toImmunization, type Sent } from './adversarial-pairs.js'
import { ancestry, rules } from './events.js'

for (const { why, a, b, expect } of ADVERSARIAL_PAIRS)
  t.test(`${expect}: ${why}`, (t) => {
    const verdict = compareEvents(fingerprint(a, 'one'), fingerprint(b, 'two'), rules)

    t.equal(verdict.outcome, expect, `by ${verdict.rule}, ${verdict.score} points, caps ${verdict.caps.join(' ')}`)
    t.end()
  })

t.test('no pair is told twice', (t) => {
  t.equal(new Set(ADVERSARIAL_PAIRS.map(({ why }) => why)).size, ADVERSARIAL_PAIRS.length)
  t.end()
})

function fingerprint(sent: Sent, identifier: string): EventFingerprint {
  const facts = readImmunizationFacts(toImmunization(sent, identifier))
  return fingerprintOf(facts, { ancestry, rules, nhsNumberVerified: facts.isNhsNumberVerified })
}

// A few hundred synthetic lives with known truth; npm run bench -- simulation lives more of them.
import t from 'tap'
import { simulate } from '../../bench/simulation/judge.js'
import { createTally, ratesOf, type Tally } from '../../bench/simulation/tally.js'
import { loadRules } from '../../src/rules.js'

const SEED = 6

const { dedup, ancestry, programmeFiles } = await loadRules()
const live = (patients: number, seed = SEED): Tally => {
  const tally = createTally()
  simulate({ rules: dedup, ancestry, programmes: programmeFiles, seed }, 0, patients, tally)
  return tally
}

t.test('of 400 lives, no two real doses are merged and more than 97 % of the duplicates are found', (t) => {
  const tally = live(400)

  const { mergePrecision, foundRecall } = ratesOf(tally)
  t.ok(tally.mergedRightly > 1000, `${tally.mergedRightly} pairs were merged`)
  t.ok(mergePrecision > 0.9999, `precision of merging is ${mergePrecision}`)
  t.ok(foundRecall > 0.97, `${foundRecall} of the duplicates are merged or left to a person`)
  t.equal(tally.lostNeedles, 0, 'every vaccination keeps a record that stands for it')
  for (const [kind, { merged, apart, reviewed }] of tally.rivals) {
    t.ok(apart + reviewed > 0, kind)
    t.equal(merged, 0, `${kind}: never merged`)
  }
  t.end()
})

t.test('one seed gives one simulation, another seed another', (t) => {
  const counts = ({ records, all, mergedRightly }: Tally): object => ({ records, all, mergedRightly })
  t.strictSame(counts(live(20)), counts(live(20)))
  t.notSame(counts(live(20)), counts(live(20, SEED + 1)))
  t.end()
})
